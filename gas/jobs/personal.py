"""The part of jobs in an account: its usage, the export of its jobs, and the log entries about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, Q, QuerySet, Sum

from gas.aws import s3
from gas.jobs.models import Job, JobEvent, Notice, RestoreBatch, ResultFile
from gas.jobs.output_files import files_of
from gas.jobs.sizes import in_words
from gas.jobs.states import ACTIVE, ResultState
from gas.users.deletion import NOBODY, before_deletion
from gas.users.export import as_json
from gas.users.models import User
from gas.users.registry import File, Usage, export_providers, usage_providers

#: Rows per query, so that memory does not grow with the number of jobs.
PAGE = 200
#: Columns of a job and its result in the export. The other columns, such as leases, are internal.
JOB_FIELDS = (
    "id",
    "name",
    "reference",
    "status",
    "input_size",
    "created_at",
    "submitted_at",
    "started_at",
    "finished_at",
    "failure_code",
    "failure_message",
    "failure_advice",
    "summary",
)
RESULT_FIELDS = ("state", "size", "sha256", "created_at", "archive_due_at", "archived_at")


def register() -> None:
    """Register the functions of this module. Called once, when Django starts."""
    usage_providers.append(usage)
    export_providers.append(export)
    before_deletion.append(forget_in_log)


@dataclass(frozen=True)
class Used:
    """A person's usage: all jobs, active jobs, and the number and bytes of results in S3 and in the archive."""

    jobs: int
    active: int
    hot: int
    hot_size: int
    cold: int
    cold_size: int


def used(user: User) -> Used:
    """Count a person's jobs and results in two queries."""
    jobs = Job.objects.filter(owner=user).aggregate(every=Count("pk"), active=Count("pk", filter=Q(status__in=ACTIVE)))
    hot, cold = Q(state=ResultState.AVAILABLE), Q(state__in=[ResultState.ARCHIVED, ResultState.RESTORING])
    results = ResultFile.objects.filter(job__owner=user).aggregate(
        hot=Count("pk", filter=hot | Q(state=ResultState.ARCHIVING)),
        hot_size=Sum("size", filter=hot | Q(state=ResultState.ARCHIVING)),
        cold=Count("pk", filter=cold),
        cold_size=Sum("size", filter=cold),
    )
    sizes = results["hot_size"] or 0, results["cold_size"] or 0
    return Used(jobs["every"], jobs["active"], results["hot"], sizes[0], results["cold"], sizes[1])


def usage(user: User) -> Iterator[Usage]:
    """Yield a person's usage as text."""
    found = used(user)
    yield Usage("Jobs", f"{found.jobs:,}", f"{found.active:,} on their way" if found.active else "")
    yield Usage("Results in storage", in_words(found.hot_size), _results(found.hot))
    yield Usage("Archived", in_words(found.cold_size), _results(found.cold))


def _results(count: int) -> str:
    return "1 result" if count == 1 else f"{count:,} results"


def export(user: User) -> Iterator[File]:
    """Yield jobs.json with all jobs and their timelines, and a folder per job with upload, log, summary and result.

    An archived result is listed with a note. A later export contains it, once the result is restored.
    """
    jobs = Job.objects.filter(owner=user).order_by("created_at", "pk")
    yield "jobs.json", _array(_described(jobs))
    for job in jobs.defer("summary", "preview").select_related("result").iterator(PAGE):
        for one in files_of(job, getattr(job, "result", None), archiving=True):
            yield from stored(f"jobs/{job.pk}/{one.saved_as}", one.bucket, one.key)


def _array(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield a JSON array, row by row."""
    opening = b"[\n"
    for row in rows:
        yield opening + as_json(row)
        opening = b",\n"
    yield b"\n]\n" if opening == b",\n" else b"[]\n"


def _described(jobs: QuerySet[Job]) -> Iterator[dict[str, Any]]:
    """Yield jobs as plain data with their events; times are UTC."""
    found = jobs.defer("preview").select_related("result").prefetch_related("events")
    for job in found.iterator(PAGE):
        result = getattr(job, "result", None)
        yield {
            **{field: getattr(job, field) for field in JOB_FIELDS},
            "files": f"jobs/{job.pk}/",
            "result": {**{field: getattr(result, field) for field in RESULT_FIELDS}, "note": note(result)}
            if result
            else None,
            "events": [_event(event) for event in job.events.all()],
        }


def _event(event: JobEvent) -> dict[str, Any]:
    move = {"machine": event.machine, "from": event.from_state, "to": event.to_state} if event.machine else {}
    return {"at": event.at, "message": event.message, **move}


def note(result: ResultFile) -> str:
    """Return why the export lacks the result; "" if it has it."""
    if result.state in {ResultState.AVAILABLE, ResultState.ARCHIVING}:
        return ""
    return "In the archive, and not in this download. Download your data again once it is restored."


def stored(name: str, bucket: str, key: str) -> Iterator[File]:
    """Yield the object as a file of the export; if it was deleted since its row was read, yield a note instead."""
    pieces = s3.stream(bucket, key)
    try:
        first = next(pieces, b"")
    except s3.ObjectMissing:
        yield f"{name}.missing.txt", [b"This file was archived or deleted while the download was made.\n"]
        return
    yield name, chain([first], pieces)


def forget_in_log(user: User) -> None:
    """Before an account is deleted: keep what staff did in the admin log, without the names of the account's jobs."""
    mine = {
        Job: Job.objects.filter(owner=user),
        ResultFile: ResultFile.objects.filter(job__owner=user),
        Notice: Notice.objects.filter(owner=user),
        RestoreBatch: RestoreBatch.objects.filter(owner=user),
    }
    for model, rows in mine.items():
        names = [str(pk) for pk in rows.values_list("pk", flat=True)]
        about = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model), object_id__in=names)
        about.update(object_id=None, object_repr=NOBODY, change_message="")
