"""What a subscription entitles to, by its status and the time alone."""

from datetime import UTC, datetime, timedelta

import pytest

from gas.subscriptions.entitlement import Subscription, entitles, ruling

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GRACE = timedelta(days=7)
EVERY_STATUS = (
    "active",
    "trialing",
    "past_due",
    "canceled",
    "unpaid",
    "incomplete",
    "incomplete_expired",
    "paused",
    "something new",
    "",
)


def sub(status: str, *, days: int = 30, created: int = 0, name: str = "sub_1") -> Subscription:
    return Subscription(name, "cus_1", status, NOW - timedelta(days=created), NOW + timedelta(days=days))


@pytest.mark.parametrize("status", EVERY_STATUS)
def test_active_and_trialing_entitle_and_nothing_else_does_by_itself(status: str) -> None:
    assert entitles(status, None, now=NOW, grace=GRACE) is (status in {"active", "trialing"})


@pytest.mark.parametrize(
    ("since", "entitled"),
    [
        (NOW, True),
        (NOW - GRACE + timedelta(seconds=1), True),
        (NOW - GRACE, False),
        (NOW - GRACE - timedelta(days=1), False),
    ],
)
def test_past_due_entitles_while_the_grace_lasts(since: datetime, entitled: bool) -> None:
    assert entitles("past_due", since, now=NOW, grace=GRACE) is entitled


def test_an_old_grace_does_not_hurt_who_has_paid() -> None:
    assert entitles("active", NOW - timedelta(days=300), now=NOW, grace=GRACE)


def test_nobody_has_no_subscription() -> None:
    assert ruling([]) is None


@pytest.mark.parametrize("status", EVERY_STATUS)
def test_of_several_any_good_one_counts(status: str) -> None:
    good = sub("active", days=1, created=90, name="sub_good")
    other = sub(status, days=60, name="sub_other")
    found = [ruling([good, other]), ruling([other, good])]
    assert all(one and one.status in {"active", "trialing"} for one in found)
    assert found[0] == found[1]


@pytest.mark.parametrize("status", ["canceled", "unpaid", "incomplete", "incomplete_expired", "paused"])
def test_one_that_is_past_due_counts_before_those_that_are_worse(status: str) -> None:
    found = ruling([sub(status, days=300, name="sub_other"), sub("past_due", days=1)])
    assert found
    assert found.status == "past_due"


def test_of_two_good_ones_the_one_that_lasts_longer_counts() -> None:
    found = ruling([sub("active", days=3, name="sub_short"), sub("trialing", days=9, name="sub_long")])
    assert found
    assert found.id == "sub_long"


@pytest.mark.parametrize("ended", ["canceled", "incomplete_expired", "something new"])
@pytest.mark.parametrize("still_open", ["unpaid", "paused", "incomplete"])
def test_one_that_is_open_counts_before_one_that_has_ended(still_open: str, ended: str) -> None:
    found = ruling([sub(ended, days=300, name="sub_ended"), sub(still_open, days=1, name="sub_open")])
    assert found
    assert found.id == "sub_open"
