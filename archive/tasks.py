"""Tasks that archive results, delete archived results from S3, and remove copies that nobody needs."""

import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from gas import clock, rounds
from gas.aws import s3
from gas.aws.archive_routes import archive
from gas.celery import app
from gas.jobs.lifecycle.heartbeat import Heartbeat
from gas.jobs.models import Removal, ResultFile
from gas.jobs.moves import LostRace
from gas.jobs.states import ResultState
from gas.jobs.storage import archival, removals, stray_objects, vault_inventory
from gas.tasknames import (
    ARCHIVE_RESULT,
    ARCHIVE_USER_RESULTS,
    DELETE_HOT_COPY,
    REMOVE_COPY,
    SCAN_STORAGE,
    TEND_INVENTORY,
)

log = logging.getLogger(__name__)

#: Seconds between two rounds of the inventory, and of the scan of S3.
HOUR = 3600

RETRIES: dict[str, Any] = {
    "autoretry_for": (Exception,),
    "retry_backoff": 5,
    "retry_backoff_max": 300,
    "max_retries": 4,
}


@app.task(name=ARCHIVE_RESULT)
def archive_result(result_id: str) -> None:
    """Archive a result that is due.

    Before: AVAILABLE, due, and on a plan that archives. After: ARCHIVED with a verified archive, or AVAILABLE as before
    if the owner became premium meanwhile or an error occurred. Results in other states are left alone.
    """
    claim = archival.claim(int(result_id))
    if claim is None:
        return
    result, kept = claim.result, None
    try:
        with Heartbeat(f"result {result_id}", partial(archival.renew, claim)):
            kept = archive().store(
                source_key=result.key, archive_key=claim.archive_key, size=result.size, sha256=result.sha256
            )
        archival.stored(claim, kept)
    except LostRace:
        log.info("result %s is no longer this worker's", result_id)
    except Exception as error:
        log.exception("result %s: archiving", result_id)
        archival.give_back(claim, error, kept)


@app.task(name=DELETE_HOT_COPY, **RETRIES)
def delete_hot_copy(result_id: str) -> None:
    """Delete the archived result's copy in S3, and its tables, which hold the same data.

    Before: ARCHIVED or being restored.
    """
    rows = ResultFile.objects.filter(hot_deleted_at=None, state__in=[ResultState.ARCHIVED, ResultState.RESTORING])
    # Locked until the copy is deleted: a repair, which may make the row name this copy, runs before or after.
    with transaction.atomic():
        result = rows.select_for_update().filter(pk=int(result_id)).first()
        if result is None:
            return
        # A restored result has a new key, so even a late call deletes only the archived copy.
        s3.delete_all(settings.S3_RESULTS_BUCKET, result.hot_keys)
        ResultFile.objects.filter(pk=result.pk).update(hot_deleted_at=clock.now())


@app.task(name=REMOVE_COPY)
def remove_copy(removal_id: str) -> None:
    """Delete the copy of a Removal and then its row. After an error the row becomes due later."""
    removal = Removal.objects.filter(pk=int(removal_id)).first()
    if removal is not None:
        removals.carry_out(removal)


@app.task(name=TEND_INVENTORY)
def tend_inventory() -> None:
    """Request the vault's inventory, or compare it with the rows, when it is due."""
    if not rounds.just_taken("inventory", HOUR):
        vault_inventory.tend()


@app.task(name=SCAN_STORAGE)
def scan_storage() -> None:
    """Compare some pages of S3 with the rows, and alert staff about objects without a row."""
    if not rounds.just_taken("storage", HOUR):
        stray_objects.scan()


@app.task(name=ARCHIVE_USER_RESULTS)
def archive_user_results(user_id: str) -> None:
    """Make the results of a person on an archiving plan due, and send the person a mail about it."""
    archival.make_all_due(user_id)
