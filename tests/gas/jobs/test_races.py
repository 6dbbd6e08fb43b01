"""Promise: a job that others change at the same time, at any moment, ends in one of its proper states.

Two real transactions run against each other. The one is held before each of its statements in turn, and before its
commit; meanwhile the other runs, to its end or until it waits for a lock of the first.
"""

from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gas.aws import queues
from gas.jobs.lifecycle import actions, leases, sweep
from gas.jobs.lifecycle.leases import Claim
from gas.jobs.lifecycle.uploads import confirm_upload
from gas.jobs.models import Job, JobEvent, Notice, Purge, ResultFile
from gas.jobs.moves import LostRace
from gas.jobs.states import JobStatus
from gas.users.deletion import delete_account
from gas.users.models import User
from tests.support.jobs import age
from tests.support.people import make_person
from tests.support.races import Work, deleting, every_interleaving, other_way_round

pytestmark = [
    pytest.mark.skipif("sqlite3" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has one writer at a time"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("queued"),
]


def completing(claim: Claim) -> Work:
    result = ResultFile(key=claim.prefix + "a", index_key=claim.prefix + "b", size=1, sha256="0" * 64)
    return lambda: leases.complete(claim, result, log_key="", summary={}, preview=[])


def deleting_owner(job: Job) -> Work:
    def delete() -> None:
        owner = User.objects.get(pk=job.owner_id)
        with transaction.atomic():
            owner.delete()

    return delete


def succeeded(future: Future[Any]) -> bool:
    """Whether it was done; being outrun is the only other end that is allowed."""
    error = future.exception()
    if error is not None and not isinstance(error, LostRace):
        raise error
    return error is None


@pytest.mark.parametrize("held", ["completing", "deleting"])
@pytest.mark.parametrize("delete_it", [deleting, deleting_owner])
def test_a_job_deleted_while_it_completes_is_gone_with_all_that_is_its(
    claimed: Callable[..., Claim], held: str, delete_it: Callable[[Job], Work]
) -> None:
    numbers = count()

    def prepare() -> tuple[Work, Work]:
        Purge.objects.all().delete()
        claim = claimed(owner=make_person(f"owner-{next(numbers)}@lab.example"))
        return completing(claim), delete_it(claim.job)

    for one, two in every_interleaving(prepare if held == "completing" else other_way_round(prepare)):
        complete, delete = (one, two) if held == "completing" else (two, one)
        succeeded(complete)
        assert succeeded(delete)
        assert not Job.objects.exists()
        assert Purge.objects.count() == 1
        for model in (ResultFile, Notice, JobEvent):
            assert not model._default_manager.exists()


def test_a_deletion_that_is_rolled_back_lets_the_job_complete(claimed: Callable[..., Claim]) -> None:
    def prepare() -> tuple[Work, Work]:
        Job.objects.all().delete()
        Purge.objects.all().delete()
        claim = claimed()

        def change_of_mind() -> None:
            with transaction.atomic():
                Job.objects.get(pk=claim.job.pk).delete()
                raise LostRace

        return change_of_mind, completing(claim)

    for _, complete in every_interleaving(prepare):
        assert succeeded(complete)
        assert Job.objects.get().status == JobStatus.COMPLETED
        assert ResultFile.objects.exists()
        assert not Purge.objects.exists()


def test_of_two_claims_one_gets_the_job(pending: Callable[..., Job]) -> None:
    def prepare() -> tuple[Work, Work]:
        Job.objects.all().delete()
        key = str(pending().pk)
        return lambda: leases.claim_next(key), lambda: leases.claim(key)

    for claims in every_interleaving(prepare):
        (claim,) = [got for future in claims if (got := future.result()) is not None]
        job = Job.objects.get()
        assert (job.status, job.attempts, job.lease_token) == (JobStatus.RUNNING, 1, claim.token)
        assert job.events.filter(to_state="RUNNING").count() == 1


def test_of_two_messages_about_a_job_of_a_dead_worker_one_takes_it(claimed: Callable[..., Claim]) -> None:
    def prepare() -> tuple[Work, Work]:
        Job.objects.all().delete()
        job = claimed().job
        age(job, lease_expires_at=1)
        return lambda: leases.claim_next(str(job.pk)), lambda: leases.claim(str(job.pk))

    for claims in every_interleaving(prepare):
        (claim,) = [got for future in claims if (got := future.result()) is not None]
        job = Job.objects.get()
        assert (job.status, job.attempts, job.lease_token) == (JobStatus.RUNNING, 2, claim.token)


def test_of_two_confirmations_one_sends_a_message(uploaded: Callable[..., Job]) -> None:
    sent = 0

    def prepare() -> tuple[Work, Work]:
        nonlocal sent
        Job.objects.all().delete()
        sent = queues.waiting("gas-annotate")
        key = uploaded().pk
        return lambda: confirm_upload(Job.objects.get(pk=key)), lambda: confirm_upload(Job.objects.get(pk=key))

    for confirmations in every_interleaving(prepare):
        assert [future.result().status for future in confirmations] == [JobStatus.PENDING] * 2
        assert Job.objects.get().events.filter(to_state="PENDING").count() == 1
        assert queues.waiting("gas-annotate") == sent + 1


@pytest.mark.parametrize("held", ["completing", "sweeping"])
def test_a_job_that_completes_while_it_is_taken_back_does_one_of_the_two(
    claimed: Callable[..., Claim], held: str
) -> None:
    """A slow worker's lease has just expired."""

    def prepare() -> tuple[Work, Work]:
        Job.objects.all().delete()
        claim = claimed()
        age(claim.job, lease_expires_at=1)
        return completing(claim), lambda: sweep.take_back_expired(timezone.now())

    ends = set()
    for one, two in every_interleaving(prepare if held == "completing" else other_way_round(prepare)):
        complete, swept = (one, two) if held == "completing" else (two, one)
        job = Job.objects.get()
        if succeeded(complete):
            assert (job.status, swept.result()) == (JobStatus.COMPLETED, 0)
        else:
            assert (job.status, swept.result()) == (JobStatus.PENDING, 1)
        assert ResultFile.objects.count() == Notice.objects.count() == succeeded(complete)
        assert job.lease_token is None
        ends.add(job.status)
    assert ends == {JobStatus.COMPLETED, JobStatus.PENDING}


# --- Everybody locks the owner first: none of these waits for another in a ring


def released(claim: Claim) -> Work:
    return lambda: leases.release(claim, "S3 is down")


def failing(claim: Claim) -> Work:
    return lambda: leases.fail(claim, code="x", message="x", advice="x")


def cancelling(job: Job) -> Work:
    def cancel() -> None:
        mine = Job.objects.get(pk=job.pk)
        actions.cancel(mine, actor=mine.owner)

    return cancel


def ending_account(job: Job) -> Work:
    return lambda: delete_account(User.objects.get(pk=job.owner_id))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("work", [completing, failing, released])
@pytest.mark.parametrize("other", [cancelling, ending_account])
def test_a_worker_and_its_owner_never_wait_for_each_other(
    claimed: Callable[..., Claim], work: Callable[[Claim], Work], other: Callable[[Job], Work], turned: bool
) -> None:
    emails = (f"p{number}@lab.example" for number in count())

    def prepare() -> tuple[Work, Work]:
        Job.objects.all().delete()
        claim = claimed(owner=make_person(next(emails)))
        return work(claim), other(claim.job)

    for one, two in every_interleaving(other_way_round(prepare) if turned else prepare):
        for future in (one, two):
            error = future.exception()
            if error is not None and not isinstance(error, LostRace | actions.ActionRefused | User.DoesNotExist):
                raise error
        assert not Job.objects.filter(status=JobStatus.RUNNING).exists()


@pytest.mark.parametrize("turned", [False, True])
def test_a_claim_and_a_cancellation_never_wait_for_each_other(pending: Callable[..., Job], turned: bool) -> None:
    def prepare() -> tuple[Work, Work]:
        Job.objects.all().delete()
        job = pending()
        return lambda: leases.claim_next(str(job.pk)), cancelling(job)

    for one, two in every_interleaving(other_way_round(prepare) if turned else prepare):
        for future in (one, two):
            error = future.exception()
            if error is not None and not isinstance(error, actions.ActionRefused):
                raise error
        assert Job.objects.get().status == JobStatus.CANCELLED


@pytest.mark.parametrize("turned", [False, True])
def test_a_job_that_is_confirmed_while_the_one_before_ends_is_not_forgotten(
    claimed: Callable[..., Claim], uploaded: Callable[..., Job], turned: bool
) -> None:
    """A worker that gets its message at once either may take it, or somebody sends another."""
    sent_before = 0

    def prepare() -> tuple[Work, Work]:
        nonlocal sent_before
        Job.objects.all().delete()
        claim = claimed()
        job = uploaded()

        def confirm_and_take() -> bool:
            nonlocal sent_before
            confirm_upload(Job.objects.get(pk=job.pk))
            sent_before = queues.waiting("gas-annotate")
            return leases.claim_next(str(job.pk)) is not None

        return completing(claim), confirm_and_take

    for one, two in every_interleaving(other_way_round(prepare) if turned else prepare):
        done = [one.result(), two.result()]
        taken = done[0] if turned else done[1]
        assert taken or queues.waiting("gas-annotate") > sent_before, "it waits, and there is no message for it"
