"""Rows of tables that are built after the result: for long results, and for those restored from the archive.

The flat table and the Parquet file hold the same data as the annotated VCF, so they are deleted from S3 with it. The
result is available before its tables are.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from annotator.tables import schema
from gas import clock
from gas.jobs import outputs
from gas.jobs.models import Job, ResultFile, TableBuild
from gas.jobs.outputs import Output, StoredOutput
from gas.jobs.states import ResultState
from gas.jobs.storage.removals import HOT, remove
from gas.staff.alerts import alert_after_commit
from gas.tasknames import BUILD_TABLES, send_after_commit

log = logging.getLogger(__name__)

MAX_TRIES = 3
#: Pause after a fault, multiplied by the number of tries.
PAUSE_SECONDS = 60
#: The text on the pages after the last try.
GIVEN_UP = "The tables of this result could not be made: each attempt failed."
UNREADABLE = "The table of this result cannot be opened. Our staff have been told."


def owe(result: ResultFile, *, unreadable_sha256: str = "") -> None:
    """Have the tables of a result built. Call it in a transaction.

    Args:
        result: the result.
        unreadable_sha256: SHA-256 of its Parquet file, if that could not be opened: see `made`.
    """
    fresh = {"tries": 0, "due_at": clock.now(), "unreadable_sha256": unreadable_sha256}
    TableBuild.objects.update_or_create(pk=result.pk, defaults=fresh)
    send_after_commit(BUILD_TABLES, result.pk)


def try_again(result: ResultFile) -> bool:
    """Have tables built that were given up or left out; False if there can be none. Call it in a transaction."""
    here = ResultFile.objects.select_for_update().filter(pk=result.pk, state=ResultState.AVAILABLE).first()
    if here is None or not can_have_tables(here):
        return False
    owe(here)
    _tell(here, [])
    return True


def can_have_tables(result: ResultFile) -> bool:
    """Return whether tables can be built: the result has statistics, so its annotator writes tables."""
    return result.stats_size is not None


def has_tables(result: ResultFile) -> bool:
    """Return whether the tables of the result exist."""
    return result.tsv_size is not None


def without_tables(result: ResultFile) -> dict[str, Any]:
    """Return the column values of a result without tables, for an UPDATE."""
    return result.columns_after(dict.fromkeys(outputs.rebuilt()))


def claim(result_id: int) -> ResultFile | None:
    """Claim the building of a result's tables; None if another worker does it or there is nothing to do."""
    now = clock.now()
    due = TableBuild.objects.filter(pk=result_id, due_at__lte=now, result__state=ResultState.AVAILABLE)
    if failed := due.filter(tries__gte=MAX_TRIES).select_related("result").first():
        log.error("result %s: its tables could not be made in %d tries", result_id, MAX_TRIES)
        leave_out(failed.result, GIVEN_UP)  # the explorer requests tables of results without a note
        return None
    until = now + timedelta(seconds=settings.ANNOTATE_HARD_LIMIT_SECONDS)
    if not due.update(tries=F("tries") + 1, due_at=until):
        return None
    return ResultFile.objects.filter(pk=result_id).first()


def owed(result: ResultFile) -> bool:
    """Return whether the tables of the result are still to be built."""
    return TableBuild.objects.filter(pk=result.pk).exists()


def wanted(result: ResultFile) -> bool:
    """Return whether the tables of this result, as it was claimed, are still wanted."""
    same = TableBuild.objects.filter(result__key=result.key, result__state=ResultState.AVAILABLE)
    return same.filter(pk=result.pk).exists()


def made(result: ResultFile, stored: Mapping[Output, StoredOutput]) -> None:
    """Offer the tables, which are in S3, unless the result has been archived or deleted meanwhile.

    A Parquet file with the same bytes as one that could not be opened is left out; it would be rebuilt without end.
    """
    with transaction.atomic():
        rows = ResultFile.objects.filter(pk=result.pk, key=result.key, state=ResultState.AVAILABLE)
        builds = TableBuild.objects.filter(pk=result.pk)
        if list(rows.select_for_update().values_list("pk")) and (build := builds.first()) and builds.delete()[0]:
            rows.update(parquet_version=schema.VERSION, **result.columns_after(stored))
            unreadable = build.unreadable_sha256 == stored[outputs.PARQUET].sha256
            _tell(result, [UNREADABLE] if unreadable else [])
            if unreadable:
                alert_after_commit(
                    "The table of a result cannot be opened, and was made again to the same bytes",
                    f"Result {result.pk} of job {result.job_id}. Once the cause is found, make its tables again from "
                    "the list of results in the admin.",
                )


def leave_out(result: ResultFile, sentence: str) -> None:
    """Give the result no tables. `sentence` says why on the job's page."""
    with transaction.atomic():
        rows = ResultFile.objects.filter(pk=result.pk, key=result.key, state=ResultState.AVAILABLE)
        if list(rows.select_for_update().values_list("pk")) and TableBuild.objects.filter(pk=result.pk).delete()[0]:
            _tell(result, [sentence])


def _tell(result: ResultFile, left_out: list[str]) -> None:
    job = Job.objects.select_for_update().get(pk=result.job_id)
    if job.summary.get("left_out", []) != left_out:
        job.summary["left_out"] = left_out
        job.save(update_fields=["summary"])


def offered(result: ResultFile) -> bool:
    """Return whether the row offers the tables built for this result, as it was claimed."""
    return ResultFile.objects.filter(pk=result.pk, key=result.key).exclude(tsv_size=None).exists()


def let_go(result: ResultFile) -> None:
    """Release the build after a failed attempt. The sweep sends the message for the next one a little later."""
    now = clock.now()
    TableBuild.objects.filter(pk=result.pk).update(due_at=now + timedelta(seconds=PAUSE_SECONDS))


def forget(result: ResultFile) -> None:
    """Cancel the build of a result's tables, in the transaction that archives the result.

    A worker may be building them, and die before it is done: its objects are removed in any case.
    """
    if TableBuild.objects.filter(pk=result.pk).delete()[0]:
        for key in result.rebuilt_keys:
            remove(HOT, key, maker_is_gone=True)
