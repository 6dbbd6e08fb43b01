"""Promise: a job is worked on by one worker at a time, and a worker that dies loses it."""

from collections.abc import Callable

import pytest
from django.conf import settings
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws import queues
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, Notice, ResultFile
from gas.jobs.moves import LostRace
from gas.jobs.states import JobStatus
from tests.support.jobs import age, failed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]


def result_of(claim: leases.Claim) -> ResultFile:
    return ResultFile(key=claim.prefix + "a", index_key=claim.prefix + "b", size=1, sha256="0" * 64)


def test_a_waiting_job_is_claimed_by_the_first_message_only(pending: Callable[..., Job]) -> None:
    job = pending()
    claim = leases.claim_next(str(job.pk))
    assert claim is not None
    assert claim.job.status == JobStatus.RUNNING
    assert leases.claim_next(str(job.pk)) is None


def test_a_message_about_a_deleted_job_does_nothing(pending: Callable[..., Job]) -> None:
    job = pending()
    key = str(job.pk)
    job.delete()
    assert leases.claim_next(key) is None


@pytest.mark.parametrize("status", [JobStatus.UPLOADING, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_late_message_does_not_wake_a_job(uploaded: Callable[..., Job], status: JobStatus) -> None:
    job = uploaded()
    Job.objects.filter(pk=job.pk).update(status=status)
    assert leases.claim_next(str(job.pk)) is None


def test_a_heartbeat_renews_the_lease_and_tells_progress(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    age(claim.job, lease_expires_at=-5)
    assert leases.renew(claim, stage="annotate", records_done=42)
    job = Job.objects.get()
    assert job.lease_expires_at is not None
    assert job.lease_expires_at > claim.job.lease_expires_at  # type: ignore[operator]
    assert (job.stage, job.records_done) == ("annotate", 42)


def test_an_expired_lease_passes_to_the_next_message(claimed: Callable[..., leases.Claim]) -> None:
    first = claimed()
    age(first.job, lease_expires_at=1)
    second = leases.claim_next(str(first.job.pk))
    assert second is not None
    assert second.prefix != first.prefix  # it cannot overwrite what the first is still writing
    assert not leases.renew(first, stage="annotate", records_done=1)


def test_who_lost_the_lease_can_neither_complete_nor_fail_nor_release(claimed: Callable[..., leases.Claim]) -> None:
    first = claimed()
    age(first.job, lease_expires_at=1)
    second = leases.claim_next(str(first.job.pk))
    assert second is not None
    with pytest.raises(LostRace):
        leases.complete(first, result_of(first), log_key="", summary={}, preview=[])
    with pytest.raises(LostRace):
        leases.fail(first, code="x", message="x", advice="x")
    with pytest.raises(LostRace):
        leases.release(first, "x")
    assert not ResultFile.objects.exists()
    leases.complete(second, result_of(second), log_key="", summary={}, preview=[])
    assert Job.objects.get().status == JobStatus.COMPLETED


ENDS: dict[str, Callable[[leases.Claim], None]] = {
    "complete": lambda claim: leases.complete(claim, result_of(claim), log_key="", summary={}, preview=[]),
    "fail": lambda claim: leases.fail(claim, code="x", message="x", advice="x"),
    "release": lambda claim: leases.release(claim, "x"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_lease_lost_between_the_look_and_the_move_is_lost(
    claimed: Callable[..., leases.Claim], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The successor works on the same job, so that its status alone tells nothing."""
    first, look, taken = claimed(), leases._current, []

    def taken_over_after_the_look(claim: leases.Claim) -> Job:
        job = look(claim)
        age(first.job, lease_expires_at=1)
        taken.append(leases.claim_next(str(first.job.pk)))
        return job

    monkeypatch.setattr(leases, "_current", taken_over_after_the_look)
    with pytest.raises(LostRace):
        ENDS[end](first)
    assert taken[0] is not None
    assert not ResultFile.objects.exists()
    assert not Notice.objects.exists()


def test_a_lease_renewed_after_it_was_seen_expired_is_not_taken_back(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    age(claim.job, lease_expires_at=1)
    seen = Job.objects.get()
    assert leases.renew(claim, stage="annotate", records_done=1)
    with pytest.raises(LostRace):
        leases.take_back(seen)
    assert Job.objects.get().lease_token == claim.token


def test_a_job_that_has_passed_on_after_it_was_seen_expired_is_not_taken_back(
    claimed: Callable[..., leases.Claim],
) -> None:
    first = claimed()
    age(first.job, lease_expires_at=1)
    seen = Job.objects.get()
    second = leases.claim_next(str(first.job.pk))
    assert second is not None
    age(second.job, lease_expires_at=1)  # so that the token alone tells the two apart
    with pytest.raises(LostRace):
        leases.take_back(seen)
    assert Job.objects.get().lease_token == second.token


def test_completing_twice_leaves_one_result_and_one_mail(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    leases.complete(claim, result_of(claim), log_key="", summary={}, preview=[])
    with pytest.raises(LostRace):
        leases.complete(claim, result_of(claim), log_key="", summary={}, preview=[])
    assert ResultFile.objects.count() == Notice.objects.count() == 1


def test_a_crash_gives_the_job_back_with_a_growing_pause(
    claimed: Callable[..., leases.Claim], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    claim = claimed()
    with django_capture_on_commit_callbacks(execute=True):
        leases.release(claim, "a tool crashed")
    job = Job.objects.get()
    assert job.status == JobStatus.PENDING
    assert job.lease_token is None
    assert queues.waiting("gas-annotate") == 1
    assert "crashed" not in job.events.last().message  # type: ignore[union-attr]


def test_after_too_many_crashes_the_job_fails_and_says_that_it_is_us(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    for _ in range(settings.MAX_ATTEMPTS - 1):
        leases.release(claim, "a tool crashed")
        age(claim.job, sent_at=0)
        again = leases.claim_next(str(claim.job.pk))
        assert again is not None
        claim = again
    leases.release(claim, "a tool crashed")
    job = Job.objects.get()
    assert job.status == JobStatus.FAILED
    assert job.failure_code == "our-fault"
    assert settings.SUPPORT_EMAIL in job.failure_advice


def test_a_failed_job_says_what_and_what_to_do_and_owes_a_mail(claimed: Callable[..., leases.Claim]) -> None:
    job = failed(claimed())
    assert (job.status, job.failure_message, job.failure_advice) == ("FAILED", "Line 1: no header.", "Add one.")
    assert job.notices.get().kind == Notice.Kind.FAILED
