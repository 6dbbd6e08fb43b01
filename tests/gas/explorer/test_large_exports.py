"""Promise: a large export is made once, whichever worker lives, has the rows of the pages, and goes when it should."""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from botocore.exceptions import EndpointConnectionError
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from gas.aws import clients, s3
from gas.celery import app
from gas.explorer import export_formats, export_worker, exports, large_exports, marks, query
from gas.explorer.export_formats import FORMATS
from gas.explorer.large_exports import Refused
from gas.explorer.models import ExportState, VariantExport
from gas.explorer.results import open_result
from gas.jobs.models import Job, Notice, Purge, Removal, ResultFile
from gas.jobs.storage import purge, removals
from gas.tasknames import BUILD_VARIANT_EXPORT
from gas.users.deletion import delete_account
from gas.users.models import User
from tests.support.exported import selected, sheet_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]


def stored() -> list[str]:
    pages = clients.s3().list_objects_v2(Bucket=settings.S3_RESULTS_BUCKET, Prefix="variant-exports/")
    return [item["Key"] for item in pages.get("Contents", [])]


def ask(job: Job, text: str = "", kind: str = "tsv") -> VariantExport:
    with open_result(job) as database:
        return large_exports.ask(job.owner, job, database, text, kind)


def made(job: Job, text: str = "", kind: str = "tsv") -> VariantExport:
    export = ask(job, text, kind)
    export_worker.build(export.pk)
    return VariantExport.objects.get(pk=export.pk)


def age(export: VariantExport, **fields: float) -> None:
    now = timezone.now()
    VariantExport.objects.filter(pk=export.pk).update(
        **{name: now - timedelta(seconds=s) for name, s in fields.items()}
    )


def carry_out_removals() -> None:
    Removal.objects.update(due_at=timezone.now())
    for removal in Removal.objects.all():
        removals.carry_out(removal)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("text", ["", "impact=HIGH&impact=MODERATE&sort=-qual&columns=qual,row_number"])
def test_every_format_has_the_rows_of_the_pages_and_as_many_as_the_count(
    job_with_table: Job, tmp_path: Path, kind: str, text: str
) -> None:
    with open_result(job_with_table) as database:
        wanted = exports.request_of(database, job_with_table.reference, text)
        rows = query.page(database, wanted.state, wanted.columns, order=wanted.order, size=query.MOST_ROWS).rows
        assert len(rows) == query.count(database, wanted.state) > 10
    export = made(job_with_table, text, kind)
    assert (export.state, export.rows) == (ExportState.READY, len(rows)), export.failure
    path = tmp_path / "file"
    s3.download(settings.S3_RESULTS_BUCKET, export.key, path, size=export.size)
    assert s3.sha256(path) == export.sha256
    names = [f"{row['contig']}-{row['pos']}-{row['ref']}-{row['alt'] or ''}" for row in rows]
    found = read(kind, path)
    if kind == "xlsx":  # a cell without an ALT allele is left out
        names = [name.rpartition("-")[0] for name in names]
    assert found == (sorted(names) if kind == "vcf" else names)


def read(kind: str, path: Path) -> list[str]:
    """Return the variants of a file in its order; those of a VCF sorted."""
    if kind == "tsv":
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        assert lines[0].startswith("# Genomics Annotation Service ")
        table = csv.DictReader(io.StringIO("\n".join(lines[1:])), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [f"{row['contig']}-{row['pos']}-{row['ref']}-{row['alt']}" for row in table]
    if kind == "xlsx":
        return ["-".join(row[place] or "" for place in range(3)) for row in sheet_rows(path)[1:]]
    if kind == "parquet":
        frame = pl.read_parquet(path)
        return [f"{one['contig']}-{one['pos']}-{one['ref']}-{one['alt'] or ''}" for one in frame.rows(named=True)]
    with zipfile.ZipFile(path) as both:
        both.extractall(path.parent / "unpacked")
    [packed] = (path.parent / "unpacked").glob("*.vcf.gz")
    return sorted(f"{contig}-{pos}-{ref}-{alt.strip('.')}" for contig, pos, ref, alt in selected(packed))


def test_what_a_sheet_cannot_hold_is_refused(job_with_table: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FORMATS["xlsx"].most == 2**20 - 1  # the header takes a row
    small = export_formats.Format("", "", "", FORMATS["xlsx"].write, 3)
    monkeypatch.setitem(FORMATS, "xlsx", small)
    with pytest.raises(Refused, match=r"A sheet holds 3 variants, and these are \d\d\."):
        ask(job_with_table, kind="xlsx")
    assert not VariantExport.objects.exists()


def test_two_at_a_time_and_the_same_one_once(job_with_table: Job, stranger: User) -> None:
    first, second = ask(job_with_table), ask(job_with_table, "impact=HIGH")
    assert ask(job_with_table) == first
    with pytest.raises(Refused, match="2 exports at a time"):
        ask(job_with_table, "impact=LOW")
    VariantExport.objects.filter(pk=second.pk).update(owner=stranger)  # counts for its owner alone
    ask(job_with_table, "impact=LOW")
    for export in (first, second):
        export_worker.build(export.pk)
    assert ask(job_with_table) == first  # which is ready
    VariantExport.objects.filter(pk=first.pk).update(expires_at=timezone.now())
    assert ask(job_with_table) != first


def test_a_filter_that_the_result_does_not_have_is_refused_and_never_left_out(job_with_table: Job) -> None:
    for text in ("source-REVEL-min=0.5&source-REVEL-missing=keep", "qual-min=high", "s9-zygosity=het"):
        with pytest.raises(exports.BadFilters):
            ask(job_with_table, text)


def test_a_job_that_is_deleted_meanwhile_is_refused(job_with_table: Job) -> None:
    with open_result(job_with_table) as database:
        Job.objects.all().delete()
        with pytest.raises(Refused, match="deleted"):
            large_exports.ask(job_with_table.owner, job_with_table, database, "", "tsv")


def test_two_messages_make_one_file(job_with_table: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    export, uploads, upload = ask(job_with_table), [], s3.upload

    def count(*args: Any, **kwargs: Any) -> str:
        uploads.append(args)
        export_worker.build(export.pk)  # the second message, meanwhile
        return upload(*args, **kwargs)

    monkeypatch.setattr(s3, "upload", count)
    export_worker.build(export.pk)
    export_worker.build(export.pk)
    assert len(uploads) == len(stored()) == 1


def test_a_worker_that_lost_its_lease_harms_nothing_and_leaves_nothing(
    job_with_table: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, upload = ask(job_with_table), s3.upload

    def upload_late(*args: Any, **kwargs: Any) -> str:
        monkeypatch.setattr(s3, "upload", upload)
        large_exports.tend()  # the lease has not expired: nothing is released
        assert VariantExport.objects.get().state == ExportState.RUNNING
        age(export, lease_expires_at=1)
        large_exports.tend()
        age(export, due_at=1)
        export_worker.build(export.pk)  # another worker is quicker
        return upload(*args, **kwargs)

    monkeypatch.setattr(s3, "upload", upload_late)
    export_worker.build(export.pk)
    ready = VariantExport.objects.get()
    assert (ready.state, len(stored())) == (ExportState.READY, 2)
    carry_out_removals()
    assert stored() == [ready.key]


def test_three_dead_workers_are_enough(job_with_table: Job, sends: Any) -> None:
    export = ask(job_with_table)
    for tries in range(1, large_exports.MAX_TRIES + 1):
        assert large_exports.claim(export.pk) is not None, tries
        age(export, lease_expires_at=1)
        large_exports.tend()
        assert large_exports.claim(export.pk) is None  # after a pause
        age(export, due_at=1000)
        with sends() as sent:
            large_exports.tend()
        assert [name for name, *_ in sent].count(BUILD_VARIANT_EXPORT) == (tries < large_exports.MAX_TRIES)
        age(export, due_at=1)
    failed = VariantExport.objects.get()
    assert (failed.state, failed.failure) == (ExportState.FAILED, large_exports.GIVEN_UP)
    assert large_exports.try_again(VariantExport.objects.all()) == 1
    export_worker.build(export.pk)
    assert VariantExport.objects.get().state == ExportState.READY


def test_trouble_of_aws_is_no_try_and_passes(job_with_table: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> str:
        raise EndpointConnectionError(endpoint_url="s3")

    with monkeypatch.context() as broken:
        broken.setattr(s3, "upload", unreachable)
        for _ in range(large_exports.MAX_TRIES + 1):
            export = made(job_with_table)
            assert (export.state, export.tries) == (ExportState.WAITING, 0)
            assert export.due_at > timezone.now()
            age(export, due_at=1)
    assert export.faults == large_exports.MAX_TRIES + 1
    assert made(job_with_table).state == ExportState.READY


def test_an_export_outlasts_the_restore_of_its_result(job_with_table: Job) -> None:
    export = ask(job_with_table)
    age(export, asked_at=3600)
    ResultFile.objects.update(state="RESTORING")
    for _ in range(large_exports.MAX_FAULTS + 1):  # looks for a result that Deep Archive takes 12 hours to bring back
        export_worker.build(export.pk)
        export.refresh_from_db()
        assert (export.state, export.tries, export.faults) == (ExportState.WAITING, 0, 0)
        assert 300 < (export.due_at - timezone.now()).total_seconds() < 400
        age(export, due_at=1)
    ResultFile.objects.update(state="AVAILABLE")
    export_worker.build(export.pk)
    assert VariantExport.objects.get().state == ExportState.READY


def test_an_archived_result_ends_it_with_a_sentence(job_with_table: Job) -> None:
    export = ask(job_with_table)
    job_with_table.result.state = "ARCHIVED"
    job_with_table.result.save()
    export_worker.build(export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.FAILED
    assert "is archived" in export.failure


def test_it_expires(job_with_table: Job) -> None:
    export = made(job_with_table)
    assert export.expires_at is not None
    assert export.finished_at is not None
    assert export.expires_at - export.finished_at == timedelta(days=settings.EXPLORER_EXPORT_DAYS)
    large_exports.tend()
    assert large_exports.address(export)
    age(export, expires_at=1)
    assert large_exports.address(VariantExport.objects.get()) is None
    large_exports.tend()
    carry_out_removals()
    assert (VariantExport.objects.count(), stored()) == (0, [])


@pytest.mark.parametrize("whole_account", [False, True])
def test_it_goes_with_its_job_and_with_the_account(job_with_table: Job, whole_account: bool) -> None:
    made(job_with_table)
    ask(job_with_table, "impact=HIGH")
    assert len(stored()) == 1
    if whole_account:
        delete_account(job_with_table.owner)
    else:
        job_with_table.delete()
    for one in Purge.objects.all():
        purge.empty_folders(one.pk)
    assert (VariantExport.objects.count(), stored()) == (0, [])


def test_one_that_is_removed_while_it_is_made_leaves_nothing(
    job_with_table: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, upload = ask(job_with_table), s3.upload

    def upload_late(*args: Any, **kwargs: Any) -> str:
        large_exports.discard(VariantExport.objects.all())
        carry_out_removals()  # as if the removal had come first
        return upload(*args, **kwargs)

    monkeypatch.setattr(s3, "upload", upload_late)
    export_worker.build(export.pk)
    carry_out_removals()
    assert (VariantExport.objects.count(), stored()) == (0, [])


def test_a_mail_comes_if_it_takes_more_than_a_minute(
    job_with_table: Job, django_capture_on_commit_callbacks: Any
) -> None:
    app.conf.task_always_eager = True
    with django_capture_on_commit_callbacks(execute=True):
        made(job_with_table)
        assert VariantExport.objects.get().state == ExportState.READY
    assert not Notice.objects.exists()
    export = ask(job_with_table, "impact=HIGH")
    age(export, asked_at=61, due_at=1)
    with django_capture_on_commit_callbacks(execute=True):
        export_worker.build(export.pk)
    [sent] = [one for one in mail.outbox if one.subject == "Export ready: sample.vcf"]
    assert f"{export.rows} variants" in sent.body
    assert f"{settings.SITE_URL}/exports/" in sent.body
    assert "impact" not in sent.body  # mail is not encrypted


def test_the_page_shows_how_far_it_is_to_its_owner_alone(
    job_with_table: Job, browser_of: Callable[[User], Client], stranger: User, settings: Any
) -> None:
    settings.EXPLORER_ROWS_AT_ONCE = 3
    client, other = browser_of(job_with_table.owner), browser_of(stranger)
    table = f"/jobs/{job_with_table.pk}/variants/"
    page = client.get(f"{table}?impact=HIGH&impact=MODERATE").content.decode()
    assert f'action="{table}export/tsv/prepare/?impact=HIGH' in page
    assert client.get(f"{table}export/tsv/prepare/").status_code == 405
    assert other.post(f"{table}export/tsv/prepare/").status_code == 404
    assert client.post(f"{table}export/exe/prepare/").status_code == 404
    asked = client.post(f"{table}export/tsv/prepare/?impact=HIGH&impact=MODERATE&columns=qual", follow=True)
    assert "every 2s" in asked.content.decode()
    export = VariantExport.objects.get()
    assert export.query == "impact=HIGH&impact=MODERATE&columns=qual"

    assert large_exports.claim(export.pk)
    VariantExport.objects.update(rows_done=export.rows // 2)
    assert "variants written" in client.get("/exports/", headers={"HX-Request": "true"}).content.decode()
    large_exports.wait(VariantExport.objects.get())
    age(export, due_at=1)
    assert client.get(f"/exports/{export.pk}/file/")["Location"] == "/exports/"
    export_worker.build(export.pk)
    ready = client.get("/exports/").content.decode()
    assert "Ready, " in ready
    assert "every 2s" not in ready
    assert "sample.variants.tsv.gz" in client.get(f"/exports/{export.pk}/file/")["Location"]
    assert "Ready" not in other.get("/exports/").content.decode()
    for path in (f"/exports/{export.pk}/file/", f"/exports/{export.pk}/remove/"):
        assert other.get(path).status_code in {404, 405}
        assert other.post(path).status_code in {404, 405}
    client.post(f"/exports/{export.pk}/remove/")
    assert not VariantExport.objects.exists()


def test_it_is_in_the_persons_own_data(job_with_table: Job) -> None:
    export = made(job_with_table, "impact=HIGH")
    files = {name: b"".join(content) for name, content in marks.export(job_with_table.owner)}
    assert b'"query": "impact=HIGH"' in files["explorer.json"]
    assert gzip.decompress(files[f"exports/{export.pk}.variants.tsv.gz"]).startswith(b"# Genomics")


def test_staff_see_them_and_can_remove_them(job_with_table: Job, staff: User, browser_of: Any) -> None:
    export, client = made(job_with_table), browser_of(staff)
    page = client.get("/admin/explorer/variantexport/").content.decode()
    assert str(export.pk) in page
    client.post("/admin/explorer/variantexport/", {"action": "remove", "_selected_action": [str(export.pk)]})
    assert not VariantExport.objects.exists()


def test_large_exports_do_not_hold_up_mails() -> None:
    assert app.amqp.router.route({}, BUILD_VARIANT_EXPORT)["queue"].name == "gas-archive"
