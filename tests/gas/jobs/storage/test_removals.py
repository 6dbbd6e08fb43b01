"""Promise: whatever ends an attempt, its folder goes, durably, and never what a row names."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.utils import timezone

from archive.tasks import remove_copy
from gas.aws import clients
from gas.jobs.lifecycle import actions, leases, sweep
from gas.jobs.models import Job, Removal, ResultFile
from gas.jobs.moves import LostRace
from gas.jobs.storage import removals
from tests.support.glacier_standin import StandIn
from tests.support.jobs import age

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

FILES = ["annot.tsv.gz", "annot.vcf.gz", "annot.vcf.gz.tbi", "log.txt", "summary.json"]


def stored(claim: leases.Claim) -> None:
    """The attempt has put its files into S3, and its worker is gone."""
    for name in FILES:
        clients.s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=claim.prefix + name, Body=b"x")


def left(prefix: str = "results/") -> list[str]:
    found = clients.s3().list_objects_v2(Bucket=django_settings.S3_RESULTS_BUCKET, Prefix=prefix)
    return sorted(item["Key"].rpartition("/")[2] for item in found.get("Contents", []))


def carry_out_all(*, after: float = 0) -> None:
    """The messages come, `after` seconds later."""
    for removal in Removal.objects.all():
        Removal.objects.filter(pk=removal.pk).update(
            due_at=removal.due_at - timedelta(seconds=after),
            until=removal.until and removal.until - timedelta(seconds=after),
        )
        remove_copy.apply(args=[str(removal.pk)])


def taken_back(claim: leases.Claim, attempts: int = 1) -> None:
    Job.objects.update(attempts=attempts)
    age(claim.job, lease_expires_at=1)
    assert sweep.sweep()["leases"] == 1


def cancelled(claim: leases.Claim) -> None:
    actions.cancel(Job.objects.get(pk=claim.job.pk), actor=claim.job.owner)


ENDS: dict[str, Callable[[leases.Claim], object]] = {
    "killed": taken_back,
    "killed for the last time": lambda claim: (
        Job.objects.update(attempts=django_settings.MAX_ATTEMPTS),
        taken_back(claim),
    ),
    "S3 in trouble": lambda claim: leases.postpone(claim, "S3 is down"),
    "crashed": lambda claim: leases.release(claim, "a tool crashed"),
    "failed": lambda claim: leases.fail(claim, code="too-long", message="m", advice="a"),
    "cancelled": cancelled,
}
#: In these the worker may live on without knowing that it has lost the job.
WORKER_IS_GONE = {"killed", "killed for the last time", "cancelled"}


@pytest.mark.parametrize("how", ENDS)
def test_an_attempt_that_ended_without_a_result_leaves_nothing(
    aws: StandIn, claimed: Callable[..., leases.Claim], how: str
) -> None:
    claim = claimed()
    stored(claim)
    ENDS[how](claim)
    assert Removal.objects.get().copy_id == claim.prefix
    carry_out_all()
    assert len(left()) == len(FILES)  # a call that was on its way may still come
    carry_out_all(after=django_settings.LEASE_SECONDS)
    assert left() == []
    assert Removal.objects.exists() == (how in WORKER_IS_GONE)
    stored(claim)  # a worker that was paused goes on, and dies before it looks
    carry_out_all(after=django_settings.ANNOTATE_HARD_LIMIT_SECONDS)
    assert (left() == []) == (how in WORKER_IS_GONE)
    assert not Removal.objects.exists()


def test_the_log_of_a_failed_job_is_kept(aws: StandIn, claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    stored(claim)
    leases.fail(claim, code="no-header", message="m", advice="a", log_key=claim.prefix + "log.txt")
    carry_out_all(after=django_settings.LEASE_SECONDS)
    assert left() == ["log.txt"]


def test_a_retry_removes_the_old_attempts_log(aws: StandIn, claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    stored(claim)
    leases.fail(claim, code="our-fault", message="m", advice="a", log_key=claim.prefix + "log.txt")
    carry_out_all(after=django_settings.LEASE_SECONDS)
    assert left() == ["log.txt"]
    job = Job.objects.get()
    actions.retry(job, actor=job.owner)
    assert Job.objects.get().log_key == ""
    carry_out_all()
    assert left() == []


def test_the_next_attempts_result_is_not_touched(aws: StandIn, claimed: Callable[..., leases.Claim]) -> None:
    first = claimed()
    stored(first)
    taken_back(first)
    second = leases.claim_next(str(first.job.pk))
    assert second is not None
    stored(second)
    completed(second)
    carry_out_all(after=django_settings.ANNOTATE_HARD_LIMIT_SECONDS)
    carry_out_all(after=django_settings.ANNOTATE_HARD_LIMIT_SECONDS)
    assert left(first.prefix) == []
    assert left(second.prefix) == FILES


@pytest.mark.parametrize("field", ["key", "index_key"])
def test_a_folder_that_a_result_names_is_never_touched(
    aws: StandIn, claimed: Callable[..., leases.Claim], field: str
) -> None:
    """As after a restore of the database, or a mistake: the row decides, not the note."""
    claim = claimed()
    stored(claim)
    completed(claim)
    other = {"key", "index_key"} - {field}
    ResultFile.objects.update(**dict.fromkeys(other, "results/elsewhere"))
    removals.remove_folder(claim.prefix, maker_is_gone=False)
    carry_out_all(after=django_settings.LEASE_SECONDS)
    assert left() == FILES
    assert not Removal.objects.exists()


def test_a_job_that_was_completed_just_before_is_not_taken_apart(
    aws: StandIn, claimed: Callable[..., leases.Claim]
) -> None:
    """Only the answer to the last commit was lost: releasing the job finds the lease gone."""
    claim = claimed()
    stored(claim)
    completed(claim)
    with pytest.raises(LostRace):
        leases.postpone(claim, "the connection is gone")
    assert not Removal.objects.exists()


def test_what_cannot_be_removed_is_tried_on_with_growing_pauses_and_told_once(
    aws: StandIn, claimed: Callable[..., leases.Claim], settings: Any
) -> None:
    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0  # each alert is a mail
    claim = claimed()
    stored(claim)
    leases.release(claim, "a tool crashed")
    aws.faults({"service": "s3", "status": 403, "code": "AccessDenied"})
    waits = []
    for _ in range(removals.TELL_AFTER + 2):
        carry_out_all(after=1000)
        removal = Removal.objects.get()
        waits.append(round((removal.due_at - timezone.now()).total_seconds() / 60))
    assert waits[:6] == [1, 2, 4, 8, 15, 15]
    assert len(mail.outbox) == 1
    aws.faults()
    carry_out_all(after=1000)
    assert left() == []
    assert not Removal.objects.exists()


def test_the_sweep_sends_for_a_folder_whose_message_was_lost(
    aws: StandIn, claimed: Callable[..., leases.Claim]
) -> None:
    leases.release(claimed(), "a tool crashed")
    assert sweep.sweep()["removals"] == 0
    Removal.objects.update(due_at=timezone.now() - timedelta(seconds=django_settings.RESEND_AFTER_SECONDS + 1))
    assert sweep.sweep()["removals"] == 1


def completed(claim: leases.Claim) -> None:
    result = ResultFile(key=claim.prefix + FILES[1], index_key=claim.prefix + FILES[2], size=1, sha256="0" * 64)
    leases.complete(claim, result, log_key=claim.prefix + "log.txt", summary={}, preview=[])
