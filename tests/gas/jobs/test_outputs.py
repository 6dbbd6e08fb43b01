"""The registry of outputs: an entry is all that storage, pages and the export need to know of a format."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from annotator import tables as writers
from annotator.tasks import store
from gas.aws.clients import s3
from gas.jobs import outputs
from gas.jobs.lifecycle.leases import Claim
from gas.jobs.models import Job, ResultFile
from gas.jobs.moves import move_result
from gas.jobs.output_files import files_of
from gas.jobs.outputs import Output, Storage
from gas.jobs.pages import context
from gas.jobs.states import ResultState
from gas.jobs.storage import tables
from gas.users.models import User

BED = Output("bed", "annot.bed.gz", ".annot.bed.gz", "Regions (BED)", media_type="text/x-bed")
DOCS = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"


def stored(claim: Claim, folder: Path, *names: str) -> ResultFile:
    """Complete a job whose worker has written these files, next to those that every result has."""
    for name in ("annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json", "log.txt", *names):
        (folder / name).write_bytes(name.encode())
    report: Any = SimpleNamespace(summary={}, preview=[])
    store(claim, folder, report)
    return ResultFile.objects.select_related("job").get(job=claim.job)


def kinds(result: ResultFile, *, archiving: bool = False) -> list[str]:
    """The kinds of what can be downloaded of the job."""
    job = Job.objects.get(pk=result.job_id)
    return [one.kind for one in files_of(job, ResultFile.objects.get(pk=result.pk), archiving=archiving)]


def test_kinds_and_names_are_unique() -> None:
    every = (*outputs.RESULT_OUTPUTS, outputs.LOG)
    for attribute in ("kind", "file_name", "saved_as", "label"):
        assert len({getattr(output, attribute) for output in every}) == len(every)


def test_the_names_are_those_that_the_writers_use() -> None:
    names = (outputs.TSV.file_name, outputs.PARQUET.file_name, outputs.STATS.file_name)
    assert names == (writers.TSV, writers.PARQUET, writers.STATS)


def test_every_size_column_is_a_column() -> None:
    for output in outputs.RESULT_OUTPUTS:
        if output.size_column:
            assert ResultFile._meta.get_field(output.size_column)


@pytest.mark.parametrize("output", [*outputs.RESULT_OUTPUTS, outputs.LOG], ids=lambda output: output.kind)
def test_the_docs_list_every_output(output: Output) -> None:
    row = (
        f"| `{output.kind}` | `{output.file_name}` | {output.label} | `{output.media_type}` | {output.storage.value} |"
    )
    assert row in DOCS.read_text()


@pytest.mark.django_db
def test_a_new_format_needs_an_entry_and_a_writer(
    claimed: Callable[..., Claim],
    browser_of: Callable[[User], Client],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outputs, "RESULT_OUTPUTS", (*outputs.RESULT_OUTPUTS, BED))
    result = stored(claimed(name="sample.vcf"), tmp_path, "annot.bed.gz")
    found = s3().get_object(Bucket=settings.S3_RESULTS_BUCKET, Key=result.key_of(BED))
    assert (found["Body"].read(), found["ContentType"]) == (b"annot.bed.gz", "text/x-bed")
    assert result.more_sizes == {"bed": 12}
    assert kinds(result) == ["vcf", "index", "summary", "bed", "log", "input"]
    browser = browser_of(result.job.owner)
    (button,) = [one for one in context.downloads(result.job, result) if one["kind"] == "bed"]
    assert (button["label"], button["size"]) == ("Regions (BED)", 12)
    assert "sample.annot.bed.gz" in browser.get(button["url"])["Location"]


@pytest.mark.django_db
def test_a_result_from_before_a_format_does_not_offer_it(
    claimed: Callable[..., Claim], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = stored(claimed(), tmp_path)
    monkeypatch.setattr(outputs, "RESULT_OUTPUTS", (*outputs.RESULT_OUTPUTS, BED))
    assert "bed" not in kinds(result)


@pytest.mark.django_db
@pytest.mark.parametrize("storage", [Storage.REBUILT, Storage.KEPT])
def test_the_entry_says_what_happens_to_a_format_when_the_result_is_archived(
    claimed: Callable[..., Claim], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: Storage
) -> None:
    bed = dataclasses.replace(BED, storage=storage, with_result=storage is Storage.REBUILT)
    monkeypatch.setattr(outputs, "RESULT_OUTPUTS", (*outputs.RESULT_OUTPUTS, bed))
    result = stored(claimed(), tmp_path, "annot.bed.gz", "annot.tsv.gz", "annot.parquet")
    assert {"tsv", "parquet", "bed"} <= set(kinds(result))
    assert (result.key_of(bed) in result.hot_keys) is (storage is Storage.REBUILT)
    move_result(result, ResultState.ARCHIVING, "")
    assert {"vcf", "tsv", "parquet", "bed"} <= set(kinds(result, archiving=True))
    move_result(result, ResultState.ARCHIVED, "")
    assert ("bed" in kinds(result)) is (storage is Storage.KEPT)
    move_result(result, ResultState.RESTORING, "")
    move_result(result, ResultState.AVAILABLE, "", key="results/new/annot.vcf.gz", **tables.without_tables(result))
    assert ("bed" in kinds(result)) is (storage is Storage.KEPT)
    assert not {"tsv", "parquet"} & set(kinds(result))
    assert result.key_of(bed).startswith("results/new/") is (storage is Storage.REBUILT)
