"""Archives that no row names: found by the vault's inventory, and removed only when their result is whole elsewhere."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from archive.tasks import archive_result, remove_copy, tend_inventory
from gas.aws import clients
from gas.aws.glacier_vault import VaultArchive
from gas.jobs.models import DeletedJob, Job, Removal, ResultFile, VaultInventory
from gas.jobs.states import JobStatus
from gas.jobs.storage import vault_inventory
from gas.users.models import User
from tests.support.glacier_standin import StandIn

BODY = b"annotated"
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def _every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """No round is skipped for having been taken just now."""
    monkeypatch.setattr("gas.rounds.just_taken", lambda *_: False)


@pytest.fixture(autouse=True)
def vault(settings: Any) -> None:
    settings.ARCHIVE_ROUTE = "vault"


@pytest.fixture
def make(aws: StandIn, queued: None, person: User) -> Callable[..., ResultFile]:
    """Makes results in S3; `archived` ones are moved to the vault by the worker's task."""

    def result(*, archived: bool = False) -> ResultFile:
        job = Job.objects.create(owner=person, name="sample.vcf", reference="rCRS", status=JobStatus.COMPLETED)
        made = ResultFile.objects.create(
            job=job,
            key=f"{job.result_prefix}1/annot.vcf.gz",
            index_key="i",
            size=len(BODY),
            sha256=SHA256,
            archive_due_at=timezone.now() if archived else None,
        )
        clients.s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=made.key, Body=BODY)
        if archived:
            archive_result.apply(args=[str(made.pk)])
            made.refresh_from_db()
            assert made.archive_id
        return made

    return result


def orphan(result: ResultFile) -> str:
    """An archive of the result, by a worker that was killed before it could write its id down."""
    name = f"{result.job.owner_id}/{result.job_id}/{'0' * 8}-0000-4000-8000-{'0' * 12}"
    stored = VaultArchive().store(source_key=result.key, archive_key=name, size=result.size, sha256=result.sha256)
    return stored.archive_id


def compared(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> VaultInventory:
    """Two days later: asked for, ready, compared, and what was found for nothing is gone."""
    monkeypatch.setattr(vault_inventory, "YOUNG", -timedelta(days=1))  # only Glacier's clock can be moved
    aws.glacier(advance=2 * 24 * 3600)
    tend_inventory.apply()
    assert VaultInventory.objects.get().compared_at is None
    aws.glacier(advance=3600)
    tend_inventory.apply()
    for removal in Removal.objects.all():
        remove_copy.apply(args=[str(removal.pk)])
    return VaultInventory.objects.get()


def test_what_a_killed_worker_left_is_removed_and_nothing_else(
    aws: StandIn, make: Callable[..., ResultFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    available, archived = make(), make(archived=True)
    orphan(available)
    orphan(archived)
    found = compared(aws, monkeypatch)
    assert set(aws.archives()) == {archived.archive_id}
    assert (found.archives, found.removed, found.strangers) == (3, 2, 0)


def test_an_archive_whose_result_is_nowhere_else_is_kept_and_staff_are_told(
    aws: StandIn, make: Callable[..., ResultFile], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the database was brought back from a backup of before the archival."""
    lost, gone, replaced = make(), make(), make(archived=True)
    deleted = orphan(other := make())
    other.job.delete()
    kept = {orphan(lost), orphan(gone), orphan(replaced)}
    clients.s3().delete_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=lost.key)
    gone.job.delete()
    DeletedJob.objects.filter(job=gone.job_id).delete()
    clients.glacier().delete_archive(vaultName=django_settings.GLACIER_VAULT, archiveId=replaced.archive_id)
    clients.glacier().upload_archive(vaultName=django_settings.GLACIER_VAULT, body=b"somebody else's")
    found = compared(aws, monkeypatch)
    assert kept <= set(aws.archives())
    assert deleted not in aws.archives()
    assert (found.removed, found.strangers) == (1, 4)
    assert kept <= set(found.strangers_ids)
    assert "4 archives that no result names" in caplog.text


def test_an_archive_that_is_just_being_stored_is_left_alone(aws: StandIn, make: Callable[..., ResultFile]) -> None:
    young = orphan(make())
    aws.glacier(advance=2 * 24 * 3600)
    tend_inventory.apply()
    aws.glacier(advance=3600)
    tend_inventory.apply()
    assert VaultInventory.objects.get().archives == 1
    assert set(aws.archives()) == {young}


def test_an_inventory_whose_output_is_gone_is_asked_for_again(aws: StandIn, make: Callable[..., ResultFile]) -> None:
    make(archived=True)
    tend_inventory.apply()
    aws.glacier(advance=3 * 24 * 3600)
    tend_inventory.apply()
    assert not VaultInventory.objects.exists()
    tend_inventory.apply()
    assert VaultInventory.objects.filter(compared_at=None).count() == 1


def test_it_is_asked_for_once_in_so_many_days(aws: StandIn, make: Callable[..., ResultFile], settings: Any) -> None:
    make(archived=True)
    tend_inventory.apply()
    VaultInventory.objects.update(compared_at=timezone.now())
    tend_inventory.apply()
    assert VaultInventory.objects.count() == 1
    VaultInventory.objects.update(asked_at=timezone.now() - timedelta(days=settings.INVENTORY_DAYS, seconds=1))
    tend_inventory.apply()
    assert VaultInventory.objects.count() == 2


def test_without_a_vault_there_is_nothing_to_ask(aws: StandIn, db: None, settings: Any) -> None:
    settings.ARCHIVE_ROUTE = "class"
    tend_inventory.apply()
    assert not VaultInventory.objects.exists()
