"""Promise: heartbeats beat in tests that commit, however these ask for it, and in no others."""

import pytest

from gas.jobs.lifecycle.heartbeat import Heartbeat

COMMITS = ({"transaction": True}, {"transaction": True, "databases": ["default"]}, {"reset_sequences": True})
NEVER_COMMITS = ({}, {"databases": ["default"]}, {"transaction": False})


def beats() -> bool:
    rounds: list[int] = []

    def renew() -> bool:
        rounds.append(1)
        return True

    Heartbeat("nothing", renew)._beat()
    return bool(rounds)


@pytest.mark.parametrize("asked", [pytest.param(one, marks=pytest.mark.django_db(**one)) for one in COMMITS])
def test_a_mark_that_asks_for_commits(asked: dict[str, object]) -> None:
    assert beats()


@pytest.mark.django_db
class TestOfAClass:
    def test_its_mark_is_seen(self) -> None:
        assert not beats()

    @pytest.mark.django_db(transaction=True)
    def test_the_closest_mark_counts(self) -> None:
        assert beats()


@pytest.mark.parametrize("asked", [pytest.param(one, marks=pytest.mark.django_db(**one)) for one in NEVER_COMMITS])
def test_a_mark_that_does_not(asked: dict[str, object]) -> None:
    assert not beats()


def test_a_fixture_that_does_not(db: None) -> None:
    assert not beats()


def test_a_live_server_commits(live_server: object) -> None:
    assert beats()


def test_a_transactional_database_commits(transactional_db: None) -> None:
    assert beats()
