"""Fair queueing among people: many jobs of one person do not delay the first job of another.

A message wakes a worker, but does not decide which job the worker takes. The jobs of each person are numbered in their
order: the n-th active job, counting running jobs, has turn n divided by the number of jobs that the plan runs at once.
The job with the lowest turn is next. Among equal turns the person who was served longest ago comes first, then the
oldest job. Nobody has more running jobs than the plan allows; when a job ends, a message wakes the next one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, FloatField, IntegerField, OuterRef, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber

from gas import clock
from gas.jobs.models import Job
from gas.jobs.states import JobStatus
from gas.subscriptions.plans import PLANS, plan_of
from gas.tasknames import ANNOTATE, send_after_commit
from gas.users.models import User

#: The last queue position that is shown as a number.
POSITIONS_MAX = 1000
#: A message may arrive this much before its stored time, because clocks differ.
EARLY = timedelta(seconds=5)

_CAP = Case(
    *(When(owner__plan=plan.id, then=Value(plan.concurrent_jobs)) for plan in PLANS.values()),
    output_field=IntegerField(),
)
_THEIRS = Job.objects.filter(owner=OuterRef("owner"))
_RUNNING = _THEIRS.filter(status=JobStatus.RUNNING).order_by().values("owner").annotate(Count("pk"))
_SERVED = _THEIRS.exclude(started_at=None).order_by("-started_at").values("started_at")[:1]
_PLACE = Window(RowNumber(), partition_by=F("owner"), order_by=[F("submitted_at").asc(), F("pk").asc()])


def waiting() -> QuerySet[Job]:
    """Return the waiting jobs in their order, annotated with `running` of the owner and `cap` of the plan."""
    turn = Case(When(cap__gt=0, then=(F("running") + F("place") - Value(1.0)) / F("cap")), output_field=FloatField())
    return (
        Job.objects.filter(status=JobStatus.PENDING)
        .annotate(
            running=Coalesce(Subquery(_RUNNING.values("pk__count")), 0),
            cap=_CAP,
            place=_PLACE,
            turn=turn,
            served=Subquery(_SERVED),
        )
        .order_by("turn", F("served").asc(nulls_first=True), "submitted_at", "pk")
    )


def ready(now: datetime) -> QuerySet[Job]:
    """Return the waiting jobs that may be taken now: their pause is over, and their owner may run one more."""
    jobs: QuerySet[Any] = waiting()
    return jobs.filter(sent_at__lte=now + EARLY, running__lt=F("cap"))


def positions(jobs: Iterable[Job]) -> dict[UUID, int]:
    """Return {id: position} of these jobs that wait, 1 for the next job, up to POSITIONS_MAX."""
    wanted = {job.pk for job in jobs if job.status == JobStatus.PENDING}
    if not wanted:
        return {}
    order = waiting().values_list("pk", flat=True)[:POSITIONS_MAX]
    return {pk: number for number, pk in enumerate(order, 1) if pk in wanted}


def has_room(owner: User) -> bool:
    """Return whether the owner may run one more job. Call it in a transaction that locks the owner."""
    return Job.objects.filter(owner=owner, status=JobStatus.RUNNING).count() < plan_of(owner).concurrent_jobs


def wake_next(ends: Job) -> None:
    """Send messages for the owner's next jobs when a job stops running or will not run.

    Call it in the transaction that ends the job, with the owner locked. The owner's plan decides how many jobs are
    woken. A new message is needed because the first one may have come while no more jobs could run.
    """
    wake(ends.owner, but=ends.pk)


def wake(owner: User, *, but: UUID | None = None) -> None:
    """Send a message for each of the owner's jobs that may run, except `but`. Call it with the owner locked."""
    theirs = Job.objects.filter(owner=owner)
    if but is not None:
        theirs = theirs.exclude(pk=but)
    room = plan_of(owner).concurrent_jobs - theirs.filter(status=JobStatus.RUNNING).count()
    waits = theirs.filter(status=JobStatus.PENDING, sent_at__lte=clock.now() + EARLY)
    for pk in waits.order_by("submitted_at", "pk").values_list("pk", flat=True)[: max(room, 0)]:
        send_after_commit(ANNOTATE, pk)
