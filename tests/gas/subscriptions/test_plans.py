"""Plans are frozen data, and one function changes whose is which: once, under a lock, written down, told after."""

import dataclasses
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from gas.subscriptions import changes
from gas.subscriptions.changes import set_plan
from gas.subscriptions.models import PlanChange
from gas.subscriptions.plans import PLANS, plan_of
from gas.tasknames import ARCHIVE_USER_RESULTS, RESTORE_USER_RESULTS
from gas.users.models import PlanChoice, User

pytestmark = pytest.mark.django_db

FREE, PREMIUM = PlanChoice.FREE, PlanChoice.PREMIUM


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is sent once the transaction has committed."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        changes, "send_after_commit", lambda *message: transaction.on_commit(lambda: found.append(message))
    )
    return found


def test_every_plan_that_a_person_can_have_is_described() -> None:
    assert set(PLANS) == set(PlanChoice)
    assert PLANS[FREE].archives
    assert not PLANS[PREMIUM].archives
    assert all(plan.tiers[-1] == "Standard" for plan in PLANS.values())  # there is always room for Standard
    assert PLANS[FREE].max_upload_bytes == 150 * 1024
    # What S3 takes in one POST, by its own words: MaxSizeAllowed of its EntityTooLarge.
    assert PLANS[PREMIUM].max_upload_bytes == 5_368_709_120
    assert all(plan.expanded_bytes >= plan.max_upload_bytes for plan in PLANS.values())  # as it is, uncompressed
    assert PLANS[FREE].concurrent_jobs == 1 < PLANS[PREMIUM].concurrent_jobs


def test_a_plan_cannot_be_changed_while_running() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLANS[FREE].archives = False  # type: ignore[misc]


def test_a_new_person_is_free(person: User) -> None:
    assert plan_of(person) is PLANS[FREE]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("before", "after", "task"), [(FREE, PREMIUM, RESTORE_USER_RESULTS), (PREMIUM, FREE, ARCHIVE_USER_RESULTS)]
)
def test_a_change_is_kept_written_down_and_sets_the_results_on_their_way(
    person: User, stranger: User, sent: list[Any], before: PlanChoice, after: PlanChoice, task: str
) -> None:
    User.objects.filter(pk=person.pk).update(plan=before)
    assert set_plan(person, after, actor=stranger, reason="asked for it")
    assert person.plan == User.objects.get(pk=person.pk).plan == after
    change = PlanChange.objects.get()
    assert (change.user, change.from_plan, change.to_plan) == (person, before, after)
    assert (change.actor, change.reason) == (stranger, "asked for it")
    assert sent == [(task, person.pk)]


@pytest.mark.django_db(transaction=True)
def test_the_same_plan_again_changes_nothing(person: User, sent: list[Any]) -> None:
    assert set_plan(person, PREMIUM)
    stale = User(pk=person.pk, email=person.email, plan=FREE)  # as another process read it before
    assert not set_plan(stale, PREMIUM)
    assert stale.plan == PREMIUM
    assert PlanChange.objects.count() == 1
    assert len(sent) == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_before_the_commit_nor_when_there_is_none(person: User, sent: list[Any]) -> None:
    with transaction.atomic():
        set_plan(person, PREMIUM)
        assert sent == []
    assert len(sent) == 1
    with transaction.atomic():
        set_plan(person, FREE)
        transaction.set_rollback(True)
    assert len(sent) == 1
    assert User.objects.get(pk=person.pk).plan == PREMIUM
    assert PlanChange.objects.count() == 1


def test_the_persons_row_is_locked_where_the_database_can(person: User) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        set_plan(person, PREMIUM)
    first = next(query["sql"] for query in queries if query["sql"].startswith("SELECT"))
    assert "users_user" in first
    assert ("FOR NO KEY UPDATE" in first) is connection.features.has_select_for_update
