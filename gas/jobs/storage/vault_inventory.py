"""Find archives that no row names in the vault's own inventory.

Only the vault's answer contains an archive's id: a worker that is killed before its commit leaves an archive that no
row names. It is removed once its result is known to be whole elsewhere, or its job to be deleted. Other unknown
archives are left alone, and staff are alerted: after the database was restored from a backup, they may be the only
copies.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db import transaction

from gas import clock
from gas.aws import inventory
from gas.aws.archives import NotReady, RetrievalExpired
from gas.aws.inventory import InventoryItem
from gas.jobs.models import DeletedJob, Removal, ResultFile, VaultInventory
from gas.jobs.states import ResultState
from gas.jobs.storage.other_copies import is_whole_elsewhere
from gas.jobs.storage.removals import remove
from gas.staff.alerts import alert

PAGE = 1000
#: A younger archive may belong to a row that is about to be written.
YOUNG = timedelta(days=1)
#: The description of an archive, as `gas.aws.glacier_vault` stores it.
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DESCRIPTION = re.compile(rf"{_UUID}/(?P<job>{_UUID})/{_UUID} sha256=(?P<sha256>[0-9a-f]{{64}})")
STRANGERS_SHOWN = 1000


def tend() -> VaultInventory | None:
    """Request an inventory when one is due, and compare it when it is readable. Returns the compared inventory."""
    if not settings.INVENTORY_DAYS or not _uses_the_vault():
        return None
    latest = VaultInventory.objects.filter(report_only=False).order_by("-asked_at").first()
    if latest is not None and latest.compared_at is None:
        try:
            compare(latest)
        except NotReady:
            return None
        except RetrievalExpired:
            latest.delete()
            return None
        return latest
    if latest is None or latest.asked_at < clock.now() - timedelta(days=settings.INVENTORY_DAYS):
        VaultInventory.objects.create(job_id=inventory.ask())
    return None


def compare(taken: VaultInventory) -> None:
    """Remove archives that nobody needs, and record what was found.

    Memory does not grow with the vault, only with its unknown archives.
    """
    archives, removed, strangers, twins = 0, 0, [], {}
    items = inventory.read(taken.job_id)
    while page := list(islice(items, PAGE)):
        archives += len(page)
        for item in _unknown(page):
            fate = _fate(item)
            if isinstance(fate, ResultFile):
                twins[item.archive_id] = fate
            elif fate:
                removed += _remove(item.archive_id)
            else:
                strangers.append(item.archive_id)
    if twins:
        wanted = {result.archive_id for result in twins.values()}
        listed = {item.archive_id for item in inventory.read(taken.job_id) if item.archive_id in wanted}
        for archive_id, result in twins.items():
            if result.archive_id in listed:
                removed += _remove(archive_id)
            else:
                strangers.append(archive_id)
    if strangers:
        alert(
            f"the vault has {len(strangers)} archives that no result names",
            "They were kept. The vault's inventory, in the admin, lists them.",
        )
    taken.archives, taken.removed, taken.strangers = archives, removed, len(strangers)
    taken.strangers_ids = strangers[:STRANGERS_SHOWN]
    taken.compared_at = clock.now()
    taken.save()


def _uses_the_vault() -> bool:
    return settings.ARCHIVE_ROUTE == "vault" or ResultFile.objects.filter(archive_route="vault").exists()


def _unknown(page: list[InventoryItem]) -> Iterator[InventoryItem]:
    """Return the archives that are not young, that no result names, and that are not about to be removed."""
    ids = [item.archive_id for item in page]
    known = set(ResultFile.objects.filter(archive_id__in=ids).values_list("archive_id", flat=True))
    known |= set(Removal.objects.filter(copy_id__in=ids).values_list("copy_id", flat=True))
    before = clock.now() - YOUNG
    return (item for item in page if item.archive_id not in known and item.created_at < before)


def _fate(item: InventoryItem) -> ResultFile | bool:
    """Return whether to remove an archive, by its description; or the result, if its vault archive is to be checked."""
    found = DESCRIPTION.fullmatch(item.description)
    if found is None:
        return False
    job = UUID(found["job"])
    result = ResultFile.objects.filter(job=job, sha256=found["sha256"], size=item.size).first()
    if result is None:
        return DeletedJob.objects.filter(job=job).exists()
    if result.state in {ResultState.ARCHIVED, ResultState.RESTORING} and result.archive_route == "vault":
        return result
    return is_whole_elsewhere(result)


def _remove(archive_id: str) -> int:
    with transaction.atomic():
        remove("vault", archive_id)
    return 1
