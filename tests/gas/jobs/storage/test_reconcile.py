"""Promise: after a restore of the database, rows can be made to name what S3 and Glacier hold; nothing is deleted."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import models, transaction
from django.utils import timezone

from archive.tasks import archive_result, delete_hot_copy
from gas.aws import clients, s3
from gas.aws.archive_routes import archive
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, Removal, ResultFile, TableBuild, VaultInventory
from gas.jobs.states import ResultState
from gas.jobs.storage import archival, reconcile, removals, restoration, vault_inventory
from gas.subscriptions.changes import set_plan
from gas.users.models import PlanChoice, User
from restore.tasks import poll, request_page, restore_result
from tests.support.glacier_standin import StandIn
from tests.support.jobs import age
from tests.support.results import make_result, put_away

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

FAR = 100_000  # seconds; longer than any lease or pause
BOTH_ROUTES = pytest.mark.parametrize("route", ["vault", "class"])


@pytest.fixture
def result(claimed: Callable[..., leases.Claim], tmp_path: Any) -> ResultFile:
    return make_result(claimed(), tmp_path)


def row_of(result: ResultFile) -> dict[str, Any]:
    return {f.attname: getattr(result, f.attname) for f in ResultFile._meta.concrete_fields if not f.primary_key}


def back_to(result: ResultFile, row: dict[str, Any]) -> None:
    """The database is restored from a dump of that moment; storage is as it is."""
    ResultFile.objects.filter(pk=result.pk).update(**row)
    Removal.objects.all().delete()
    result.refresh_from_db()


def restored(aws: StandIn, result: ResultFile, person: User) -> None:
    set_plan(person, PlanChoice.PREMIUM)
    batch = restoration.restore_all(str(person.pk))
    assert batch is not None
    request_page(batch, list(restoration.to_request(batch).select_related("job")))
    aws.glacier(advance=24 * 3600)
    poll(batch)
    restore_result.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert result.state == ResultState.AVAILABLE


def inventoried(aws: StandIn) -> None:
    """An inventory of the vault that is ready to be read, and was asked for long after all that happened."""
    aws.glacier(advance=2 * 24 * 3600)
    reconcile.read_vault()
    aws.glacier(advance=3600)
    VaultInventory.objects.update(asked_at=timezone.now() + timedelta(days=3))


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("reconcile_storage", *arguments, stdout=out)
    return out.getvalue()


def stored() -> set[str]:
    bucket = django_settings.S3_RESULTS_BUCKET
    return {item.key for item in s3.list_all(bucket, "")}


def holds(result: ResultFile) -> bool:
    """S3 has the result's very bytes where the row says."""
    return s3.read_sha256(django_settings.S3_RESULTS_BUCKET, result.key) == result.sha256


@BOTH_ROUTES
def test_a_result_that_was_archived_after_the_dump_is_found_in_the_archive(
    aws: StandIn, result: ResultFile, settings: Any, person: User, route: str
) -> None:
    settings.ARCHIVE_ROUTE = route
    dump = row_of(result)
    put_away(result)
    archive_id = result.archive_id
    back_to(result, dump)
    if route == "vault":
        inventoried(aws)
    before, archives = stored(), set(aws.archives())
    told = run()
    assert "AVAILABLE, is not in S3: found in " + route in told
    assert ResultFile.objects.get().state == ResultState.AVAILABLE  # only told
    assert "1 repaired" in run("--repair")
    result.refresh_from_db()
    assert (result.state, result.archive_route, result.archive_id) == (ResultState.ARCHIVED, route, archive_id)
    assert (stored(), set(aws.archives())) == (before, archives)
    assert "0 results found elsewhere" in run()
    restored(aws, result, person)
    assert holds(result)


@BOTH_ROUTES
def test_a_result_that_was_restored_after_the_dump_is_found_in_s3(
    aws: StandIn, result: ResultFile, settings: Any, person: User, route: str
) -> None:
    settings.ARCHIVE_ROUTE = route
    put_away(result)
    dump = row_of(result)
    restored(aws, result, person)
    key = result.key
    for removal in Removal.objects.all():
        Removal.objects.filter(pk=removal.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        from gas.jobs.storage.removals import carry_out

        removal.refresh_from_db()
        carry_out(removal)
    back_to(result, dump)
    if route == "vault":
        inventoried(aws)
    before = stored()
    assert f"ARCHIVED, is not in the archive: found in S3: {key}" in run()
    assert "1 repaired" in run("--repair")
    result.refresh_from_db()
    assert (result.state, result.key, result.archive_id, result.problem) == (ResultState.AVAILABLE, key, "", "")
    assert holds(result)
    assert stored() == before
    assert "0 results found elsewhere" in run()


def test_a_result_that_was_given_up_comes_back_without_an_inventory(
    aws: StandIn, result: ResultFile, settings: Any, person: User
) -> None:
    """Glacier itself has said that the archive is gone, so its list need not be waited for."""
    settings.ARCHIVE_ROUTE = "vault"
    put_away(result)
    dump = row_of(result) | {"problem": "Glacier says that there is no such archive."}
    restored(aws, result, person)
    back_to(result, dump)
    told = run("--repair")
    assert "inventory cannot be read yet" in told
    assert "1 repaired" in told
    result.refresh_from_db()
    assert result.state == ResultState.AVAILABLE
    assert holds(result)


def test_an_archive_that_may_be_there_is_not_spoken_of(aws: StandIn, result: ResultFile, settings: Any) -> None:
    settings.ARCHIVE_ROUTE = "vault"
    put_away(result)
    s3_copy = f"{result.job.result_prefix}{uuid4()}/annot.vcf.gz"
    clients.s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=s3_copy, Body=b"x" * result.size)
    assert "0 results found elsewhere" in run("--repair")  # no inventory yet
    inventoried(aws)
    VaultInventory.objects.update(asked_at=timezone.now())  # taken before the archive was made, perhaps
    aws.archives()
    assert "0 results found elsewhere" in run("--repair")
    result.refresh_from_db()
    assert result.state == ResultState.ARCHIVED


@pytest.mark.parametrize("route", ["class"])
def test_bytes_that_are_not_the_results_are_not_taken(
    aws: StandIn, result: ResultFile, settings: Any, route: str
) -> None:
    settings.ARCHIVE_ROUTE = route
    bucket = django_settings.S3_RESULTS_BUCKET
    other = b"x" * result.size
    clients.s3().put_object(Bucket=bucket, Key=f"{result.job.result_prefix}{uuid4()}/annot.vcf.gz", Body=other)
    archive = f"archive/{result.job.owner_id}/{result.job_id}/{uuid4()}"
    clients.s3().put_object(Bucket=bucket, Key=archive, Body=other, Metadata={"sha256": "0" * 64})
    clients.s3().delete_object(Bucket=bucket, Key=result.key)
    assert "NOT FOUND anywhere" in run("--repair")
    result.refresh_from_db()
    assert result.state == ResultState.AVAILABLE


def test_a_copy_that_is_about_to_be_removed_is_not_taken(aws: StandIn, result: ResultFile) -> None:
    bucket = django_settings.S3_RESULTS_BUCKET
    copy = f"{result.job.result_prefix}{uuid4()}/annot.vcf.gz"
    clients.s3().copy_object(Bucket=bucket, Key=copy, CopySource={"Bucket": bucket, "Key": result.key})
    clients.s3().delete_object(Bucket=bucket, Key=result.key)
    removal = Removal.objects.create(route="hot", copy_id=copy)
    assert "NOT FOUND anywhere" in run("--repair")
    removal.delete()
    assert "1 repaired" in run("--repair")
    result.refresh_from_db()
    assert result.key == copy


def test_a_result_that_somebody_works_on_is_left_alone(aws: StandIn, result: ResultFile) -> None:
    bucket = django_settings.S3_RESULTS_BUCKET
    copy = f"{result.job.result_prefix}{uuid4()}/annot.vcf.gz"
    clients.s3().copy_object(Bucket=bucket, Key=copy, CopySource={"Bucket": bucket, "Key": result.key})
    clients.s3().delete_object(Bucket=bucket, Key=result.key)
    (finding,) = reconcile.findings(reconcile.Vault())
    ResultFile.objects.update(lease_token=uuid4(), lease_expires_at=timezone.now() + timedelta(minutes=1))
    assert not list(reconcile.findings(reconcile.Vault()))
    assert not reconcile.repair(finding)
    ResultFile.objects.update(lease_token=None, lease_expires_at=None, key=models.F("index_key"))
    assert not reconcile.repair(finding)  # it has moved meanwhile


def test_a_missing_result_ends_archival_with_one_alert_and_no_loop(
    aws: StandIn, result: ResultFile, settings: Any, mailoutbox: list[Any]
) -> None:
    from gas.jobs.lifecycle.sweep import sweep

    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0  # each alert is a mail
    clients.s3().delete_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=result.key)
    for _ in range(3):
        archive_result.apply(args=[str(result.pk)])
        result.refresh_from_db()
        assert (result.state, result.archive_due_at) == (ResultState.AVAILABLE, None)
        assert "not in S3" in result.problem
        swept = sweep()
        assert (swept["due"], swept["downgrades"]) == (0, 0)
    (told,) = mailoutbox
    assert "missing or damaged" in told.subject


def test_objects_that_no_row_names_are_listed(aws: StandIn, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from gas.jobs.storage import stray_objects

    monkeypatch.setattr(stray_objects, "YOUNG", -timedelta(days=1))
    clients.s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key="results/nonsense", Body=b"x")
    assert "no row names results/nonsense" in run("--repair")
    assert stored() == {"results/nonsense"}
    assert "results/nonsense" not in run("--no-objects")


def removed_all(times: int = removals.TELL_AFTER) -> None:
    """The archive worker has tried every removal as often as it does before it gives up."""
    for _ in range(times):
        Removal.objects.update(due_at=timezone.now() - timedelta(seconds=1), until=None)
        for removal in Removal.objects.all():
            removals.carry_out(removal)


@pytest.fixture
def staff_mail(settings: Any) -> list[EmailMessage]:
    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0
    outbox: list[EmailMessage] = mail.outbox
    return outbox


def test_a_stale_lease_does_not_cost_the_archive_that_was_committed_after_the_dump(
    aws: StandIn, result: ResultFile, settings: Any, staff_mail: list[EmailMessage]
) -> None:
    settings.ARCHIVE_ROUTE = "class"
    claim = archival.claim(result.pk)
    assert claim is not None
    dump = row_of(ResultFile.objects.get(pk=result.pk))
    kept = archive().store(source_key=result.key, archive_key=claim.archive_key, size=result.size, sha256=result.sha256)
    ResultFile.objects.update(archive_due_at=timezone.now())
    assert archival.stored(claim, kept)
    delete_hot_copy.apply(args=[str(result.pk)])
    back_to(result, dump | {"lease_expires_at": timezone.now() - timedelta(seconds=FAR)})
    archive_result.apply(args=[str(result.pk)])
    assert Removal.objects.filter(copy_id=kept.archive_id).exists()
    removed_all()
    assert kept.archive_id in stored()
    assert not Removal.objects.exists()
    assert [m.subject for m in staff_mail if "only ones" in m.subject] != []
    removed_all()
    assert "1 repaired" in run("--repair")
    result.refresh_from_db()
    assert (result.state, result.archive_id) == (ResultState.ARCHIVED, kept.archive_id)


@BOTH_ROUTES
def test_a_stale_lease_does_not_cost_the_copy_that_was_restored_after_the_dump(
    aws: StandIn, result: ResultFile, settings: Any, person: User, route: str
) -> None:
    settings.ARCHIVE_ROUTE = route
    put_away(result)
    before = row_of(result)
    restored(aws, result, person)
    token = result.key.split("/")[-2]
    removed_all()  # the archive
    assert not Removal.objects.exists()
    stale = {"state": ResultState.RESTORING, "lease_token": token}
    back_to(result, before | stale | {"lease_expires_at": timezone.now() - timedelta(seconds=FAR)})
    assert restoration.take_back(result.pk)
    copy = Removal.objects.get().copy_id
    removed_all()
    assert copy in stored()
    assert not Removal.objects.exists()


def test_a_copy_of_a_restore_that_was_repeated_goes(aws: StandIn, result: ResultFile, settings: Any) -> None:
    """The service cannot tell whether an archive in a vault is there, but it can once the result is back."""
    settings.ARCHIVE_ROUTE = "vault"
    other = f"{result.job.result_prefix}{uuid4()}/annot.vcf.gz"
    bucket = django_settings.S3_RESULTS_BUCKET
    clients.s3().copy_object(Bucket=bucket, Key=other, CopySource={"Bucket": bucket, "Key": result.key})
    key = result.key
    put_away(result)
    Removal.objects.create(route="hot", copy_id=other)
    removed_all(1)
    assert other in stored()
    clients.s3().copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": other})
    ResultFile.objects.update(state=ResultState.AVAILABLE)  # brought back by another attempt
    removed_all(1)
    assert other not in stored()
    assert key in stored()


@pytest.mark.parametrize("input_is_there", [True, False])
def test_the_folder_of_a_job_that_was_completed_after_the_dump_goes_only_if_the_job_can_be_annotated_again(
    aws: StandIn, claimed: Callable[..., leases.Claim], staff_mail: list[EmailMessage], input_is_there: bool
) -> None:
    claim = claimed()
    clients.s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=f"{claim.prefix}annot.vcf.gz", Body=b"x")
    if not input_is_there:
        clients.s3().delete_object(Bucket=django_settings.S3_INPUTS_BUCKET, Key=claim.job.input_key)
    age(claim.job, lease_expires_at=FAR)
    assert f"has no result but stored {claim.prefix}annot.vcf.gz" in run("--no-objects")
    leases.take_back(Job.objects.get())
    removed_all()
    assert (f"{claim.prefix}annot.vcf.gz" in stored()) == (not input_is_there)
    assert not Removal.objects.exists()
    assert any("only ones" in m.subject for m in staff_mail) == (not input_is_there)


def lost_key(result: ResultFile) -> reconcile.Finding:
    """The row names a key that is empty; the copy is where it was."""
    ResultFile.objects.update(key=f"{result.job.result_prefix}{uuid4()}/annot.vcf.gz", tsv_size=7, stats_size=5)
    result.refresh_from_db()
    finding = reconcile.look(result, reconcile.Vault())
    assert finding is not None
    assert finding.copy is not None
    return finding


@pytest.mark.parametrize("what", ["removal", "folder", "gone"])
def test_a_copy_that_goes_between_the_look_and_the_repair_is_not_taken(
    aws: StandIn, result: ResultFile, what: str
) -> None:
    finding = lost_key(result)
    assert finding.copy is not None
    if what == "removal":
        Removal.objects.create(route="hot", copy_id=finding.copy.name)
    elif what == "folder":
        Removal.objects.create(route="folder", copy_id=finding.copy.name.rpartition("/")[0] + "/")
    else:
        s3.delete(django_settings.S3_RESULTS_BUCKET, finding.copy.name)
    assert not reconcile.repair(finding)
    assert ResultFile.objects.get().key == result.key


def test_a_result_that_is_found_under_another_key_is_owed_its_tables(aws: StandIn, result: ResultFile) -> None:
    assert reconcile.repair(lost_key(result))
    found = ResultFile.objects.get()
    assert (found.tsv_size, found.parquet_size) == (None, None)
    assert TableBuild.objects.filter(pk=found.pk).exists()
    assert holds(found)


def test_a_late_deletion_does_not_meet_a_copy_that_was_repaired_meanwhile(
    aws: StandIn, result: ResultFile, settings: Any
) -> None:
    """The deletion asks for the row under a lock, and finds what the repair has made of it."""
    settings.ARCHIVE_ROUTE = "class"
    archive_result.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert result.state == ResultState.ARCHIVED
    s3.delete(django_settings.S3_RESULTS_BUCKET, result.archive_id)
    assert "1 repaired" in run("--repair", "--no-objects")
    delete_hot_copy.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert holds(result)


def test_the_deletion_of_a_hot_copy_locks_the_row(
    aws: StandIn, result: ResultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    ResultFile.objects.update(state=ResultState.ARCHIVED)
    inside: list[bool] = []
    monkeypatch.setattr(s3, "delete_all", lambda *_: inside.append(transaction.get_connection().in_atomic_block))
    delete_hot_copy.apply(args=[str(result.pk)])
    assert inside == [True]


def test_an_inventory_that_was_asked_for_to_compare_removes_nothing(
    aws: StandIn, result: ResultFile, settings: Any
) -> None:
    settings.ARCHIVE_ROUTE, settings.INVENTORY_DAYS = "vault", 30
    reconcile.read_vault()
    asked = VaultInventory.objects.get(report_only=True)
    aws.glacier(advance=24 * 3600)
    assert vault_inventory.tend() is None
    asked.refresh_from_db()
    assert asked.compared_at is None
