"""Compare rows with the contents of S3 and Glacier, for example after a restore of the database.

Certain differences can be repaired: the result's bytes are found under a key of our own naming, with the right size and
SHA-256. Other differences are listed for people to decide. Nothing in S3 or Glacier is deleted or written here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from gas import clock
from gas.aws import glacier_class, inventory, s3
from gas.aws.archives import NotReady, RetrievalExpired
from gas.aws.inventory import InventoryItem
from gas.jobs import outputs
from gas.jobs.models import Job, Removal, RestoreBatch, ResultFile, VaultInventory
from gas.jobs.moves import move_result
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import tables
from gas.jobs.storage.archival import NO_LEASE, make_due
from gas.jobs.storage.restoration import NO_RETRIEVAL, NOT_ARCHIVED, unheld
from gas.jobs.storage.vault_inventory import DESCRIPTION
from gas.users.locks import lock_owner

PAGE = 1000
#: How much older than its request the contents of a vault's inventory may be.
INVENTORY_AGE = timedelta(days=2)


@dataclass(frozen=True)
class Copy:
    """A verified copy of a result. `route` is "" for an object of the results bucket, which can be read at once."""

    route: str
    name: str
    tree_hash: str = ""


@dataclass(frozen=True)
class Finding:
    """A result that is not where its row says. `copy` is where its bytes certainly are; None if they were not found."""

    result: ResultFile
    problem: str
    copy: Copy | None


@dataclass
class Vault:
    """The contents of the vault's last readable inventory.

    Attributes:
        taken_at: archives made after this time may not be listed. None if there is no readable inventory.
        listed: primary keys of results whose archive is listed.
        others: (job, SHA-256, size) → archives that no row names.
    """

    taken_at: datetime | None = None
    listed: set[int] = field(default_factory=set)
    others: Mapping[tuple[UUID, str, int], list[InventoryItem]] = field(default_factory=dict)


def read_vault() -> Vault:
    """Read the newest inventory of the vault whose output is still readable; if there is none, request one.

    Memory grows by one number for each result in the vault, and by the archives that no row names.
    """
    for taken in VaultInventory.objects.order_by("-pk")[:3]:
        try:
            return _compare(inventory.read(taken.job_id), taken.asked_at)
        except RetrievalExpired:
            continue
        except NotReady:
            return Vault()
    VaultInventory.objects.create(job_id=inventory.ask(), report_only=True)
    return Vault()


def uses_vault() -> bool:
    """Return whether any result is archived in the vault, or will be."""
    return settings.ARCHIVE_ROUTE == "vault" or ResultFile.objects.filter(archive_route="vault").exists()


def findings(vault: Vault) -> Iterator[Finding]:
    """Compare every result without a worker with S3 and Glacier.

    Costs one HEAD request per result, and more for results that are not where they should be.
    """
    last = 0
    while True:
        idle = ResultFile.objects.filter(unheld(clock.now()), pk__gt=last).exclude(state=ResultState.DELETED)
        page = list(idle.select_related("job").order_by("pk")[:PAGE])
        if not page:
            return
        for result in page:
            if finding := look(result, vault):
                yield finding
        last = page[-1].pk


def uncommitted_results() -> Iterator[tuple[Job, str]]:
    """Return running jobs without a live worker whose attempt has a result in S3, with that result's key.

    After a restore of the database such a job may have been completed after the backup. Costs a HEAD for each.
    """
    for job in Job.objects.filter(status=JobStatus.RUNNING, lease_expires_at__lt=clock.now()).order_by("pk"):
        if job.lease_token is None:
            continue
        key = f"{job.attempt_folder(job.lease_token)}{outputs.VCF.file_name}"
        if s3.head(settings.S3_RESULTS_BUCKET, key) is not None:
            yield job, key


def look(result: ResultFile, vault: Vault) -> Finding | None:
    """Compare one result; None if it is where its row says, or if this cannot be checked."""
    if result.state in {ResultState.AVAILABLE, ResultState.ARCHIVING}:
        info = s3.head(settings.S3_RESULTS_BUCKET, result.key)
        if info is not None and info.size == result.size:
            return None
        problem = "is not in S3" if info is None else f"has {info.size} bytes in S3, not {result.size}"
        return Finding(result, problem, _hot_copy(result) or _archived_copy(result, vault))
    if _archive_is_there(result, vault):
        return None
    return Finding(result, "is not in the archive", _hot_copy(result) or _archived_copy(result, vault))


def repair(finding: Finding) -> bool:
    """Make the row name the copy that was found. Returns False if the row has changed or nothing was found."""
    copy = finding.copy
    if copy is None:
        return False
    with transaction.atomic():
        owner = lock_owner(pk=finding.result.job.owner_id)
        same = ResultFile.objects.filter(
            unheld(clock.now()), pk=finding.result.pk, state=finding.result.state, key=finding.result.key
        ).filter(archive_id=finding.result.archive_id)
        result = same.select_for_update(of=("self",)).select_related("job").first()
        if owner is None or result is None or _is_going(copy) or not _is_there(copy, result):
            return False
        if copy.route:
            _say_archived(result, copy)
        else:
            _say_available(result, copy)
            make_due(result, owner)
    return True


def _is_going(copy: Copy) -> bool:
    """Return whether the copy is about to be removed, alone or with its folder."""
    folder = copy.name.rpartition("/")[0] + "/"
    return Removal.objects.filter(copy_id__in=[copy.name, folder]).exists()


def _is_there(copy: Copy, result: ResultFile) -> bool:
    """Return whether S3 still has the copy, with the result's size. A copy in a vault is assumed to exist."""
    if copy.route == "vault":
        return True
    info = s3.head(settings.S3_RESULTS_BUCKET, copy.name)
    return info is not None and info.size == result.size


def _say_archived(result: ResultFile, copy: Copy) -> None:
    facts: dict[str, Any] = {
        "archive_route": copy.route,
        "archive_id": copy.name,
        "archive_tree_hash": copy.tree_hash,
        "archived_at": clock.now(),
        "archive_due_at": None,
        "problem": "",
        "faults": 0,
        "damages": 0,
        **NO_LEASE,
    }
    message = "Found in the archive when storage was compared with the database."
    if result.state in {ResultState.ARCHIVED, ResultState.RESTORING}:
        if result.state == ResultState.RESTORING:
            move_result(result, ResultState.ARCHIVED, message)
        ResultFile.objects.filter(pk=result.pk).update(**facts, **NO_RETRIEVAL)
        result.job.events.create(message=message)
        return
    if result.state == ResultState.AVAILABLE:
        move_result(result, ResultState.ARCHIVING, message)
    move_result(result, ResultState.ARCHIVED, message, hot_deleted_at=clock.now(), **facts)
    tables.forget(result)


def _say_available(result: ResultFile, copy: Copy) -> None:
    message = "Found in S3 when storage was compared with the database."
    facts: dict[str, Any] = {"key": copy.name, "problem": "", "faults": 0, "damages": 0, **NO_LEASE}
    if result.state in {ResultState.AVAILABLE, ResultState.ARCHIVING}:
        if result.state == ResultState.ARCHIVING:
            move_result(result, ResultState.AVAILABLE, message)
        # Tables are next to the copy under the old key; there may be none next to this one.
        ResultFile.objects.filter(pk=result.pk).update(**tables.without_tables(result), **facts)
        result.job.events.create(message=message)
        result.key = copy.name
        if tables.can_have_tables(result):
            tables.owe(result)
        return
    if result.state == ResultState.ARCHIVED:
        move_result(result, ResultState.RESTORING, message)
    else:
        RestoreBatch.objects.filter(results=result, finished_at=None).update(restored=F("restored") + 1)
    changes = {**tables.without_tables(result), **NOT_ARCHIVED, **facts}
    move_result(result, ResultState.AVAILABLE, message, **changes)
    if tables.can_have_tables(result):
        tables.owe(result)


def _hot_copy(result: ResultFile) -> Copy | None:
    """Return an object of the job in S3 with the result's bytes (which are read) that is not about to be removed."""
    bucket = settings.S3_RESULTS_BUCKET
    for item in s3.list_all(bucket, result.job.result_prefix):
        if not item.key.endswith(f"/{outputs.VCF.file_name}") or item.size != result.size:
            continue
        copy = Copy("", item.key)
        if _is_going(copy):
            continue
        with suppress(s3.ObjectMissing):
            if s3.read_sha256(bucket, item.key) == result.sha256:
                return copy
    return None


def _archived_copy(result: ResultFile, vault: Vault) -> Copy | None:
    """Return an archive with the result's size and SHA-256, by either route, that is not about to be removed."""
    bucket, prefix = settings.S3_RESULTS_BUCKET, f"{glacier_class.PREFIX}{result.job.owner_id}/{result.job_id}/"
    for item in s3.list_all(bucket, prefix):
        if item.size != result.size or Removal.objects.filter(copy_id=item.key).exists():
            continue
        if s3.recorded_sha256(bucket, item.key) == result.sha256:
            return Copy("class", item.key)
    for archived in vault.others.get((result.job_id, result.sha256, result.size), []):
        if not Removal.objects.filter(copy_id=archived.archive_id).exists():
            return Copy("vault", archived.archive_id, archived.tree_hash)
    return None


def _archive_is_there(result: ResultFile, vault: Vault) -> bool:
    """Return whether the archive that the row names exists, or may exist as far as can be checked."""
    if not result.archive_id:
        return False
    if result.archive_route == "class":
        info = s3.head(settings.S3_RESULTS_BUCKET, result.archive_id)
        return info is not None and info.size == result.size
    if vault.taken_at is None:
        return not result.problem  # given up: Glacier itself reported that it does not exist
    young = result.archived_at is None or result.archived_at > vault.taken_at
    return result.pk in vault.listed or (young and not result.problem)


def _compare(items: Iterator[InventoryItem], asked_at: datetime) -> Vault:
    listed: set[int] = set()
    others: dict[tuple[UUID, str, int], list[InventoryItem]] = defaultdict(list)
    page: list[InventoryItem] = []

    def take() -> None:
        ids = [item.archive_id for item in page]
        rows = dict(ResultFile.objects.filter(archive_id__in=ids).values_list("archive_id", "pk"))
        listed.update(rows.values())
        for item in page:
            described = DESCRIPTION.fullmatch(item.description)
            if item.archive_id not in rows and described:
                others[UUID(described["job"]), described["sha256"], item.size].append(item)
        page.clear()

    for item in items:
        page.append(item)
        if len(page) == PAGE:
            take()
    take()
    return Vault(asked_at - INVENTORY_AGE, listed, others)
