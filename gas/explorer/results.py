"""From a job to its open file, or to the sentence that says why there is none just now."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import transaction

from annotator.tables.schema import VERSION
from gas.aws import s3
from gas.explorer import conversion, files
from gas.explorer.database import Database, NotReadable, opened
from gas.jobs.models import Job, ResultFile
from gas.jobs.outputs import PARQUET
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import tables


class Reason(StrEnum):
    """Why a result cannot be explored just now."""

    NOT_DONE = "not-done"
    ARCHIVED = "archived"
    RESTORING = "restoring"
    BEING_MADE = "being-made"
    BEING_OPENED = "being-opened"
    LEFT_OUT = "left-out"
    DELETED = "deleted"
    NO_ROOM = "no-room"
    DAMAGED = "damaged"


SENTENCES = {
    Reason.NOT_DONE: "This job has no result to explore.",
    Reason.ARCHIVED: "This result is archived. Its variants can be explored again once it is restored.",
    Reason.RESTORING: "This result is on its way back from the archive. Its variants can be explored once it is here.",
    Reason.BEING_MADE: "The table of this result is being made. This takes a minute for a large result.",
    Reason.BEING_OPENED: "This result is being opened. The first time takes up to a minute for a large result.",
    Reason.LEFT_OUT: "This result has no table to explore.",
    Reason.DELETED: "This result is no longer in storage.",
    Reason.NO_ROOM: "The server has no room for this result's table just now. Try it again in a few minutes.",
    Reason.DAMAGED: "The annotated VCF in storage is damaged, so it is not sent.",
}
#: Of results without the statistics: see tables.can_have_tables.
TOO_OLD = "This result is too old to have a table to explore. Annotate the file again to explore its variants."

#: Reasons that pass by themselves.
PASSING = frozenset({Reason.RESTORING, Reason.BEING_MADE, Reason.BEING_OPENED, Reason.NO_ROOM})

log = logging.getLogger(__name__)


class Unavailable(Exception):
    """The result cannot be explored just now. Its text is a sentence for people."""

    def __init__(self, reason: Reason, sentence: str = "") -> None:
        super().__init__(sentence or SENTENCES[reason])
        self.reason = reason


def check(job: Job) -> ResultFile:
    """Return the job's result, whose table can be opened. One that is too old is made again. Raises Unavailable."""
    result = ResultFile.objects.filter(job=job).first()
    if result is None or job.status != JobStatus.COMPLETED:
        raise Unavailable(Reason.NOT_DONE)
    if result.state == ResultState.RESTORING:
        raise Unavailable(Reason.RESTORING)
    if result.state == ResultState.ARCHIVED:
        raise Unavailable(Reason.ARCHIVED)
    if result.state == ResultState.DELETED:
        raise Unavailable(Reason.DELETED)
    if tables.owed(result):
        raise Unavailable(Reason.BEING_MADE)
    if left_out := job.summary.get("left_out"):
        raise Unavailable(Reason.LEFT_OUT, left_out[0])
    if result.parquet_size is None or result.parquet_version < VERSION:
        _make_again(result)
    return result


def _make_again(result: ResultFile, *, unreadable: bool = False) -> None:
    """Have the tables made, unless they cannot be, the result is being archived, or they are new since it was read.

    Args:
        result: as the caller has read it.
        unreadable: its Parquet file could not be opened.

    Raises:
        Unavailable: in any case.
    """
    if not tables.can_have_tables(result):
        raise Unavailable(Reason.LEFT_OUT, TOO_OLD)
    with transaction.atomic():
        same = {"parquet_sha256": result.parquet_sha256, "parquet_version": result.parquet_version}
        here = ResultFile.objects.select_for_update().filter(pk=result.pk, state=ResultState.AVAILABLE, **same)
        if here.exists() and not tables.owed(result):
            tables.owe(result, unreadable_sha256=result.parquet_sha256 if unreadable else "")
    raise Unavailable(Reason.BEING_MADE if result.state == ResultState.AVAILABLE else Reason.ARCHIVED)


@contextmanager
def open_result(job: Job, patience: float | None = conversion.PATIENCE) -> Iterator[Database]:
    """Open a job's table for questions. That the person may see the job is the caller's to check.

    Args:
        patience: seconds to wait where the table was not opened on this machine before; None for as long as it takes.

    Raises:
        Unavailable: there is nothing to ask just now; its text says why.
    """
    result = check(job)
    file = _local(result)
    try:
        with opened(file, _rows(file, patience)) as database:
            _check_version(database)
            yield database
    except NotReadable:
        _make_again(result, unreadable=True)
        raise


def _rows(file: files.LocalFile, patience: float | None) -> files.LocalFile:
    """Return the file of rows. Closes `file` if there is none."""
    try:
        return conversion.rows_of(file, patience)
    except conversion.StillBeingMade:
        file.close()
        raise Unavailable(Reason.BEING_OPENED) from None
    except files.NoRoom as error:
        file.close()
        raise Unavailable(Reason.NO_ROOM) from error
    except Exception:
        file.close()
        raise


def _check_version(database: Database) -> None:
    if database.metadata.version < VERSION:
        raise NotReadable(f"{database.file.path.name} is of version {database.metadata.version}")


def _local(result: ResultFile) -> files.LocalFile:
    try:
        return files.fetch(
            settings.S3_RESULTS_BUCKET,
            result.key_of(PARQUET),
            sha256=result.parquet_sha256,
            size=result.parquet_size or 0,
            ending=".parquet",
        )
    except (s3.CopyDiffers, s3.ObjectMissing):
        current = ResultFile.objects.filter(pk=result.pk).first()
        if current is None or current.state != ResultState.AVAILABLE:
            raise Unavailable(Reason.ARCHIVED if current else Reason.DELETED) from None
        if current.parquet_sha256 != result.parquet_sha256:  # renewed after `result` was read: the page asks again
            raise Unavailable(Reason.BEING_MADE) from None
        _make_again(current)
        raise
    except files.NoRoom as error:
        raise Unavailable(Reason.NO_ROOM) from error


@contextmanager
def open_vcf(job: Job) -> Iterator[Path]:
    """Bring a job's annotated VCF here, for exports. Raises Unavailable."""
    result = check(job)
    try:
        file = files.fetch(
            settings.S3_RESULTS_BUCKET, result.key, sha256=result.sha256, size=result.size, ending=".vcf.gz"
        )
    except s3.ObjectMissing:
        raise Unavailable(Reason.ARCHIVED) from None
    except s3.CopyDiffers as error:
        log.error("result %s: %s", result.pk, error)
        raise Unavailable(Reason.DAMAGED) from error
    except files.NoRoom as error:
        raise Unavailable(Reason.NO_ROOM) from error
    try:
        yield file.path
    finally:
        file.close()
