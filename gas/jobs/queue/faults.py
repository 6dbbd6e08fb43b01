"""Internal and AWS errors: recognize them, choose the pause after one, and decide when staff are alerted.

Such a fault is independent of the file. The job waits, seconds at first and up to LONGEST_PAUSE later, and is tried
again until the fault is gone. Two kinds of faults may be caused by the job itself, and end it after several in a row:
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
#: With fewer free bytes than this, the failure of a program is attributed to the full disk.
DISK_FULL_BYTES = 16 * 1024**2

#: Kinds of faults that a job may cause itself: it does not fit on the disk, or its input in S3 is damaged.
NO_SPACE, DAMAGED_INPUT = "no-space", "damaged-input"
#: How many faults of one kind in a row end a job. With the pauses, 12 faults for lack of space take an hour and a half
#: (another job may fill the disk), and 5 damaged downloads take two and a half minutes.
LIMITS = {NO_SPACE: 12, DAMAGED_INPUT: 5}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
#: Faults of the machine: no space, no file handles, a broken or read-only disk.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
#: Faults of the installation: reference packs and sources that are missing, damaged or cannot be fetched.
_OF_THE_INSTALLATION = {"no-reference", "bad-reference", "no-source", "bad-source", "no-folder", "no-pysam"}


class DamagedInput(Exception):
    """The downloaded input differs from the uploaded file."""


def is_ours(error: BaseException | None, folder: Path | None = None) -> bool:
    """Return whether an error, or its cause, is an internal or AWS error, independent of the file.

    Args:
        error: the error that ended the attempt.
        folder: where the attempt wrote its files. If its disk is full, a failed tool counts as an internal error.
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
    """Yield the error, its cause, the cause of that, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def damages_after(damages: int, error: BaseException) -> int:
    """Return how many attempts in a row ended with a wrong copy, after an attempt that ended with `error`."""
    return damages + 1 if isinstance(error, CopyDiffers) else 0


def pause(faults: int, first: float = FIRST_PAUSE) -> float:
    """Return the seconds to wait after `faults` faults in a row, at least one: `first`, doubled for each more."""
    return min(first * 2.0 ** min(faults - 1, 20), LONGEST_PAUSE)


def tell(what: str, faults: int, reason: str) -> None:
    """Alert staff of the first fault in a row, and again every FAULT_ALERT_SECONDS. Call it in a transaction.

    Args:
        what: what cannot be done; the same text for all rows, so that one mail covers all of them.
        faults: number of faults in a row.
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
