"""Limits on how often one person may do something."""

import time

from gas.rate_limits import RateLimit


def test_uses_beyond_the_limit_are_refused_for_each_by_themselves() -> None:
    limit = RateLimit("trial", seconds=60)
    assert [limit.take("ada", 2) for _ in range(4)] == [True, True, False, False]
    assert limit.take("ben", 2)
    assert RateLimit("other", seconds=60).take("ada", 2)


def test_to_look_is_not_to_use() -> None:
    limit = RateLimit("trial", seconds=60)
    assert not limit.is_used_up("ada", 1)
    assert not limit.is_used_up("ada", 1)
    limit.take("ada", 1)
    assert limit.is_used_up("ada", 1)


def test_a_period_begins_with_the_first_use_and_ends(monkeypatch) -> None:
    limit, now = RateLimit("trial", seconds=60), time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    assert limit.take("ada", 1)
    monkeypatch.setattr(time, "time", lambda: now + 59)
    assert not limit.take("ada", 1)
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert limit.take("ada", 1)
