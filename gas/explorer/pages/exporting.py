"""Downloads of exactly the variants that an address asks for, with the chosen columns."""

import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from gas.explorer import exports
from gas.explorer.database import Database, QueryRefused
from gas.explorer.filters import State
from gas.explorer.pages.access import explored
from gas.explorer.pages.context import IDENTITY, Asked
from gas.explorer.results import open_vcf
from gas.jobs.file_names import download_name
from gas.jobs.models import Job
from gas.users.requests import PersonRequest

#: How the names of exports end, by kind.
ENDINGS = {
    "tsv": ".variants.tsv",
    "xlsx": ".variants.xlsx",
    "vcf": ".variants.vcf.zip",
    "parquet": ".variants.parquet",
}


#: Exports that a web process makes at once: each takes a thread, and all need threads for pages.
AT_ONCE = 2
_making = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def _one_of_few() -> Iterator[None]:
    """Hold one of the places for exports. Raises QueryRefused if all are taken."""
    if not _making.acquire(blocking=False):
        raise QueryRefused("Other exports are being made. Try again in a minute.")
    try:
        yield
    finally:
        _making.release()


@require_GET
@explored
def export(request: PersonRequest, job: Job, database: Database, kind: str) -> HttpResponse | FileResponse:
    """Send the variants that the address asks for; up to 50,000. More is refused with a sentence."""
    asked = Asked.of(request, job, database)
    if kind not in ENDINGS:
        raise Http404
    if asked.state is None:
        return redirect(str(asked.address))
    with exports.temporary_folder() as folder:
        target = Path(folder) / f"variants{Path(ENDINGS[kind]).suffix}"
        try:
            with _one_of_few():
                wanted = what(job, database, asked, asked.state)
                exports.check_size(database, wanted)
                _WRITERS[kind](job, database, wanted, target)
        except (exports.TooMany, QueryRefused) as refused:
            messages.error(request, f"{refused} Narrow the filters, or download the whole result from the job's page.")
            return redirect(str(asked.address))
        # The open file outlives its folder.
        name = download_name(job.name, ENDINGS[kind])
        return FileResponse(target.open("rb"), as_attachment=True, filename=name)


def what(job: Job, database: Database, asked: Asked, state: State) -> exports.Request:
    """Return what to export: what names a variant first, then the columns of the table."""
    columns = [*(database.columns.get(name) for name in IDENTITY), *asked.columns]
    return exports.Request(state, columns, asked.order, exports.citation(job.reference, state))


def _tsv(job: Job, database: Database, wanted: exports.Request, target: Path) -> None:
    with target.open("wb") as file:
        file.writelines(exports.tsv(database, wanted))


def _xlsx(job: Job, database: Database, wanted: exports.Request, target: Path) -> None:
    exports.xlsx(database, wanted, target)


def _parquet(job: Job, database: Database, wanted: exports.Request, target: Path) -> None:
    exports.parquet(database, wanted, target)


def _vcf(job: Job, database: Database, wanted: exports.Request, target: Path) -> None:
    made = target.with_name(download_name(job.name, ".variants.vcf.gz"))
    with open_vcf(job) as result:
        exports.vcf(database, wanted, result, made)
    with zipfile.ZipFile(target, "w") as both:  # what is in it is compressed already
        for file in (made, made.with_name(f"{made.name}.tbi")):
            both.write(file, file.name)


_WRITERS: dict[str, Callable[[Job, Database, exports.Request, Path], None]] = {
    "tsv": _tsv,
    "xlsx": _xlsx,
    "vcf": _vcf,
    "parquet": _parquet,
}
