"""Copies to remove: archives, objects in S3, folders of attempts. Each has a row until it is deleted."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q

from gas import clock
from gas.aws import s3
from gas.aws.archive_routes import archive
from gas.jobs import outputs
from gas.jobs.models import DeletedJob, Job, Removal, ResultFile
from gas.jobs.queue import faults
from gas.jobs.states import ResultState
from gas.jobs.storage.other_copies import is_whole_elsewhere
from gas.staff.alerts import alert
from gas.tasknames import REMOVE_COPY, send_after_commit

log = logging.getLogger(__name__)

#: Where a copy is, in addition to the archive routes: an object, or a folder, of the results bucket.
HOT, FOLDER = "hot", "folder"
#: Failures in a row after which staff are alerted, once. The removal is still tried.
TELL_AFTER = 10
_IN_ARCHIVE = [ResultState.ARCHIVED, ResultState.RESTORING]


class OnlyCopy(Exception):
    """The copy may be the only one left of a result."""


def remove(route: str, copy_id: str, *, maker_is_gone: bool = False) -> None:
    """Have a copy removed after the commit. Call it in the transaction that makes the copy needless.

    Args:
        route: route of the archive, or HOT.
        copy_id: the archive's id, or the object's key.
        maker_is_gone: the worker that was storing the copy lost its lease and reported nothing, so the copy may exist,
            or still appear. It is removed a lease's time from now, when a call under way has arrived.
    """
    _write_down(route, copy_id, wait=settings.LEASE_SECONDS if maker_is_gone else 0)


def remove_folder(folder: str, *, maker_is_gone: bool) -> None:
    """Have the objects of an attempt removed, except those that a row names. Call it in the transaction that ends it.

    Args:
        folder: folder of the attempt, ending in "/".
        maker_is_gone: its worker lost the lease, and may not know that yet. The folder is emptied again after the
            worker's time limit, when the worker can write no more.
    """
    until = clock.now() + timedelta(seconds=settings.ANNOTATE_HARD_LIMIT_SECONDS) if maker_is_gone else None
    _write_down(FOLDER, folder, wait=settings.LEASE_SECONDS, until=until)


def carry_out(removal: Removal) -> None:
    """Delete the copy, then the row. A copy that does not exist is no error.

    When S3 or Glacier fails, the row waits, longer each time. The row also waits while the copy may be the only one of
    a result; after TELL_AFTER tries the copy is kept for good and staff are alerted. Otherwise the row is never deleted
    before the copy.
    """
    now = clock.now()
    if removal.due_at > now:
        return
    try:
        _delete(removal)
    except Exception as error:
        _try_later(removal, error)
        return
    if removal.until is not None and removal.until > now:
        # The sweep sends a message that is so far ahead.
        Removal.objects.filter(pk=removal.pk).update(due_at=removal.until, until=None, tries=0)
    else:
        removal.delete()


def _write_down(route: str, copy_id: str, *, wait: float, until: datetime | None = None) -> None:
    due = clock.now() + timedelta(seconds=wait)
    removal = Removal.objects.create(route=route, copy_id=copy_id, due_at=due, until=until)
    send_after_commit(REMOVE_COPY, removal.pk, countdown=wait + 1 if wait else 0)


def _delete(removal: Removal) -> None:
    """Delete the copy.

    Raises:
        OnlyCopy: it may be the only copy of a result, for example after a restore of the database from a backup.
    """
    if removal.route == FOLDER:
        _empty(removal.copy_id)
        return
    _refuse_only_copy(removal)
    if removal.route == HOT:
        s3.delete(settings.S3_RESULTS_BUCKET, removal.copy_id)
    else:
        archive(removal.route).delete(removal.copy_id)


def _refuse_only_copy(removal: Removal) -> None:
    """Check that the row names another copy, and that this other copy is whole. Costs two HEAD requests.

    Tables are not checked, because they can be built again. An archive in a vault is refused only if a row names it:
    the id contains no job, and only the worker that stored it, or read it back, knows the id.

    Raises:
        OnlyCopy: the copy has to stay, at least for now.
    """
    key = removal.copy_id
    if ResultFile.objects.filter(archive_id=key, state__in=_IN_ARCHIVE).exists():
        raise OnlyCopy("a result's row names it")
    is_result = removal.route != HOT or key.endswith(f"/{outputs.VCF.file_name}")
    if not key.startswith(("results/", "archive/")) or not is_result:
        return
    info = s3.head(settings.S3_RESULTS_BUCKET, key)
    if info is None:
        return
    job = _job_of(key)
    result = ResultFile.objects.filter(job=job).first()
    if result is None:
        if not DeletedJob.objects.filter(job=job).exists():
            raise OnlyCopy("its job has no result")
    elif info.size == result.size and not is_whole_elsewhere(result, key):
        raise OnlyCopy("no other copy of its result is known to be whole")


def _empty(folder: str) -> None:
    """Delete the objects in an attempt's folder, except the job's log. Deletes nothing if a result names the folder.

    No row can name the folder later: only the attempt's own lease allows that, and it has ended.

    After a restore of the database the folder may hold a whole result that was completed after the backup. In that case
    the job is, or can be, annotated again from its input, so the owner loses nothing.

    Raises:
        OnlyCopy: the folder holds a result, the job has no other, and its input is gone.
    """
    job = _job_of(folder)
    named = Q(key__startswith=folder) | Q(index_key__startswith=folder)
    if ResultFile.objects.filter(named, job=job).exists():
        log.error("the folder %s is a result's, and is kept", folder)
        return
    without_result = Job.objects.filter(pk=job, result=None).first()
    if (
        without_result is not None
        and s3.head(settings.S3_INPUTS_BUCKET, without_result.input_key) is None
        and s3.head(settings.S3_RESULTS_BUCKET, f"{folder}{outputs.VCF.file_name}") is not None
    ):
        raise OnlyCopy("it holds a result, its job has none, and the job's input is gone")
    logs = Job.objects.filter(pk=job, log_key__startswith=folder).values_list("log_key", flat=True)
    s3.delete_prefix(settings.S3_RESULTS_BUCKET, folder, keep=set(logs))


def _job_of(key: str) -> UUID:
    """Return the job of a key: results/<owner>/<job>/<attempt>/… or archive/<owner>/<job>/<attempt>."""
    return UUID(key.split("/")[2])


def _try_later(removal: Removal, error: Exception) -> None:
    tries = removal.tries + 1
    wait = faults.pause(tries, first=60)
    # The sweep sends the message.
    log.warning("%s could not be removed, try %d, again in %d s: %r", removal, tries, wait, error)
    if isinstance(error, OnlyCopy) and tries >= TELL_AFTER:
        removal.delete()
        alert(
            "Copies were kept because they may be the only ones",
            f"{removal}: {error}. Nothing removes it any more. `manage.py reconcile_storage` compares all results with "
            "S3 and Glacier.",
        )
        return
    due = clock.now() + timedelta(seconds=wait)
    Removal.objects.filter(pk=removal.pk).update(tries=F("tries") + 1, due_at=due)
    if tries == TELL_AFTER:
        alert(
            "Copies that nobody needs cannot be removed",
            f"{removal}, after {tries} tries: {str(error)[:300]}. "
            "It will be tried again; until it is removed you pay for it.",
        )
