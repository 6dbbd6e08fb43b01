"""The annotate task, eagerly, on an AWS in memory: what becomes of a job, whatever its file is."""

import errno
import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core import mail
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from annotator.run.options import Limits
from annotator.tasks import MARGIN_SECONDS, annotate_job, seconds_allowed
from gas.aws import queues
from gas.aws.clients import s3
from gas.celery import app
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile, TableBuild
from gas.jobs.moves import LostRace, move_job
from gas.jobs.outputs import PARQUET, SUMMARY, TSV
from gas.jobs.states import JobStatus
from gas.jobs.storage import tables as tables_of
from gas.subscriptions.plans import PLANS
from gas.users.models import PlanChoice, User
from restore import tables
from tests.support.jobs import SMALL_VCF

# Real commits, since the heartbeat has a connection of its own. Jobs are queued first and run by the test.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]


@pytest.fixture(autouse=True)
def _work_dir(settings: Any, tmp_path: Path) -> None:
    settings.WORK_DIR = tmp_path


def deliver(job: Job) -> None:
    """The worker gets a message about the job; what it sends is done at once, too."""
    app.conf.task_always_eager = True
    annotate_job.delay(str(job.pk))
    app.conf.task_always_eager = False


def run(job: Job) -> Job:
    deliver(job)
    job.refresh_from_db()
    return job


def objects(prefix: str = "") -> dict[str, bytes]:
    bucket = settings.S3_RESULTS_BUCKET
    keys = [item["Key"] for item in s3().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    return {key: s3().get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_a_good_file_comes_back_annotated_with_index_log_summary_and_one_mail(
    pending: Callable[..., Job], tmp_path: Path
) -> None:
    job = run(pending())
    assert job.status == JobStatus.COMPLETED
    result = ResultFile.objects.get(job=job)
    stored = objects(job.result_prefix)
    annotated = gzip.decompress(stored[result.key]).decode()
    record = annotated.splitlines()[-1]
    assert "CSQ=A|missense_variant|" in record
    assert "MT-ND4" in record
    assert result.size == len(stored[result.key])
    assert {key.rpartition("/")[2] for key in stored} == {
        "annot.vcf.gz",
        "annot.vcf.gz.tbi",
        "annot.tsv.gz",
        "annot.parquet",
        "annot.stats.txt",
        "log.txt",
        "summary.json",
    }
    assert json.loads(stored[result.key_of(SUMMARY)])["records"] == {"in": 1, "out": 1, "skipped": 0}
    assert job.preview[0]["protein"] == "p.Arg340His"
    assert str(job.pk) in annotated  # provenance
    assert [message.to for message in mail.outbox] == [["ada@lab.example"]]
    assert not list(tmp_path.iterdir())  # nothing stays on the worker's disk
    assert [event.to_state for event in job.events.exclude(to_state="")] == ["PENDING", "RUNNING", "COMPLETED"]


def test_a_bad_file_ends_with_a_sentence_and_its_log_is_kept(pending: Callable[..., Job]) -> None:
    job = run(pending(b"\x89PNG\r\n\x1a\n" + bytes(100)))
    assert job.status == JobStatus.FAILED
    assert "PNG" in job.failure_message
    assert job.failure_advice
    assert job.log_key in objects(job.result_prefix)
    assert not ResultFile.objects.exists()
    assert len(mail.outbox) == 1


def test_a_message_that_comes_again_after_the_end_changes_nothing(pending: Callable[..., Job]) -> None:
    job = run(pending())
    before = (objects(), job.events.count())
    deliver(job)
    assert (objects(), job.events.count()) == before
    assert len(mail.outbox) == 1


def test_a_file_that_was_replaced_after_confirming_is_not_annotated(pending: Callable[..., Job]) -> None:
    job = pending()
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=SMALL_VCF.replace(b"11778", b"3243"))
    run(job)
    assert (job.status, job.failure_code) == (JobStatus.FAILED, "input-replaced")


def test_a_file_that_is_gone_is_said_to_be(pending: Callable[..., Job]) -> None:
    job = pending()
    s3().delete_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key)
    run(job)
    assert (job.status, job.failure_code) == (JobStatus.FAILED, "input-missing")


def test_when_s3_cannot_take_the_result_the_job_waits_for_another_try(pending: Callable[..., Job]) -> None:
    job = pending()
    first_message = queues.waiting("gas-annotate")
    bucket = settings.S3_RESULTS_BUCKET
    s3().delete_bucket(Bucket=bucket)
    annotate_job.apply(args=[str(job.pk)])
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING
    assert queues.waiting("gas-annotate") == first_message + 1
    assert not mail.outbox
    s3().create_bucket(Bucket=bucket)
    Job.objects.update(sent_at=timezone.now())
    annotate_job.apply(args=[str(job.pk)])
    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETED


@pytest.mark.parametrize("step", ["annotator.tasks.child.prepare", "annotator.tasks.remove_leftovers"])
def test_a_fault_before_the_work_gives_the_job_back(
    pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, "made up")

    monkeypatch.setattr(step, fail)
    assert run(pending()).status == JobStatus.PENDING


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_job_that_ends_while_it_runs_leaves_nothing_of_the_attempt(
    pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The owner acts between the storing of the objects and the last word."""
    job = pending()
    complete = leases.complete

    def end_it_first(claim: leases.Claim, *args: Any, **kwargs: Any) -> None:
        from django.db import transaction

        assert objects(job.result_prefix)
        with transaction.atomic():
            if end == "delete":
                Job.objects.get(pk=job.pk).delete()
            else:
                move_job(Job.objects.get(pk=job.pk), JobStatus.CANCELLED, "Cancelled.", **leases.NO_LEASE)
        complete(claim, *args, **kwargs)

    monkeypatch.setattr(leases, "complete", end_it_first)
    deliver(job)
    assert not objects(job.result_prefix)
    assert not ResultFile.objects.exists()
    assert not mail.outbox


def test_a_slow_worker_cannot_touch_what_its_successor_has_stored(
    pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt loses its lease while it stores; the second completes; the first then comes too late."""
    job = pending()
    complete = leases.complete

    def lose_the_lease(claim: leases.Claim, *args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(leases, "complete", complete)
        Job.objects.filter(pk=job.pk).update(lease_expires_at=job.created_at)
        annotate_job.apply(args=[str(job.pk)])
        with pytest.raises(LostRace):
            complete(claim, *args, **kwargs)
        raise LostRace

    monkeypatch.setattr(leases, "complete", lose_the_lease)
    run(job)
    assert job.status == JobStatus.COMPLETED
    result = ResultFile.objects.get()
    assert set(objects(job.result_prefix)) >= {result.key, result.index_key, result.key_of(SUMMARY), job.log_key}
    assert len(objects(job.result_prefix)) == 7
    assert len(mail.outbox) == 1


def test_a_file_that_takes_too_long_is_not_tried_again(
    pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotator.tasks.limits", lambda *_: Limits(seconds=0))
    job = run(pending())
    assert (job.status, job.failure_code, job.attempts) == (JobStatus.FAILED, "too-long", 1)


def test_the_tables_of_a_long_result_are_made_by_a_task_of_their_own(
    pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[int | None] = []
    build = tables.build

    def watched(result_id: int) -> None:
        before.append(ResultFile.objects.get(pk=result_id).tsv_size)
        build(result_id)

    monkeypatch.setattr(tables, "build", watched)
    run(pending())
    assert before == []
    monkeypatch.setattr("annotator.tasks.TABLES_AT_ONCE", 0)
    job = run(pending())
    result = ResultFile.objects.get(job=job)
    assert before == [None]
    assert {result.key_of(TSV), result.key_of(PARQUET)} <= set(objects(job.result_prefix))
    assert len(objects(job.result_prefix)[result.key_of(TSV)]) == result.tsv_size


def test_tables_beyond_the_plans_size_are_left_out_and_the_page_says_so(
    pending: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    person: User,
    browser_of: Callable[[User], Client],
) -> None:
    # Each allele's row of the flat table has the long ID, which the VCF has once for six of them.
    record = b"3307\t" + 300 * b"x" + b"\tA\tC,G,T,AC,AG,AT\t"
    many = SMALL_VCF.replace(b"11778\t.\tG\tA\t", record) + 299 * (b"chrM\t" + record + b".\tPASS\t.\n")
    plan = replace(PLANS[PlanChoice.FREE], output_bytes=600 * 1024)
    monkeypatch.setitem(PLANS, PlanChoice.FREE, plan)
    job = run(pending(many))
    result = ResultFile.objects.get()
    sentence = "The tables are left out because they would be larger than 600 KiB."
    assert job.status == JobStatus.COMPLETED
    assert (result.tsv_size, result.parquet_size) == (None, None)
    assert not TableBuild.objects.exists()
    assert sentence in browser_of(person).get(job.get_absolute_url()).content.decode()
    # Its tables are made of their own later, as those of a long result: the same becomes of them.
    tables_of.owe(result)
    assert TableBuild.objects.exists()
    Job.objects.update(summary={**job.summary, "left_out": []})
    tables.build(result.pk)
    job.refresh_from_db()
    assert (job.summary["left_out"], TableBuild.objects.count()) == ([sentence], 0)
    # A plan that has room for them.
    monkeypatch.setitem(PLANS, PlanChoice.FREE, replace(plan, output_bytes=2_000_000))
    tables_of.owe(result)
    tables.build(result.pk)
    job.refresh_from_db()
    assert job.summary["left_out"] == []
    assert ResultFile.objects.get().tsv_size


def test_a_result_beyond_the_plans_size_fails_with_a_sentence(
    pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLANS, PlanChoice.FREE, replace(PLANS[PlanChoice.FREE], output_bytes=100))
    job = run(pending())
    assert (job.status, job.failure_code, job.attempts) == (JobStatus.FAILED, "result-too-large", 1)


def test_small_files_have_less_time(settings: Any) -> None:
    settings.ANNOTATE_SOFT_LIMIT_SECONDS = 1500
    small, large, huge = (seconds_allowed(size) for size in (150_000, 3_000_000, 10**9))
    assert 300 < small < 400 < large < 1500 - MARGIN_SECONDS == huge
    settings.ANNOTATE_SOFT_LIMIT_SECONDS = 100
    assert seconds_allowed(150_000) == 100 - MARGIN_SECONDS


@pytest.mark.parametrize("error", [OperationalError("the connection was lost"), SoftTimeLimitExceeded()])
def test_a_result_stays_when_only_the_answer_to_its_commit_is_lost(
    pending: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    complete = leases.complete

    def commit_and_lose_the_answer(*args: Any, **kwargs: Any) -> None:
        complete(*args, **kwargs)
        raise error

    monkeypatch.setattr(leases, "complete", commit_and_lose_the_answer)
    job = run(pending())
    assert job.status == JobStatus.COMPLETED
    assert ResultFile.objects.get().key in objects(job.result_prefix)
    assert job.log_key in objects(job.result_prefix)


def test_what_a_killed_worker_left_on_disk_is_removed_and_what_lives_is_not(
    pending: Callable[..., Job], tmp_path: Path
) -> None:
    dead, alive = tmp_path / "gas-attempt-dead", tmp_path / "gas-attempt-alive"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "input").write_bytes(b"x")
    long_ago = dead.stat().st_mtime - settings.ANNOTATE_HARD_LIMIT_SECONDS - 1
    os.utime(dead, (long_ago, long_ago))
    run(pending())
    assert [path.name for path in tmp_path.iterdir()] == ["gas-attempt-alive"]
