"""Promise: trouble of AWS, the database, the disk or the installation costs nobody's job anything but time."""

import errno
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError, IncompleteReadError
from django.core import mail
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from annotator.errors import EngineError
from annotator.tasks import annotate_job
from gas.aws import s3
from gas.jobs.lifecycle import actions, leases, sweep
from gas.jobs.models import Job, Notice, RestoreBatch, ResultFile
from gas.jobs.moves import LostRace
from gas.jobs.queue import faults
from gas.jobs.states import JobStatus, ResultState
from gas.users.models import User
from tests.support.glacier_standin import StandIn
from tests.support.jobs import age

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

REFUSED = {"service": "s3", "status": 403, "code": "InvalidAccessKeyId"}


@pytest.fixture(autouse=True)
def staff_are_told(settings: Any) -> None:
    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0  # each alert is a mail


def caused_by(cause: BaseException) -> EngineError:
    error = EngineError("records-lost", "another number of records was annotated than was read")
    error.__cause__ = cause
    return error


OURS = {
    "S3 refuses": ClientError({"Error": {"Code": "InvalidAccessKeyId"}}, "GetObject"),
    "S3 cannot be reached": EndpointConnectionError(endpoint_url="https://s3"),
    "a body broke off": IncompleteReadError(actual_bytes=1, expected_bytes=2),
    "an upload failed": S3UploadFailedError("Failed to upload"),
    "S3 holds something else": s3.CopyDiffers("k"),
    "the database is gone": OperationalError("server closed the connection"),
    "the disk is full": OSError(errno.ENOSPC, "No space left on device"),
    "the disk is full for a tool": caused_by(OSError(errno.ENOSPC, "No space left on device")),
    "no pack": EngineError("no-reference", "there is no reference pack"),
    "a pack is slow": EngineError("reference-slow", "not here"),
    "a source is damaged": EngineError("source-damaged", "damaged"),
}
THE_FILES = {
    "a tool crashed": EngineError("tool-failed", "bcftools view ended with status 1"),
    "out of memory": EngineError("tool-memory", "bcftools view ran out of memory"),
    "a mistake in the code": ValueError("x"),
    "a broken pipe": BrokenPipeError(errno.EPIPE, "Broken pipe"),
}


@pytest.mark.parametrize("error", OURS.values(), ids=OURS)
def test_a_fault_of_the_surroundings_is_told_from_the_file(error: Exception, tmp_path: Path) -> None:
    assert faults.is_ours(error, tmp_path)


@pytest.mark.parametrize("error", THE_FILES.values(), ids=THE_FILES)
def test_a_crash_on_this_file_counts_as_an_attempt(error: Exception, tmp_path: Path) -> None:
    assert not faults.is_ours(error, tmp_path)


def test_a_tool_that_fails_on_a_full_disk_failed_for_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = EngineError("tool-failed", "bcftools sort ended with status 255")
    assert not faults.is_ours(error, tmp_path)
    monkeypatch.setattr(faults, "DISK_FULL_BYTES", 2**62)
    assert faults.is_ours(error, tmp_path)


def test_pauses_grow_from_seconds_to_a_quarter_of_an_hour() -> None:
    assert [faults.pause(n) for n in (1, 2, 3, 8, 9, 1000)] == [10, 20, 40, 900, 900, 900]


def test_refused_credentials_cost_no_attempt_and_no_mail_to_the_owner(
    aws: StandIn, pending: Callable[..., Job], settings: Any, tmp_path: Path
) -> None:
    """More faults in a row than a job has attempts, as half a minute without rights to S3 brings about."""
    settings.WORK_DIR = tmp_path
    job = pending()
    aws.faults(REFUSED)
    for count in range(1, settings.MAX_ATTEMPTS + 3):
        annotate_job.apply(args=[str(job.pk)])
        job.refresh_from_db()
        assert (job.status, job.faults, job.attempts) == (JobStatus.PENDING, count, 0)
        wait = (job.sent_at - timezone.now()).total_seconds()  # type: ignore[operator]
        assert wait == pytest.approx(faults.pause(count), abs=3)
        assert leases.claim_next(str(job.pk)) is None  # its pause is kept
        age(job, sent_at=1)
    assert not Notice.objects.exists()
    (told,) = mail.outbox  # once, to staff
    assert told.to == ["staff@gas.example"]
    assert "InvalidAccessKeyId" in str(told.body)
    aws.faults()
    annotate_job.apply(args=[str(job.pk)])
    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.COMPLETED, 1)


def test_staff_are_told_again_when_it_goes_on_for_long(
    settings: Any, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.FAULT_ALERT_SECONDS = 4 * faults.LONGEST_PAUSE
    told = []
    for count in range(1, 13):
        mail.outbox.clear()
        faults.tell("Jobs wait", count, "job 1: S3 is down")
        told += [count] * len(mail.outbox)
    assert told == [1, 4, 8, 12]


def test_the_page_says_in_a_sentence_that_nothing_needs_to_be_done(
    claimed: Callable[..., leases.Claim], person: User, browser_of: Callable[[User], Client]
) -> None:
    claim = claimed()
    page = browser_of(person)
    address = claim.job.get_absolute_url()
    assert b"problem on our side" not in page.get(address).content
    leases.postpone(claim, "S3 is down: secret details")
    shown = page.get(address).content.decode()
    assert "There is a problem on our side, not with your file" in shown
    assert "secret details" not in shown


def test_a_retry_and_a_crash_begin_the_count_of_faults_afresh(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    leases.postpone(claim, "S3 is down")
    job = Job.objects.get()
    assert job.faults == 1
    age(job, sent_at=1)
    again = leases.claim_next(str(job.pk))
    assert again is not None
    leases.release(again, "a tool crashed")
    job.refresh_from_db()
    assert (job.faults, job.attempts) == (0, 1)
    Job.objects.update(faults=3)
    job.refresh_from_db()
    actions.cancel(job, actor=job.owner)
    actions.retry(job, actor=job.owner)
    assert Job.objects.get().faults == 0


def test_only_who_has_the_lease_may_postpone(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    age(claim.job, lease_expires_at=1)
    assert sweep.sweep()["leases"] == 1
    with pytest.raises(LostRace):
        leases.postpone(claim, "late")
    assert Job.objects.get().faults == 0


# --- Faults that a job causes by itself


def until_it_ends(job: Job, most: int) -> int:
    """Run the job's attempts as their pauses end. Returns how many there were."""
    for count in range(1, most + 1):
        age(job, sent_at=1)
        annotate_job.apply(args=[str(job.pk)])
        job.refresh_from_db()
        if job.status != JobStatus.PENDING:
            return count
    return 0


def test_a_file_that_does_not_fit_on_the_disk_is_not_fetched_and_ends(
    aws: StandIn, pending: Callable[..., Job], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WORK_DIR = tmp_path
    job = pending()
    fetched: list[object] = []
    monkeypatch.setattr(s3, "download", lambda *args, **_: fetched.append(args))
    usage = shutil.disk_usage(tmp_path)._replace(free=faults.DISK_FULL_BYTES + 2 * (job.input_size or 0) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert until_it_ends(job, 20) == faults.LIMITS[faults.NO_SPACE]
    assert fetched == []
    assert (job.status, job.failure_code) == (JobStatus.FAILED, "our-fault")
    assert "disk space" in job.failure_message
    assert any("same fault" in told.subject for told in mail.outbox)


def test_an_input_that_is_damaged_in_s3_ends_with_what_to_do(
    aws: StandIn, pending: Callable[..., Job], settings: Any, tmp_path: Path
) -> None:
    settings.WORK_DIR = tmp_path
    job = pending()
    Job.objects.filter(pk=job.pk).update(input_size=(job.input_size or 0) + 1)
    assert until_it_ends(job, 20) == faults.LIMITS[faults.DAMAGED_INPUT]
    assert (job.status, job.failure_code) == (JobStatus.FAILED, "input-damaged")
    assert "Upload it again" in job.failure_advice
    assert actions.retry_refusal(job) != ""
    assert any("same fault" in told.subject for told in mail.outbox)


def test_faults_of_different_kinds_in_turn_end_no_job(claimed: Callable[..., leases.Claim]) -> None:
    claim: leases.Claim | None = claimed()
    for number in range(3 * faults.LIMITS[faults.DAMAGED_INPUT]):
        assert claim is not None
        leases.postpone(claim, "trouble", kind=["", faults.DAMAGED_INPUT, faults.DAMAGED_INPUT][number % 3])
        age(claim.job, sent_at=1)
        claim = leases.claim_next(str(claim.job.pk))
    assert Job.objects.get().status == JobStatus.RUNNING


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), faults.NO_SPACE),
        (caused_by(OSError(errno.EDQUOT, "Quota exceeded")), faults.NO_SPACE),
        (faults.DamagedInput("k"), faults.DAMAGED_INPUT),
        (s3.CopyDiffers("k"), ""),
        (OSError(errno.EIO, "I/O error"), ""),
    ],
)
def test_the_kind_of_a_fault(error: Exception, kind: str, tmp_path: Path) -> None:
    assert faults.is_ours(error, tmp_path)
    assert faults.kind_of(error, tmp_path) == kind


# --- Restores


def test_a_restore_that_never_ends_is_told_once(person: User, settings: Any) -> None:
    batch = RestoreBatch.objects.create(owner=person, tiers=["Standard"], next_poll_at=timezone.now())
    assert sweep.sweep()["late restores"] == 0
    long_ago = timezone.now() - timedelta(seconds=settings.RETRIEVAL_ALERT_SECONDS + 60)
    RestoreBatch.objects.filter(pk=batch.pk).update(created_at=long_ago)
    assert [sweep.sweep()["late restores"] for _ in range(3)] == [1, 0, 0]
    assert len(mail.outbox) == 1
    assert "1 restores have not ended for 24 hours" in mail.outbox[0].subject


def test_a_late_expedited_retrieval_is_not_polled_every_half_minute_for_ever(
    claimed: Callable[..., leases.Claim], person: User
) -> None:
    from restore.tasks import poll_pause

    batch = RestoreBatch.objects.create(owner=person, tiers=["Expedited"])
    result = result_of(claimed(), state=ResultState.RESTORING, batch=batch, retrieval_tier="Expedited")
    assert poll_pause(batch) == 30
    batch.created_at = timezone.now() - timedelta(hours=1)
    assert poll_pause(batch) == pytest.approx(360, abs=2)
    batch.created_at = timezone.now() - timedelta(days=3)
    assert poll_pause(batch) == 900
    assert result.state == ResultState.RESTORING


def test_a_result_that_is_restored_in_no_batch_goes_back_to_the_archive(claimed: Callable[..., leases.Claim]) -> None:
    result = result_of(claimed(), state=ResultState.RESTORING, archive_id="a", archive_route="vault")
    assert sweep.sweep()["stranded"] == 1
    result.refresh_from_db()
    assert (result.state, result.problem, result.archive_id) == (ResultState.ARCHIVED, "", "a")


def result_of(claim: leases.Claim, **fields: Any) -> ResultFile:
    result = ResultFile(key=claim.prefix + "annot.vcf.gz", index_key=claim.prefix + "i", size=1, sha256="0" * 64)
    leases.complete(claim, result, log_key="", summary={}, preview=[])
    ResultFile.objects.filter(pk=result.pk).update(**fields)
    result.refresh_from_db()
    return result
