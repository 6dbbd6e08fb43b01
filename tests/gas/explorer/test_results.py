"""From a job to its table: every state of a result has its sentence, and old tables are made again by themselves."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.conf import settings as django_settings

from annotator.tables import schema, write
from gas.aws import s3
from gas.explorer import conversion, native, results
from gas.explorer.database import NotReadable
from gas.explorer.results import Reason, Unavailable, open_result
from gas.jobs.models import Job, ResultFile, TableBuild
from gas.jobs.outputs import PARQUET
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import tables
from tests.support import annotated_vcf


@pytest.fixture
def job(pending: Callable[..., Job], settings: Any, tmp_path: Path) -> Job:
    """A completed job, whose table is in S3."""
    settings.EXPLORER_CACHE_DIR = tmp_path / "copies"
    job = pending()
    Job.objects.filter(pk=job.pk).update(status=JobStatus.COMPLETED)
    annotated_vcf.write(tmp_path / "annot.vcf.gz", 50, 1)
    result = ResultFile(
        job=job,
        key=f"{job.result_prefix}a/annot.vcf.gz",
        index_key="i/annot.vcf.gz.tbi",
        parquet_version=schema.VERSION,
    )
    parquet = write(tmp_path / "annot.vcf.gz", tmp_path).parquet
    result.sha256 = s3.upload(tmp_path / "annot.vcf.gz", django_settings.S3_RESULTS_BUCKET, result.key)
    result.parquet_sha256 = s3.upload(parquet, django_settings.S3_RESULTS_BUCKET, result.key_of(PARQUET))
    result.size, result.parquet_size, result.tsv_size = (
        (tmp_path / "annot.vcf.gz").stat().st_size,
        parquet.stat().st_size,
        1,
    )
    result.stats_size = 1
    result.save()
    return Job.objects.get(pk=job.pk)


def reason(job: Job) -> Reason:
    with pytest.raises(Unavailable) as caught, open_result(job):
        pass
    assert str(caught.value).endswith(".")
    return caught.value.reason


def test_a_result_is_open_for_questions(job: Job) -> None:
    with open_result(job) as database:
        assert len(database.ask("SELECT 1 FROM variants").rows) >= 50
        assert database.columns.samples == annotated_vcf.SAMPLES
    with results.open_vcf(job) as path:
        assert s3.sha256(path) == job.result.sha256


def test_a_result_that_takes_long_to_open_is_opened_in_the_background(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, write_rows = threading.Event(), conversion._write
    monkeypatch.setattr(conversion, "_write", lambda *args: (go_on.wait(60), write_rows(*args)))
    for _ in range(2):
        with pytest.raises(Unavailable) as caught, open_result(job, patience=0.01):
            pass
        assert caught.value.reason == Reason.BEING_OPENED
    go_on.set()
    with open_result(job, patience=None) as database:
        assert len(database.ask("SELECT 1 FROM variants").rows) >= 50
    assert not conversion._running


def test_a_large_result_is_opened_by_a_process_of_its_own(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "SMALL", 0)
    monkeypatch.setattr(native, "make", None)  # this process makes nothing
    with open_result(job, patience=None) as database:
        assert len(database.ask("SELECT 1 FROM variants").rows) >= 50


def test_a_result_that_memory_is_lacking_for_is_not_made_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "main", lambda _: native.NO_ROOM)
    assert reason(job) == Reason.NO_ROOM
    assert not TableBuild.objects.exists()


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (ResultState.ARCHIVED, Reason.ARCHIVED),
        (ResultState.RESTORING, Reason.RESTORING),
        (ResultState.DELETED, Reason.DELETED),
    ],
)
def test_a_result_that_is_not_here_says_why(job: Job, state: ResultState, wanted: Reason) -> None:
    ResultFile.objects.update(state=state)
    assert reason(job) == wanted
    assert not TableBuild.objects.exists()


def test_a_job_without_a_result_says_so(pending: Callable[..., Job]) -> None:
    assert reason(pending()) == Reason.NOT_DONE


def test_tables_that_are_left_out_say_why(job: Job) -> None:
    Job.objects.update(summary={"left_out": ["The tables are left out because they would be larger."]})
    with pytest.raises(Unavailable, match="would be larger") as caught, open_result(Job.objects.get()):
        pass
    assert caught.value.reason == Reason.LEFT_OUT


def test_tables_that_could_not_be_made_are_not_asked_for_again(job: Job, queued: None, sends: Any) -> None:
    ResultFile.objects.update(parquet_version=1)
    assert reason(job) == Reason.BEING_MADE
    TableBuild.objects.update(tries=tables.MAX_TRIES)
    with sends() as sent:
        assert tables.claim(job.result.pk) is None
        with pytest.raises(Unavailable, match=tables.GIVEN_UP) as caught, open_result(Job.objects.get()):
            pass
    assert caught.value.reason == Reason.LEFT_OUT
    assert sent == []
    assert not TableBuild.objects.exists()


def test_a_result_that_can_have_no_tables_owes_none(job: Job) -> None:
    ResultFile.objects.update(stats_size=None, parquet_size=None)
    assert reason(job) == Reason.LEFT_OUT
    assert not TableBuild.objects.exists()


def test_tables_that_were_renewed_meanwhile_are_not_made_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def renewed(*_: Any, **__: Any) -> Any:
        ResultFile.objects.update(parquet_sha256="7" * 64)
        raise s3.CopyDiffers("renewed")

    monkeypatch.setattr(results.files, "fetch", renewed)
    assert reason(job) == Reason.BEING_MADE
    assert not TableBuild.objects.exists()


def test_a_vcf_that_is_not_the_one_that_was_stored_is_not_sent(job: Job, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else")
    s3.upload(tmp_path / "other", django_settings.S3_RESULTS_BUCKET, job.result.key)
    with pytest.raises(Unavailable, match="damaged") as caught, results.open_vcf(job):
        pass
    assert caught.value.reason == Reason.DAMAGED


def test_an_old_table_is_made_again_on_first_use_and_once(job: Job, queued: None, sends: Any) -> None:
    ResultFile.objects.update(parquet_version=1)
    with sends() as sent:
        assert reason(job) == reason(job) == Reason.BEING_MADE
    assert [name for name, *_ in sent] == ["restore.build_tables"]
    assert TableBuild.objects.count() == 1


def test_a_table_of_another_version_than_its_row_says_is_made_again(
    job: Job, queued: None, sends: Any, tmp_path: Path
) -> None:
    old = tmp_path / "old.parquet"
    pl.DataFrame({"contig": ["chr1"]}).write_parquet(old)
    digest = s3.upload(old, django_settings.S3_RESULTS_BUCKET, job.result.key_of(PARQUET))
    ResultFile.objects.update(parquet_sha256=digest)
    with sends() as sent:
        assert reason(job) == Reason.BEING_MADE
    assert len(sent) == 1


def test_a_table_that_is_gone_or_damaged_is_made_again(job: Job, queued: None, sends: Any, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else")
    s3.upload(tmp_path / "other", django_settings.S3_RESULTS_BUCKET, job.result.key_of(PARQUET))
    with sends() as sent:
        assert reason(job) == Reason.BEING_MADE
    assert len(sent) == 1
    TableBuild.objects.all().delete()
    s3.delete(django_settings.S3_RESULTS_BUCKET, job.result.key_of(PARQUET))
    assert reason(job) == Reason.BEING_MADE


def test_the_table_that_is_made_again_opens(job: Job, django_capture_on_commit_callbacks: Any) -> None:
    ResultFile.objects.update(parquet_version=1, parquet_sha256="")
    with django_capture_on_commit_callbacks(execute=True):
        assert reason(job) == Reason.BEING_MADE
    with open_result(Job.objects.get(pk=job.pk)) as database:
        assert database.metadata.version == schema.VERSION


def test_a_table_that_is_new_since_its_row_was_read_is_not_owed_again(job: Job, queued: None, sends: Any) -> None:
    """Between a request's look at the row and its look at what is owed, the worker may have finished."""
    ResultFile.objects.update(parquet_version=1)
    old = ResultFile.objects.get()
    ResultFile.objects.update(parquet_version=schema.VERSION)
    with sends() as sent, pytest.raises(Unavailable) as caught:
        results._make_again(old)
    assert (caught.value.reason, sent) == (Reason.BEING_MADE, [])
    assert not TableBuild.objects.exists()


def test_a_table_that_cannot_be_opened_is_made_again_once(
    job: Job, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any, staff: Any, browser_of: Any
) -> None:
    def unreadable(_: Any) -> None:
        raise NotReadable("damaged by the writer")

    with monkeypatch.context() as broken:
        broken.setattr(results, "_check_version", unreadable)
        with django_capture_on_commit_callbacks(execute=True):
            assert reason(job) == Reason.BEING_MADE
        with pytest.raises(Unavailable, match=tables.UNREADABLE), open_result(Job.objects.get()):
            pass
        assert not TableBuild.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):  # once the cause is found
        chosen = {"action": "tables_again", "_selected_action": [str(job.result.pk)]}
        browser_of(staff).post("/admin/jobs/resultfile/", chosen)
    with open_result(Job.objects.get()) as database:
        assert database.metadata.version == schema.VERSION
