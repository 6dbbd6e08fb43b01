"""Promise: the database's clock decides leases and due times, and a machine whose clock is wrong says so."""

import re
import runpy
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

import celeryconfig
from gas import clock, rounds
from gas.celery import app
from gas.jobs.lifecycle import leases, sweep
from gas.jobs.mails import notices
from gas.jobs.models import Job, Notice, Removal, RestoreBatch, ResultFile, TableBuild
from gas.jobs.queue import turns
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import archival, removals, restoration, tables
from gas.subscriptions import following
from gas.subscriptions.models import Billing
from gas.users.models import User
from tests.support.jobs import age, failed
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

ROOT = Path(__file__).resolve().parents[2]
REAL_NOW = timezone.now


@pytest.fixture
def wrong_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Put the process's clock forward by some seconds; the database's stays right."""
    real_time = time.time

    def put(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real_time() + seconds)
        monkeypatch.setattr(timezone, "now", lambda: REAL_NOW() + timedelta(seconds=seconds))

    return put


@pytest.fixture(params=[-600, 600], ids=["slow", "fast"])
def skewed(request: pytest.FixtureRequest, wrong_by: Callable[[float], None]) -> Callable[[], None]:
    """Call it, and the process's clock is ten minutes slow or fast."""
    return lambda: wrong_by(request.param)


def off(moment: datetime | None, seconds: float) -> float:
    """How far a time in a row is from `seconds` from now, by the right clock."""
    assert moment is not None
    return abs((moment - REAL_NOW()).total_seconds() - seconds)


def archive_of(claim: leases.Claim, **fields: Any) -> ResultFile:
    result = ResultFile(key=claim.prefix + "annot.vcf.gz", index_key=claim.prefix + "i", size=1, sha256="0" * 64)
    leases.complete(claim, result, log_key="", summary={}, preview=[])
    ResultFile.objects.filter(pk=result.pk).update(**fields)
    result.refresh_from_db()
    return result


def test_the_databases_time_is_told_to_the_millisecond_and_never_early() -> None:
    before = datetime.now(UTC)
    found = clock.now()
    assert before <= found <= datetime.now(UTC) + timedelta(milliseconds=2)
    assert found.tzinfo is UTC


def test_the_databases_time_goes_on_within_a_transaction() -> None:
    assert connection.in_atomic_block
    first = clock.now()
    wait_until(lambda: clock.now() > first)


def test_a_job_that_was_just_sent_is_started(pending: Callable[..., Job], skewed: Callable[[], None]) -> None:
    job = pending()
    skewed()
    claim = leases.claim_next(str(job.pk))
    assert claim is not None
    job.refresh_from_db()
    assert off(job.lease_expires_at, django_settings.LEASE_SECONDS) < 10
    assert leases.renew(claim, stage="annotate", records_done=1)
    job.refresh_from_db()
    assert off(job.lease_expires_at, django_settings.LEASE_SECONDS) < 10


def test_a_job_in_its_pause_is_not_started(claimed: Callable[..., leases.Claim], skewed: Callable[[], None]) -> None:
    claim = claimed()
    leases.release(claim, "an internal error")
    skewed()
    pause = timedelta(seconds=60)
    Job.objects.update(sent_at=REAL_NOW() + pause)
    assert leases.claim_next(str(claim.job.pk)) is None
    assert not turns.ready(clock.now()).exists()


def test_a_dead_workers_job_is_taken_back_and_a_live_ones_is_not(
    claimed: Callable[..., leases.Claim], stranger: User, skewed: Callable[[], None]
) -> None:
    dead, alive = claimed(), claimed(owner=stranger)
    age(dead.job, lease_expires_at=1)
    skewed()
    assert sweep.sweep()["leases"] == 1
    assert Job.objects.get(pk=dead.job.pk).status == JobStatus.PENDING
    assert Job.objects.get(pk=alive.job.pk).status == JobStatus.RUNNING


def test_a_message_is_lost_after_the_set_time(
    pending: Callable[..., Job], skewed: Callable[[], None], django_capture_on_commit_callbacks: Any
) -> None:
    capture: DjangoCaptureOnCommitCallbacks = django_capture_on_commit_callbacks
    late, young = pending(), pending()
    age(late, sent_at=django_settings.RESEND_AFTER_SECONDS + 1)
    skewed()
    with capture(execute=True):
        assert sweep.sweep()["messages"] == 1
    late.refresh_from_db()
    assert off(late.sent_at, 0) < 10
    assert young.sent_at == Job.objects.get(pk=young.pk).sent_at


def test_archiving_keeps_to_its_times(claimed: Callable[..., leases.Claim], skewed: Callable[[], None]) -> None:
    skewed()
    result = archive_of(claimed())
    assert off(result.archive_due_at, django_settings.ARCHIVE_AFTER_SECONDS) < 10
    assert archival.claim(result.pk) is None
    ResultFile.objects.update(archive_due_at=REAL_NOW() - timedelta(seconds=1))
    claim = archival.claim(result.pk)
    assert claim is not None
    assert archival.claim(result.pk) is None
    assert archival.renew(claim)
    result.refresh_from_db()
    assert off(result.lease_expires_at, django_settings.LEASE_SECONDS) < 10


def test_restoring_keeps_to_its_times(
    claimed: Callable[..., leases.Claim], person: User, skewed: Callable[[], None]
) -> None:
    skewed()
    batch = RestoreBatch.objects.create(owner=person, tiers=["Standard"], next_poll_at=REAL_NOW())
    result = archive_of(claimed(), state=ResultState.RESTORING, batch=batch, retrieval_id="r", archive_id="a")
    claim = restoration.claim(result.pk)
    assert claim is not None
    assert restoration.claim(result.pk) is None
    result.refresh_from_db()
    assert off(result.lease_expires_at, django_settings.LEASE_SECONDS) < 10
    ResultFile.objects.update(lease_expires_at=REAL_NOW() - timedelta(seconds=1))
    assert restoration.take_back(result.pk)
    ResultFile.objects.update(retrieval_id="", retrieval_asked_at=REAL_NOW())
    assert not restoration.to_request(batch).exists()  # somebody is just asking
    RestoreBatch.objects.update(next_poll_at=REAL_NOW() - timedelta(seconds=django_settings.RESEND_AFTER_SECONDS - 5))
    assert sweep.sweep()["batches"] == 0
    RestoreBatch.objects.update(next_poll_at=REAL_NOW() - timedelta(seconds=django_settings.RESEND_AFTER_SECONDS + 5))
    assert sweep.sweep()["batches"] == 1


def test_copies_are_removed_when_they_are_due(aws: Any, skewed: Callable[[], None]) -> None:
    skewed()
    removals.remove(removals.HOT, "results/a/b/c/annot.vcf.gz", maker_is_gone=True)
    removal = Removal.objects.get()
    assert off(removal.due_at, django_settings.LEASE_SECONDS) < 10
    removals.carry_out(removal)
    assert Removal.objects.exists()
    removal.due_at = REAL_NOW()
    removals.carry_out(removal)
    assert not Removal.objects.exists()


def test_tables_mails_and_readings_are_begun_at_once(
    claimed: Callable[..., leases.Claim], person: User, skewed: Callable[[], None]
) -> None:
    skewed()
    failed(claimed())
    notices.send(Notice.objects.get().pk)
    assert len(mail.outbox) == 1
    result = archive_of(claimed())
    tables.owe(result)
    assert tables.claim(result.pk) is not None
    assert off(TableBuild.objects.get().due_at, django_settings.ANNOTATE_HARD_LIMIT_SECONDS) < 10
    billing = Billing.objects.create(user=person, customer_id="cus_1", wanted=1)
    assert following._begin(billing.pk) is not None
    billing.refresh_from_db()
    assert off(billing.lease_expires_at, following.LEASE.total_seconds()) < 10


def test_only_what_is_shown_is_read_from_the_machines_own_clock() -> None:
    """Files that may ask the machine: pages, names of files, and counters by the hour."""
    shown = {
        "gas/jobs/catalogue/builds.py",
        "gas/jobs/models.py",
        "gas/jobs/catalogue/packs.py",
        "gas/jobs/catalogue/retiring.py",
        "gas/jobs/catalogue/sources.py",
        "gas/jobs/storage/result_status.py",
        "gas/jobs/lifecycle/unfinished_uploads.py",
        "gas/subscriptions/admin.py",
        "gas/subscriptions/stripe.py",
    }
    rooms = ("gas/rounds.py", "gas/jobs/**/*.py", "gas/subscriptions/*.py", "archive/*.py", "restore/*.py")
    asking = {
        str(path.relative_to(ROOT))
        for room in rooms
        for path in ROOT.glob(room)
        if "migrations" not in path.parts and re.search(r"timezone\.now|datetime\.now|time\.time\(", path.read_text())
    }
    assert asking <= shown


def test_no_message_of_beat_expires_by_a_machines_clock() -> None:
    assert [name for name, entry in celeryconfig.beat_schedule.items() if "expires" in entry.get("options", {})] == []


def test_every_task_of_beat_skips_a_round_that_was_just_taken(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY, settings.INVENTORY_DAYS, settings.STORAGE_SCAN_HOURS = "sk_test_x", 7, 24
    settings.GLACIER_NOTICES_QUEUE = "notices"
    entries = runpy.run_path(str(ROOT / "celeryconfig.py"))["beat_schedule"]
    asked: list[tuple[str, float]] = []
    monkeypatch.setattr(rounds, "just_taken", lambda name, every: asked.append((name, every)) or True)
    for entry in entries.values():
        app.tasks[entry["task"]]()  # without AWS, and without rows: a round that is taken would fail or write
    assert asked == [(name, entry["schedule"]) for name, entry in entries.items()]


def test_rounds_that_waited_in_the_queue_are_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [rounds.just_taken("sweep", 60), rounds.just_taken("sweep", 60)] == [False, True]
    assert rounds.just_taken("tend", 60) is False

    def broken(*_: Any) -> bool:
        raise ConnectionError

    monkeypatch.setattr("gas.rounds.cache.add", broken)
    assert rounds.just_taken("sweep", 60) is False


# --- A machine whose clock is wrong


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """As in a process that has just started."""
    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0  # each alert is a mail
    monkeypatch.setattr(clock, "_checks", clock._Checks())
    return


@pytest.mark.parametrize(("seconds", "words"), [(-600, "600 s behind"), (600, "600 s ahead of")])
@pytest.mark.usefixtures("unchecked")
def test_a_wrong_clock_is_told_to_staff_once_and_logged_each_time(
    wrong_by: Callable[[float], None], seconds: float, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong_by(seconds)
    assert clock.skew() == pytest.approx(seconds, abs=2)
    assert clock.check() == pytest.approx(seconds, abs=2)
    assert clock.check() is None  # not measured again so soon
    assert clock.check(every=0) is not None
    assert sum(record.levelname == "ERROR" for record in caplog.records) == 2
    (told,) = mail.outbox
    assert words in str(told.body)


@pytest.mark.usefixtures("unchecked")
def test_a_right_clock_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    found = clock.check()
    assert found is not None
    assert not clock.is_skewed(found)
    assert not mail.outbox
    assert not caplog.records


@pytest.mark.django_db(transaction=True)  # beat closes its connection
@pytest.mark.usefixtures("unchecked")
def test_workers_and_beat_compare_when_they_start_and_with_each_sweep(wrong_by: Callable[[float], None]) -> None:
    from celery.signals import beat_init, before_task_publish, task_prerun, worker_ready

    wrong_by(600)
    listeners = list(before_task_publish.receivers or [])
    try:
        for start in (
            lambda: worker_ready.send(sender=None),
            lambda: beat_init.send(sender=None),
            lambda: before_task_publish.send(sender="sweep"),
            lambda: task_prerun.send(sender=None),
        ):
            clock._checks = clock._Checks()
            mail.outbox.clear()
            start()
            assert len(mail.outbox) == 1
    finally:
        before_task_publish.receivers = listeners
