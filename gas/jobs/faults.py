"""Faults of ours and of AWS: which errors they are, how long to wait after one, and when staff hear of them.

Such a fault says nothing about anybody's file. The work waits, seconds at first and up to LONGEST_PAUSE later, and is
tried again for as long as the trouble lasts.
"""

import errno
import math
import shutil
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError

from annotator.errors import EngineError
from gas.alerts import alert_after_commit
from gas.aws.clients import AWSError
from gas.aws.s3 import CopyDiffers, NotDeleted

#: Seconds; each pause is twice the one before. The longest is also the longest delay that SQS holds.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 900.0
#: With less space than this, in bytes, a program that failed is taken to have failed for lack of it.
DISK_FULL_BYTES = 16 * 1024**2

#: The machine's: no space, no handles, a broken or read-only disk.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
#: Reference packs and sources that are missing, damaged or cannot be brought; and a broken installation.
_OF_THE_INSTALLATION = {"no-reference", "bad-reference", "no-source", "bad-source", "no-folder", "no-pysam"}


def is_ours(error: BaseException | None, folder: Path | None = None) -> bool:
    """Return whether an error, or what caused it, is a fault of ours or of AWS, whatever the file.

    Args:
        error: what ended the attempt.
        folder: where the attempt wrote its files; a tool that failed on a full disk failed for that.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, (*AWSError, DatabaseError, CopyDiffers, NotDeleted)):
            return True
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            return True
        if isinstance(error, EngineError):
            if error.code in _OF_THE_INSTALLATION or error.code.startswith(("reference-", "source-", "no-process")):
                return True
            if folder is not None and shutil.disk_usage(folder).free < DISK_FULL_BYTES:
                return True
        error = error.__cause__
    return False


def pause(faults: int, first: float = FIRST_PAUSE) -> float:
    """Return for how many seconds to wait after `faults` faults in a row, at least one: `first`, doubled each time."""
    return min(first * 2.0 ** min(faults - 1, 20), LONGEST_PAUSE)


def tell(what: str, faults: int, reason: str) -> None:
    """Within a transaction: alert staff of the first fault in a row, and again every FAULT_ALERT_SECONDS.

    Args:
        what: what cannot be done, the same words for all rows, so that one mail speaks of all of them.
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
