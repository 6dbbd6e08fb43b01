"""Both state machines, and the one function that moves a row.

A move is a compare-and-swap: it changes the row only if it still is in the state that the caller saw, and writes
the JobEvent in the same transaction. Nothing else in the project assigns a state (a test reads the code for it).
"""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Q, QuerySet

from annotator import bounds

if TYPE_CHECKING:
    from gas.jobs.models import Job, ResultFile
    from gas.users.models import User


class JobStatus(models.TextChoices):
    """The work."""

    UPLOADING = "UPLOADING", "Uploading"
    PENDING = "PENDING", "Waiting"
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class ResultState(models.TextChoices):
    """Where the bytes are."""

    AVAILABLE = "AVAILABLE", "Available"
    ARCHIVING = "ARCHIVING", "Archiving"
    ARCHIVED = "ARCHIVED", "Archived"
    RESTORING = "RESTORING", "Restoring"
    DELETED = "DELETED", "Deleted"


#: from → to. RUNNING → PENDING is a lost or released lease; FAILED and CANCELLED → PENDING is a retry.
JOB_TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.UPLOADING: frozenset({JobStatus.PENDING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.PENDING: frozenset({JobStatus.RUNNING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.RUNNING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.PENDING}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset({JobStatus.PENDING}),
    JobStatus.CANCELLED: frozenset({JobStatus.PENDING}),
}
RESULT_TRANSITIONS: dict[ResultState, frozenset[ResultState]] = {
    ResultState.AVAILABLE: frozenset({ResultState.ARCHIVING, ResultState.DELETED}),
    ResultState.ARCHIVING: frozenset({ResultState.ARCHIVED, ResultState.AVAILABLE, ResultState.DELETED}),
    ResultState.ARCHIVED: frozenset({ResultState.RESTORING, ResultState.DELETED}),
    ResultState.RESTORING: frozenset({ResultState.AVAILABLE, ResultState.ARCHIVED, ResultState.DELETED}),
    ResultState.DELETED: frozenset(),
}

ACTIVE = frozenset({JobStatus.UPLOADING, JobStatus.PENDING, JobStatus.RUNNING})
FINISHED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})


class IllegalTransition(Exception):
    """The machine has no such arrow: a mistake in the caller, never a matter of timing."""


class Outrun(Exception):
    """Somebody else moved the row first, or the guard no longer holds. Nothing was changed."""


def move_job(
    job: "Job",
    to: JobStatus,
    message: str,
    *,
    guard: Q | None = None,
    actor: "User | None" = None,
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move `job` from the status that this copy of it has to `to`, with `changes` to its other fields.

    `message` tells the owner what happened, in the job's timeline. `guard` must also hold in the database, such
    as "the lease is still mine".

    Raises:
        IllegalTransition: the machine has no such arrow.
        Outrun: the row is no longer as it was seen.
    """
    seen = JobStatus(job.status)
    if to not in JOB_TRANSITIONS[seen]:
        raise IllegalTransition(f"job {seen} → {to}")
    _move(job, "status", seen, to, guard or Q(), changes)
    _record(job, "job", seen, to, message, actor, detail)


def move_result(
    result: "ResultFile",
    to: ResultState,
    message: str,
    *,
    guard: Q | None = None,
    actor: "User | None" = None,
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move `result`, as `move_job` does a job. Raises the same."""
    seen = ResultState(result.state)
    if to not in RESULT_TRANSITIONS[seen]:
        raise IllegalTransition(f"result {seen} → {to}")
    _move(result, "state", seen, to, guard or Q(), changes)
    _record(result.job, "result", seen, to, message, actor, detail)


def move_results(
    results: "QuerySet[ResultFile]",
    seen: ResultState,
    to: ResultState,
    message: str,
    *,
    actor: "User | None" = None,
    **changes: Any,
) -> int:
    """Move all of `results` that are in `seen`, with an event each, in a fixed number of queries. Returns how many.

    Raises:
        IllegalTransition: the machine has no such arrow.
    """
    if to not in RESULT_TRANSITIONS[seen]:
        raise IllegalTransition(f"result {seen} → {to}")
    with transaction.atomic():
        rows = dict(results.filter(state=seen).select_for_update(of=("self",)).values_list("pk", "job_id"))
        moved = results.model._default_manager.filter(pk__in=rows, state=seen).update(state=to, **changes)
        event = apps.get_model("jobs", "JobEvent")
        event._default_manager.bulk_create(
            event(job_id=job, machine="result", from_state=seen, to_state=to, message=message, actor=actor)
            for job in rows.values()
        )
    return moved


def _move(row: models.Model, field: str, seen: str, to: str, guard: Q, changes: dict[str, Any]) -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a move and its event belong in one transaction")
    values = {**changes, field: to}
    rows = type(row)._default_manager.filter(guard, pk=row.pk, **{field: seen})
    if not rows.update(**values):
        raise Outrun(f"{type(row).__name__} {row.pk} is no longer {seen}")
    for name, value in values.items():
        setattr(row, name, value)


def _record(
    job: "Job",
    machine: str,
    seen: str,
    to: str,
    message: str,
    actor: "User | None",
    detail: dict[str, Any] | None,
) -> None:
    job.events.create(
        machine=machine,
        from_state=seen,
        to_state=to,
        message=bounds.sentence(message),
        actor=actor,
        detail=bounds.within(detail or {}, bounds.EVENT_BYTES),
    )
