"""Exports that are made while a person or a program waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from gas.explorer import exports
from gas.explorer.database import Database, QueryRefused
from gas.explorer.export_formats import FORMATS
from gas.jobs.file_names import download_name
from gas.jobs.models import Job

#: Exports that a web process makes at once: each takes a thread, and all need threads for pages.
AT_ONCE = 2
_making = threading.BoundedSemaphore(AT_ONCE)


class Busy(QueryRefused):
    """All places for exports are taken just now."""


@contextmanager
def _one_of_few() -> Iterator[None]:
    """Hold one of the places for exports. Raises Busy if all are taken."""
    if not _making.acquire(blocking=False):
        raise Busy("Other exports are being made. Try again in a minute.")
    try:
        yield
    finally:
        _making.release()


def make(job: Job, database: Database, text: str, kind: str) -> tuple[IO[bytes], str]:
    """Export the variants that the parameters of an address ask for, up to EXPLORER_ROWS_AT_ONCE.

    Args:
        job: whose result it is of.
        database: the result's table.
        text: the parameters, encoded: filters, order and columns.
        kind: one of FORMATS.

    Returns:
        The open file, which goes when it is closed, and the name to save it under.

    Raises:
        Busy: other exports are being made.
        TooMany, BadFilters, QueryRefused: see `exports`.
    """
    form = FORMATS[kind]
    with exports.temporary_folder() as folder, _one_of_few():
        target = Path(folder) / f"variants{Path(form.ending).suffix}"
        wanted = exports.request_of(database, job.reference, text, most=settings.EXPLORER_ROWS_AT_ONCE)
        exports.check_size(database, wanted)
        form.write(job, database, wanted, target)
        return target.open("rb"), download_name(job.name, form.ending)
