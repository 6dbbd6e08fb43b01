"""The only functions that move a job or a result from one state to another.

A move is a compare-and-swap: it changes the row only if the row still is in the state that the caller saw, and writes
the JobEvent in the same transaction. No other code assigns a state; a test checks this.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q, QuerySet

from annotator import bounds
from gas.jobs.models import Job, JobEvent, ResultFile
from gas.jobs.states import JOB_TRANSITIONS, RESULT_TRANSITIONS, JobStatus, ResultState
from gas.users.models import User

#: Functions that other packages register, called in the transaction of each move with the ids of the jobs, the machine,
#: the state before and the state after. If one raises, nothing moves.
move_listeners: list[Callable[[Sequence[UUID], str, str, str], None]] = []


class IllegalTransition(Exception):
    """The state machine has no such transition: a bug in the caller, never a matter of timing."""


class LostRace(Exception):
    """Another transaction moved the row first, or the guard no longer holds. Nothing was changed."""


def move_job(
    job: Job,
    to: JobStatus,
    message: str,
    *,
    guard: Q | None = None,
    actor: User | None = None,
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move `job` from the status in this instance to `to`, and set `changes` on its other fields.

    `message` tells the owner what happened, in the job's timeline. `guard` must hold in the database too, such as "the
    caller still has the lease".

    Raises:
        IllegalTransition: the machine has no such transition.
        LostRace: the row has changed since it was read.
    """
    seen = JobStatus(job.status)
    if to not in JOB_TRANSITIONS[seen]:
        raise IllegalTransition(f"job {seen} → {to}")
    _move(job, "status", seen, to, guard or Q(), changes)
    _record(job, "job", seen, to, message, actor, detail)


def move_result(
    result: ResultFile,
    to: ResultState,
    message: str,
    *,
    guard: Q | None = None,
    actor: User | None = None,
    detail: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move `result` as `move_job` moves a job. Raises the same exceptions."""
    seen = ResultState(result.state)
    if to not in RESULT_TRANSITIONS[seen]:
        raise IllegalTransition(f"result {seen} → {to}")
    _move(result, "state", seen, to, guard or Q(), changes)
    _record(result.job, "result", seen, to, message, actor, detail)


def move_results(
    results: QuerySet[ResultFile],
    seen: ResultState,
    to: ResultState,
    message: str,
    *,
    actor: User | None = None,
    **changes: Any,
) -> int:
    """Move all `results` in state `seen`, each with an event, in a fixed number of queries. Returns how many moved.

    Raises:
        IllegalTransition: the machine has no such transition.
    """
    if to not in RESULT_TRANSITIONS[seen]:
        raise IllegalTransition(f"result {seen} → {to}")
    with transaction.atomic():
        rows = dict(results.filter(state=seen).select_for_update(of=("self",)).values_list("pk", "job_id"))
        moved = ResultFile.objects.filter(pk__in=rows, state=seen).update(state=to, **changes)
        JobEvent.objects.bulk_create(
            JobEvent(job_id=job, machine="result", from_state=seen, to_state=to, message=message, actor=actor)
            for job in rows.values()
        )
        _report(list(rows.values()), "result", seen, to)
    return moved


def _move(row: models.Model, field: str, seen: str, to: str, guard: Q, changes: dict[str, Any]) -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a move and its event belong in one transaction")
    values = {**changes, field: to}
    rows = type(row)._default_manager.filter(guard, pk=row.pk, **{field: seen})
    if not rows.update(**values):
        raise LostRace(f"{type(row).__name__} {row.pk} is no longer {seen}")
    for name, value in values.items():
        setattr(row, name, value)


def _record(
    job: Job,
    machine: str,
    seen: str,
    to: str,
    message: str,
    actor: User | None,
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
    _report([job.pk], machine, seen, to)


def _report(jobs: Sequence[UUID], machine: str, seen: str, to: str) -> None:
    for listener in move_listeners:
        listener(jobs, machine, seen, to)
