"""Promise: a worker that is alive keeps its job, tells how far it is, and stops when the job is no longer its own."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import OperationalError
from django.utils import timezone

from annotator import heartbeat
from annotator.errors import EngineError
from annotator.heartbeat import Heartbeat
from annotator.run.options import Progress
from annotator.tasks import annotate_job
from gas.aws.clients import s3
from gas.jobs.lifecycle import actions, leases
from gas.jobs.lifecycle.leases import Claim
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.support.jobs import age
from tests.support.waiting import wait_until

# Real commits, since the heartbeat has a connection of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]


@pytest.fixture
def short_lease(settings: Any) -> None:
    """Renewed every quarter of a second."""
    settings.LEASE_SECONDS = 1


@pytest.fixture
def long_lease(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not due for renewal in a test's time: whatever is written soon is news."""
    settings.LEASE_SECONDS = 600
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat, "NOTICE_SECONDS", 600)


def outlives(claim: Claim) -> bool:
    """The lease that the claim came with is over, and the job has a later one."""
    end, row = claim.job.lease_expires_at, Job.objects.get(pk=claim.job.pk)
    assert end is not None
    assert row.lease_expires_at is not None
    return timezone.now() > end and row.lease_expires_at > timezone.now()


def told(claim: Claim) -> tuple[str, int]:
    row = Job.objects.get(pk=claim.job.pk)
    return row.stage, row.records_done


def beating() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("heartbeat")]


@pytest.mark.usefixtures("short_lease")
def test_the_lease_outlives_its_first_end_while_the_worker_works(claimed: Callable[..., Claim]) -> None:
    claim = claimed()
    with Heartbeat(claim) as beat:
        wait_until(lambda: outlives(claim), seconds=15)
        assert beating()
        assert not beat.lost()
    assert not beating()


def test_a_cancelled_job_is_noticed_at_once_though_it_makes_no_progress(claimed: Callable[..., Claim]) -> None:
    assert settings.LEASE_SECONDS / 4 > 10
    claim = claimed()
    with Heartbeat(claim) as beat:
        actions.cancel(Job.objects.get(pk=claim.job.pk), actor=claim.job.owner)
        wait_until(beat.lost, seconds=5)


@pytest.mark.usefixtures("short_lease")
def test_a_worker_that_fails_stops_renewing(claimed: Callable[..., Claim]) -> None:
    with pytest.raises(EngineError), Heartbeat(claimed()):
        raise EngineError("crash", "bcftools crashed")
    assert not beating()


@pytest.mark.usefixtures("long_lease")
def test_progress_is_told_before_the_lease_is_due(claimed: Callable[..., Claim]) -> None:
    claim = claimed()
    with Heartbeat(claim) as beat:
        beat.progress(Progress("annotate", 42))
        wait_until(lambda: told(claim) == ("annotate", 42), seconds=15)
        beat.stage("store")
        wait_until(lambda: told(claim) == ("store", 42), seconds=15)


@pytest.mark.usefixtures("short_lease")
@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_job_that_its_owner_ends_is_lost(claimed: Callable[..., Claim], person: User, end: str) -> None:
    claim = claimed()
    with Heartbeat(claim) as beat:
        job = Job.objects.get(pk=claim.job.pk)
        if end == "cancel":
            actions.cancel(job, actor=person)
        else:
            job.delete()
        wait_until(beat.lost, seconds=15)


@pytest.mark.usefixtures("short_lease")
def test_a_job_that_another_worker_took_is_lost_and_stays_theirs(claimed: Callable[..., Claim]) -> None:
    claim = claimed()

    def take_over() -> Claim | None:
        age(claim.job, lease_expires_at=1)
        return leases.claim_next(str(claim.job.pk))  # None when the heartbeat was quicker

    with Heartbeat(claim) as beat:
        second = wait_until(take_over, seconds=15)
        assert second is not None
        beat.progress(Progress("annotate", 42))
        wait_until(beat.lost, seconds=15)
    row = Job.objects.get(pk=claim.job.pk)
    assert (row.lease_token, row.lease_expires_at) == (second.token, second.job.lease_expires_at)
    assert row.records_done == 0


@pytest.mark.usefixtures("long_lease")
def test_a_database_that_stumbles_once_is_no_loss(
    claimed: Callable[..., Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, renew, stumbled = claimed(), leases.renew, threading.Event()

    def stumble(*_: object, **__: object) -> bool:
        monkeypatch.setattr(leases, "renew", renew)
        stumbled.set()
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(leases, "renew", stumble)
    with Heartbeat(claim) as beat:
        beat.progress(Progress("annotate", 42))
        # What could not be told is told at the next beat, not only when the lease is due.
        wait_until(lambda: told(claim) == ("annotate", 42), seconds=15)
        assert stumbled.is_set()
        assert not beat.lost()


@pytest.mark.usefixtures("short_lease")
def test_a_cancelled_annotation_stops_at_once_and_leaves_nothing(
    pending: Callable[..., Job], person: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "WORK_DIR", tmp_path)
    job, stages = pending(), []

    def cancelled_meanwhile(beat: Heartbeat, progress: Progress) -> None:
        """The owner cancels when the annotation has just begun; it goes on when the heartbeat has seen it."""
        stages.append(progress.stage)
        if len(stages) == 1:
            actions.cancel(Job.objects.get(pk=job.pk), actor=person)
            wait_until(beat.lost, seconds=15)

    monkeypatch.setattr(Heartbeat, "progress", cancelled_meanwhile)
    annotate_job.apply(args=(str(job.pk),))
    assert stages[0] == "preflight"
    assert not {"index", "summary", "store"} & set(stages)
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert not s3().list_objects_v2(Bucket=settings.S3_RESULTS_BUCKET).get("Contents")
    assert not ResultFile.objects.exists()
    assert not mail.outbox
    assert not list(tmp_path.iterdir())
    assert not beating()
