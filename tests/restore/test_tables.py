"""The tables of a result: stored and offered with it, gone when it is archived, back after it is restored."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from annotator.reference.pack import load_reference
from annotator.run.annotate import annotate
from annotator.tables import write
from annotator.tables.stats import Stats
from annotator.tasks import store
from archive.tasks import delete_hot_copy, remove_copy
from gas.aws import s3
from gas.aws.clients import s3 as s3_client
from gas.jobs.lifecycle import leases, sweep
from gas.jobs.models import Removal, ResultFile, TableBuild
from gas.jobs.outputs import PARQUET, STATS, SUMMARY, TSV
from gas.jobs.pages import context
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration, tables
from gas.jobs.storage.restoration import restore_all
from gas.subscriptions.changes import set_plan
from gas.tasknames import BUILD_TABLES
from gas.users.models import PlanChoice, User
from restore.tasks import build_tables, poll, request_page, restore_result
from tests.support.glacier_standin import StandIn
from tests.support.jobs import SMALL_VCF
from tests.support.results import put_away

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

KINDS = ["tsv", "parquet"]


@pytest.fixture
def result(claimed: Callable[..., leases.Claim], settings: Any, tmp_path: Path) -> ResultFile:
    """A free person's result with all that there is, due to be archived."""
    settings.WORK_DIR = tmp_path
    claim, out = claimed(), tmp_path / "out"
    out.mkdir()
    (tmp_path / "in.vcf").write_bytes(SMALL_VCF)
    report = annotate(tmp_path / "in.vcf", out, reference=load_reference("rCRS"), provenance={"job": str(claim.job.pk)})
    write(out / "annot.vcf.gz", out)
    with Stats(out / "annot.vcf.gz", out, name=claim.job.name) as stats:
        stats.finish()
    store(claim, out, report)
    ResultFile.objects.update(archive_due_at=timezone.now() - timedelta(seconds=1))
    return ResultFile.objects.select_related("job").get()


def stored(result: ResultFile) -> dict[str, bytes]:
    """What S3 has of the job, by name; a name twice would be a copy that is left over."""
    bucket = django_settings.S3_RESULTS_BUCKET
    pages = s3_client().list_objects_v2(Bucket=bucket, Prefix=result.job.result_prefix)
    keys = [item["Key"] for item in pages.get("Contents", [])]
    names = [key.rpartition("/")[2] for key in keys]
    assert len(names) == len(set(names)), keys
    return {key.rpartition("/")[2]: s3_client().get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def offered(result: ResultFile) -> set[str]:
    """What the page offers, each of it looked for in S3."""
    result.refresh_from_db()
    kinds = {item["kind"] for item in context.downloads(result.job, result)}
    for kind, key in (("tsv", result.key_of(TSV)), ("parquet", result.key_of(PARQUET)), ("stats", result.key_of(STATS)),
                      ("summary", result.key_of(SUMMARY))):  # fmt: skip
        if kind in kinds:
            assert s3.head(django_settings.S3_RESULTS_BUCKET, key) is not None, key
    return kinds


def bring_back(aws: StandIn, result: ResultFile) -> ResultFile:
    set_plan(result.job.owner, PlanChoice.PREMIUM)
    batch = restore_all(str(result.job.owner_id))
    assert batch is not None
    request_page(batch, list(restoration.to_request(batch).select_related("job")))
    aws.glacier(advance=60)
    poll(batch)
    restore_result.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert result.state == ResultState.AVAILABLE
    return result


def build(result: ResultFile) -> ResultFile:
    build_tables.apply(args=[str(result.pk)])
    result.refresh_from_db()
    return result


def test_a_job_offers_its_tables_and_statistics_by_name_and_size(
    result: ResultFile, person: User, browser_of: Callable[[User], Client]
) -> None:
    objects, client = stored(result), browser_of(person)
    assert offered(result) >= {"vcf", "index", "tsv", "parquet", "stats", "summary"}
    for kind, name in (("tsv", "annot.tsv.gz"), ("parquet", "annot.parquet"), ("stats", "annot.stats.txt")):
        (item,) = [item for item in context.downloads(result.job, result) if item["kind"] == kind]
        assert item["size"] == len(objects[name])
        answer = client.get(item["url"])
        assert f"/{name}?" in answer["Location"]
        assert f"sample.{name}" in answer["Location"]
    assert gzip.decompress(objects["annot.tsv.gz"]).startswith(b"CHROM\tPOS\t")
    assert b"ID\t0\tsample.vcf\n" in objects["annot.stats.txt"]
    page = client.get(result.job.get_absolute_url()).content.decode()
    assert "Table (Parquet)" in page


def test_a_result_from_before_there_were_tables_offers_none_and_is_owed_none(
    aws: StandIn, result: ResultFile, person: User, browser_of: Callable[[User], Client]
) -> None:
    s3.delete_all(django_settings.S3_RESULTS_BUCKET, [result.key_of(TSV), result.key_of(PARQUET), result.key_of(STATS)])
    ResultFile.objects.update(tsv_size=None, parquet_size=None, stats_size=None)
    assert not offered(result) & {"tsv", "parquet", "stats"}
    for kind in (*KINDS, "stats"):
        assert browser_of(person).get(f"/jobs/{result.job.pk}/download/{kind}/").status_code == 404
    bring_back(aws, put_away(result))
    assert not TableBuild.objects.exists()


def test_tables_leave_s3_with_the_result_and_numbers_stay(
    result: ResultFile, person: User, browser_of: Callable[[User], Client]
) -> None:
    put_away(result)
    assert set(stored(result)) == {"annot.vcf.gz.tbi", "annot.stats.txt", "log.txt", "summary.json"}
    assert offered(result) == {"summary", "stats", "log", "input"}
    for kind in KINDS:
        answer = browser_of(person).get(f"/jobs/{result.job.pk}/download/{kind}/")
        assert answer["Location"] == result.job.get_absolute_url()


def test_no_state_but_available_offers_tables(result: ResultFile) -> None:
    for state in ResultState:
        ResultFile.objects.update(state=state)
        assert (set(KINDS) <= offered(result)) is (state == ResultState.AVAILABLE), state
        assert "stats" in offered(result)


def test_a_restored_result_gets_the_same_tables_again(
    aws: StandIn, result: ResultFile, person: User, browser_of: Callable[[User], Client], tmp_path: Path
) -> None:
    before = stored(result)
    bring_back(aws, put_away(result))
    assert not offered(result) & set(KINDS)
    answer = browser_of(person).get(f"/jobs/{result.job.pk}/download/tsv/", follow=True)
    assert b"being made" in answer.content
    build(result)
    assert offered(result) >= {"vcf", "index", "tsv", "parquet", "stats", "summary"}
    for removal in Removal.objects.all():
        remove_copy.apply(args=[str(removal.pk)])
    assert stored(result) == before
    assert result.tsv_size == len(before["annot.tsv.gz"])
    assert result.parquet_size == len(before["annot.parquet"])
    assert not TableBuild.objects.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.vcf", "out"]


def test_a_late_deletion_of_what_was_archived_spares_the_new_tables(aws: StandIn, result: ResultFile) -> None:
    from archive.tasks import archive_result

    archive_result.apply(args=[str(result.pk)])  # its message to delete is late
    build(bring_back(aws, result))
    delete_hot_copy.apply(args=[str(result.pk)])
    assert offered(result) >= set(KINDS)
    assert len(stored(result)) == 7  # none of the old ones is left


def test_a_message_that_comes_twice_makes_tables_once(
    aws: StandIn, result: ResultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_back(aws, put_away(result))
    made: list[int] = []
    upload = s3.upload

    def twice(*arguments: Any, **options: Any) -> str:
        made.append(1)
        build_tables.apply(args=[str(result.pk)])  # another worker gets the message meanwhile
        return upload(*arguments, **options)

    monkeypatch.setattr(s3, "upload", twice)
    build(result)
    build(result)
    assert len(made) == 2  # a flat table, a Parquet file
    assert offered(result) >= set(KINDS)


@pytest.mark.parametrize("end", ["archive", "delete"])
def test_what_is_archived_or_deleted_while_its_tables_are_made_has_none(
    aws: StandIn, result: ResultFile, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The move comes between the upload and the last word."""
    bring_back(aws, put_away(result))
    made = tables.made

    def end_it_first(*arguments: Any, **options: Any) -> None:
        if end == "archive":
            set_plan(result.job.owner, PlanChoice.FREE)
            ResultFile.objects.update(archive_due_at=timezone.now() - timedelta(seconds=1))
            put_away(result)
        else:
            result.job.delete()
        made(*arguments, **options)

    monkeypatch.setattr(tables, "made", end_it_first)
    keys = [result.key_of(TSV), result.key_of(PARQUET)]
    build_tables.apply(args=[str(result.pk)])
    assert [s3.head(django_settings.S3_RESULTS_BUCKET, key) for key in keys] == [None, None]
    assert not TableBuild.objects.exists()
    if end == "archive":
        result.refresh_from_db()
        assert result.state == ResultState.ARCHIVED
        # Had the maker died instead, these would remove what it left.
        left = Removal.objects.filter(copy_id__in=keys)
        assert left.count() == 2


def test_tables_stay_when_only_the_answer_to_their_commit_is_lost(
    aws: StandIn, result: ResultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_back(aws, put_away(result))
    made = tables.made

    def commit_and_lose_the_answer(*arguments: Any, **options: Any) -> None:
        made(*arguments, **options)
        raise ConnectionError

    monkeypatch.setattr(tables, "made", commit_and_lose_the_answer)
    build(result)
    assert offered(result) >= set(KINDS)


def test_after_a_fault_the_sweep_sends_again_and_gives_up_in_the_end(
    aws: StandIn, result: ResultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("gas.rounds.send_after_commit", lambda name, _: sent.append(name))
    bring_back(aws, put_away(result))
    upload = s3.upload

    def refuse(*_: Any, **__: Any) -> str:
        raise ConnectionError

    monkeypatch.setattr(s3, "upload", refuse)
    build(result)
    assert TableBuild.objects.get().tries == 1
    assert not offered(result) & set(KINDS)
    build(result)  # not before its pause is over
    assert TableBuild.objects.get().tries == 1
    for tries in (2, 3):
        TableBuild.objects.update(due_at=timezone.now() - timedelta(days=1))
        assert sweep.resend_tables(timezone.now()) == 1
        assert sweep.resend_tables(timezone.now()) == 0
        assert sent == [BUILD_TABLES] * (tries - 1)
        build(result)
        assert TableBuild.objects.get().tries == tries
    monkeypatch.setattr(s3, "upload", upload)
    TableBuild.objects.update(due_at=timezone.now())
    build(result)
    assert not TableBuild.objects.exists()
    assert not offered(result) & set(KINDS)
    assert {"annot.tsv.gz", "annot.parquet"}.isdisjoint(stored(result))


def test_a_worker_that_dies_leaves_its_tables_to_another(aws: StandIn, result: ResultFile) -> None:
    bring_back(aws, put_away(result))
    assert tables.claim(result.pk) is not None
    assert build(result).tsv_size is None  # somebody has it
    TableBuild.objects.update(due_at=timezone.now())
    assert build(result).tsv_size is not None
