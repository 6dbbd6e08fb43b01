"""Leaving Premium: what is in S3 stays for the notice period, its owner is told, and an upgrade cancels it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from gas.aws.glacier_vault import VaultArchive
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.sweep import resend_downgrades, resend_due
from gas.jobs.mails import notices
from gas.jobs.models import Notice, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import archival
from gas.subscriptions.changes import set_plan
from gas.subscriptions.plans import PLANS
from gas.users.models import PlanChoice, User
from tests.support.glacier_standin import StandIn
from tests.support.results import make_result, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

FREE, PREMIUM = PlanChoice.FREE, PlanChoice.PREMIUM
WEEK = timedelta(days=7)
NEW = timedelta(seconds=300)


@pytest.fixture
def complete(claimed: Callable[..., leases.Claim], tmp_path: Any) -> Callable[[], ResultFile]:
    """Makes a result that is due as its owner's plan says."""

    def completed() -> ResultFile:
        claim = claimed()
        result = ResultFile(key=f"{claim.prefix}r", index_key=f"{claim.prefix}i", size=1, sha256="0" * 64)
        leases.complete(claim, result, log_key="", summary={}, preview=[])
        return result

    return completed


def leave(person: User) -> int:
    """Go from Premium to Free, and deliver the message of it."""
    set_plan(person, FREE)
    return archival.make_all_due(str(person.pk))


def wait(result: ResultFile) -> timedelta | None:
    """How long the result still stays in S3; None for ever."""
    result.refresh_from_db()
    return result.archive_due_at and result.archive_due_at - timezone.now()


def nearly(length: timedelta) -> Any:
    return pytest.approx(length, abs=timedelta(seconds=20))


def test_results_of_somebody_who_leaves_premium_stay_for_seven_days(
    person: User, complete: Callable[[], ResultFile]
) -> None:
    set_plan(person, PREMIUM)
    result = complete()
    assert wait(result) is None
    assert leave(person) == 1
    assert wait(result) == nearly(WEEK)
    assert wait(complete()) == nearly(NEW)  # made on the free plan
    assert resend_due(timezone.now()) == 0
    assert run(result).state == ResultState.AVAILABLE  # whatever message comes


def test_the_owner_is_told_once_until_when(person: User, complete: Callable[[], ResultFile]) -> None:
    set_plan(person, PREMIUM)
    result, _ = complete(), complete()
    leave(person)
    assert archival.make_all_due(str(person.pk)) == 0  # the message comes again
    result.refresh_from_db()
    notices.send(Notice.objects.get(kind=Notice.Kind.ARCHIVAL).pk)
    (told,) = [one for one in mail.outbox if "archived" in one.subject]
    assert told.subject == "2 results will be archived"
    assert result.archive_due_at
    for text in (str(told.body), str(told.alternatives[0][0])):  # type: ignore[attr-defined]
        assert f"{result.archive_due_at:%Y, %H:%M} UTC" in text
        assert "Your Premium has ended" in " ".join(text.split()) or "your Premium has ended" in text


def test_an_upgrade_within_the_notice_period_cancels_it(
    aws: StandIn, person: User, complete: Callable[[], ResultFile]
) -> None:
    set_plan(person, PREMIUM)
    result = complete()
    leave(person)
    set_plan(person, PREMIUM)  # with its transaction, before any message is delivered
    assert wait(result) is None
    notices.send(Notice.objects.get(kind=Notice.Kind.ARCHIVAL).pk)
    assert not mail.outbox  # it would no longer be true
    ResultFile.objects.update(archive_due_at=timezone.now())
    assert run(result).state == ResultState.AVAILABLE
    assert not aws.archives()


def test_who_leaves_again_has_the_whole_period_again_and_one_mail(
    person: User, complete: Callable[[], ResultFile]
) -> None:
    result = complete()  # due in minutes, by the free plan
    set_plan(person, PREMIUM)
    set_plan(person, FREE)
    assert wait(result) is None  # even before the message of the change is delivered
    archival.make_all_due(str(person.pk))
    first = Notice.objects.get(kind=Notice.Kind.ARCHIVAL)
    set_plan(person, PREMIUM)
    assert leave(person) == 1
    assert wait(result) == nearly(WEEK)
    for notice in Notice.objects.filter(kind=Notice.Kind.ARCHIVAL):
        notices.send(notice.pk)
    assert len([one for one in mail.outbox if "archived" in one.subject]) == 1
    assert not Notice.objects.filter(pk=first.pk).exists()


def test_the_sweep_starts_the_period_when_the_message_was_lost(
    person: User, complete: Callable[[], ResultFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_plan(person, PREMIUM)
    result = complete()
    set_plan(person, FREE)
    sent: list[Any] = []
    monkeypatch.setattr("gas.jobs.lifecycle.sweep.send_after_commit", lambda *message: sent.append(message))
    assert resend_downgrades(timezone.now()) == 1
    ((_, owner),) = sent
    archival.make_all_due(str(owner))
    assert wait(result) == nearly(WEEK)


def test_a_restore_that_ends_after_its_owner_left_has_the_rest_of_the_period(
    person: User, complete: Callable[[], ResultFile]
) -> None:
    set_plan(person, PREMIUM)
    result = complete()
    set_plan(person, FREE)
    person.plan_changes.filter(to_plan=FREE).update(at=timezone.now() - timedelta(days=2))
    ResultFile.objects.update(created_at=timezone.now() - timedelta(days=30))
    result.refresh_from_db()
    archival.make_due(result, person)
    assert wait(result) == nearly(timedelta(days=5))
    person.plan_changes.filter(to_plan=FREE).update(at=timezone.now() - timedelta(days=20))
    archival.make_due(result, person)  # staff brought it back long after
    assert wait(result) == nearly(NEW)


@pytest.mark.parametrize("ends", ["stored", "failed"])
def test_a_result_that_is_being_archived_while_its_owner_comes_and_goes_stays_for_the_period(
    aws: StandIn,
    person: User,
    claimed: Callable[..., leases.Claim],
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    ends: str,
) -> None:
    result, store = make_result(claimed(), tmp_path), VaultArchive.store

    def premium_meanwhile(self: VaultArchive, **what: Any) -> Any:
        kept = store(self, **what)
        set_plan(person, PREMIUM)
        leave(person)
        if ends == "failed":
            raise ConnectionError
        return kept

    monkeypatch.setattr(VaultArchive, "store", premium_meanwhile)
    assert run(result).state == ResultState.AVAILABLE
    assert wait(result) is None
    assert archival.make_all_due(str(person.pk)) == 1  # by the sweep
    assert wait(result) == nearly(WEEK)


def test_the_period_is_never_shorter_than_the_wait_of_a_new_result() -> None:
    free = PLANS[FREE]
    assert free.kept_after_downgrade == WEEK
    assert free.downgrade_notice > (free.archive_after or 0)
    assert replace(free, archive_after=30 * 86400.0).kept_after_downgrade == timedelta(days=30)


def test_a_plan_that_archives_after_another_delay_is_followed(
    person: User, complete: Callable[[], ResultFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLANS, FREE, replace(PLANS[FREE], archive_after=86_400.0))
    assert wait(complete()) == nearly(timedelta(days=1))


@pytest.mark.parametrize(("plan", "hours"), [(PlanChoice.FREE, 5), (PlanChoice.PREMIUM, 48)])
def test_each_plan_that_archives_has_its_own_delay(
    person: User, complete: Callable[[], ResultFile], monkeypatch: pytest.MonkeyPatch, plan: PlanChoice, hours: int
) -> None:
    monkeypatch.setitem(PLANS, PlanChoice.FREE, replace(PLANS[PlanChoice.FREE], archive_after=5 * 3600.0))
    monkeypatch.setitem(PLANS, PlanChoice.PREMIUM, replace(PLANS[PlanChoice.PREMIUM], archive_after=48 * 3600.0))
    User.objects.filter(pk=person.pk).update(plan=plan)
    assert wait(complete()) == nearly(timedelta(hours=hours))
