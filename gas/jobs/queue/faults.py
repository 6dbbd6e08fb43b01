"""Internal errors and those of AWS: which they are, how long to wait after one, and when staff are alerted.

Such a fault says nothing about anybody's file. The work waits, seconds at first and up to LONGEST_PAUSE later, and is
tried again for as long as the trouble lasts. Two kinds may be the job's own doing, and end the job after many in a row:
see `LIMITS`.
"""

import errno
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError

from annotator.errors import EngineError
from gas.aws.clients import AWSError
from gas.aws.s3 import CopyDiffers, NotDeleted
from gas.staff.alerts import alert_after_commit

#: Seconds; each pause is twice the one before. The longest is also the longest delay that SQS holds.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 900.0
#: With less space than this, in bytes, a program that failed is taken to have failed for lack of it.
DISK_FULL_BYTES = 16 * 1024**2

#: Kinds of faults that a job may cause by itself: it does not fit on the disk, or its input in S3 is damaged.
NO_SPACE, DAMAGED_INPUT = "no-space", "damaged-input"
#: How many faults of one kind in a row end a job. Those for lack of space take an hour and a half, as another job may
#: fill the disk; with the pauses between, 5 damaged downloads take two and a half minutes.
LIMITS = {NO_SPACE: 12, DAMAGED_INPUT: 5}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
#: The machine's: no space, no handles, a broken or read-only disk.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
#: Reference packs and sources that are missing, damaged or cannot be brought; and a broken installation.
_OF_THE_INSTALLATION = {"no-reference", "bad-reference", "no-source", "bad-source", "no-folder", "no-pysam"}


class DamagedInput(Exception):
    """What came of a job's input is not what its owner uploaded."""


def is_ours(error: BaseException | None, folder: Path | None = None) -> bool:
    """Return whether an error, or its cause, is an internal one or one of AWS, independent of the file.

    Args:
        error: what ended the attempt.
        folder: where the attempt wrote its files; a tool that failed on a full disk failed for that.
    """
    for cause in _causes(error):
        if isinstance(cause, (*AWSError, DatabaseError, CopyDiffers, NotDeleted, DamagedInput)):
            return True
        if isinstance(cause, OSError) and cause.errno in _OF_THE_MACHINE:
            return True
        if isinstance(cause, EngineError):
            if cause.code in _OF_THE_INSTALLATION or cause.code.startswith(("reference-", "source-", "no-process")):
                return True
            if _is_full(folder):
                return True
    return False


def kind_of(error: BaseException, folder: Path) -> str:
    """Return which of `LIMITS` an internal error counts for; "" if no job can cause it by itself.

    Args:
        error: the internal error that ended the attempt.
        folder: where the attempt wrote its files.
    """
    for cause in _causes(error):
        if isinstance(cause, DamagedInput):
            return DAMAGED_INPUT
        if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
            return NO_SPACE
    return NO_SPACE if isinstance(error, EngineError) and _is_full(folder) else ""


def check_space(folder: Path, bytes_needed: int) -> None:
    """Check that a folder has room for `bytes_needed` bytes, and a little more, before they are written.

    Raises:
        OSError: there is not enough space.
    """
    free = shutil.disk_usage(folder).free
    if free < bytes_needed + DISK_FULL_BYTES:
        raise OSError(errno.ENOSPC, f"{bytes_needed} bytes do not fit into {free} free ones", str(folder))


def _is_full(folder: Path | None) -> bool:
    return folder is not None and shutil.disk_usage(folder).free < DISK_FULL_BYTES


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def damages_after(damages: int, error: BaseException) -> int:
    """Return how often in a row a copy was not what it should be, after an attempt that ended with an error."""
    return damages + 1 if isinstance(error, CopyDiffers) else 0


def pause(faults: int, first: float = FIRST_PAUSE) -> float:
    """Return for how many seconds to wait after `faults` faults in a row, at least one: `first`, doubled each time."""
    return min(first * 2.0 ** min(faults - 1, 20), LONGEST_PAUSE)


def tell(what: str, faults: int, reason: str) -> None:
    """Within a transaction: alert staff of the first fault in a row, and again every FAULT_ALERT_SECONDS.

    Args:
        what: what cannot be done, the same words for all rows, so that one mail covers all of them.
        faults: how many there were in a row.
        reason: which row, and the error.
    """
    every = max(1, math.ceil(settings.FAULT_ALERT_SECONDS / LONGEST_PAUSE))
    if faults == 1 or faults % every == 0:
        alert_after_commit(
            f"{what} because of trouble on our side",
            f"{reason[:500]}\n\nIt is tried again by itself, with pauses of up to {LONGEST_PAUSE / 60:.0f} minutes, "
            "for as long as it takes. This was fault "
            f"number {faults} in a row.",
        )
