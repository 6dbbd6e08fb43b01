"""One attempt of a worker at a large export: the rows to a file on disk, and the file to S3."""

import logging
import time
import uuid
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import transaction

from gas.aws import s3
from gas.explorer import exports, large_exports
from gas.explorer.database import QueryRefused, close_all
from gas.explorer.export_formats import FORMATS
from gas.explorer.large_exports import LostLease, attempt_key
from gas.explorer.models import VariantExport
from gas.explorer.results import PASSING, Unavailable, open_result
from gas.jobs.lifecycle.heartbeat import Heartbeat
from gas.jobs.queue import faults
from gas.jobs.storage.removals import HOT, remove

log = logging.getLogger(__name__)

#: What the task needs to bring the table and to store the file.
MARGIN_SECONDS = 120
#: Between two notes of the progress, in seconds.
PACE = 1.0


class _Attempt:
    """An export in work: how far it is, and whether it is still this worker's."""

    def __init__(self, export: VariantExport) -> None:
        self.export, self._rows, self._noted_at = export, 0, time.monotonic()
        self.heartbeat = Heartbeat(str(export), self._renew)

    def _renew(self) -> bool:
        return large_exports.renew(self.export, self._rows)

    def progress(self, rows: int) -> None:
        """Note how many rows are written, once a second at most. Raises LostLease."""
        self._rows = rows
        if time.monotonic() - self._noted_at >= PACE:
            self._noted_at = time.monotonic()
            if not self._renew():
                raise LostLease(self.export.pk)
        if self.heartbeat.lost():
            raise LostLease(self.export.pk)


def build(export_id: uuid.UUID) -> None:
    """Make the file of an export that waits. What the attempt has put into S3 goes if no row offers it in the end."""
    export = large_exports.claim(export_id)
    if export is None:
        return
    attempt = _Attempt(export)
    try:
        with attempt.heartbeat:
            _make(attempt)
    except LostLease:
        log.info("%s is another worker's by now, or removed", export)
    except Exception as error:
        with suppress(LostLease):
            _end(export, error)
    finally:
        close_all()  # a worker seldom needs a table twice
    # Asked of the row, since of the last commit only the answer may have been lost.
    if not VariantExport.objects.filter(pk=export.pk, key=attempt_key(export)).exists():
        with transaction.atomic():
            remove(HOT, attempt_key(export))


def _make(attempt: _Attempt) -> None:
    export = attempt.export
    form = FORMATS[export.format]
    with exports.temporary_folder() as folder, open_result(export.job, patience=None) as database:
        wanted = exports.request_of(
            database,
            export.job.reference,
            export.query,
            most=form.most,
            seconds=max(1, settings.ANNOTATE_SOFT_LIMIT_SECONDS - MARGIN_SECONDS),
            progress=attempt.progress,
        )
        target = Path(folder) / f"variants{form.stored_ending}"
        rows = form.write(export.job, database, wanted, target)
        attempt.progress(rows)
        sha256 = s3.upload(target, settings.S3_RESULTS_BUCKET, attempt_key(export))
        large_exports.complete(export, rows=rows, size=target.stat().st_size, sha256=sha256)


def _end(export: VariantExport, error: Exception) -> None:
    """End an attempt with an error: for good if another attempt would end the same way. Raises LostLease."""
    passing = isinstance(error, Unavailable) and error.reason in PASSING
    if isinstance(error, exports.TooMany | exports.BadFilters | QueryRefused | Unavailable) and not passing:
        large_exports.fail(export, str(error))
    elif passing:
        large_exports.wait(export)
    else:
        log.error("%s, try %d", export, export.tries, exc_info=error)
        large_exports.put_off(export, ours=faults.is_ours(error), reason=repr(error))
