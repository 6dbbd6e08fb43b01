"""The storage overview for staff: how much is stored where, what is stuck, and the dead-letter queues."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from gas import clock
from gas.aws import queues
from gas.aws.clients import AWSError
from gas.jobs.models import Notice, Removal, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import result_status, tables
from gas.subscriptions.plans import PLANS
from gas.tasknames import ARCHIVE_RESULT, QUEUES, SEND_NOTICE, send_after_commit
from gas.users.locks import lock_owner
from gas.users.models import User

STUCK_SHOWN = 20
#: Longer than any retrieval takes.
RETRIEVAL_TIME = timedelta(days=1)


@dataclass(frozen=True)
class Stuck:
    """A result that is stuck, why, and since when."""

    result: ResultFile
    why: str
    since: datetime | None


def overview() -> dict[str, Any]:
    """Return the state of storage for staff.

    Returns:
        {"states": [{"state", "label", "count", "size"}], "stuck": [Stuck], "stuck_count", "removals",
        "dead": {queue: messages}, "estimate": see result_status.estimate}
    """
    rows = ResultFile.objects.order_by().values("state").annotate(count=Count("pk"), size=Sum("size"))
    found = {row["state"]: row for row in rows}
    shown = [state for state in ResultState if state != ResultState.DELETED or state in found]
    empty = {"count": 0, "size": 0}
    still = stuck()
    return {
        "states": [{**empty, **found.get(state, {}), "state": state, "label": state.label} for state in shown],
        "stuck": [_why(result) for result in still.select_related("job__owner", "batch")[:STUCK_SHOWN]],
        "stuck_count": still.count(),
        "removals": Removal.objects.filter(due_at__lt=_late()).count(),
        "dead": dead_letters(),
        "estimate": result_status.estimate(ResultFile.objects.filter(state=ResultState.ARCHIVED)),
    }


def stuck() -> QuerySet[ResultFile]:
    """Return the results that should have moved long ago despite the sweep, and those whose restore was given up."""
    late = _late()
    return ResultFile.objects.filter(
        Q(state=ResultState.ARCHIVING, lease_expires_at__lt=late)
        | Q(state=ResultState.AVAILABLE, archive_due_at__lt=late)
        | Q(state=ResultState.ARCHIVED, hot_deleted_at=None, archived_at__lt=late)
        | Q(state=ResultState.RESTORING, batch__created_at__lt=clock.now() - RETRIEVAL_TIME)
        | Q(state=ResultState.RESTORING, batch=None)
        | ~Q(problem="")
    ).order_by("pk")


def _late() -> datetime:
    return clock.now() - timedelta(seconds=5 * max(settings.LEASE_SECONDS, settings.SWEEP_SECONDS))


def _why(result: ResultFile) -> Stuck:
    asked = result.retrieval_asked_at or (result.batch.created_at if result.batch else None)
    if result.problem:
        return Stuck(result, result.problem, (result.batch and result.batch.finished_at) or asked)
    if result.state == ResultState.ARCHIVING:
        return Stuck(result, "Its worker has gone, and no other has taken it.", result.lease_expires_at)
    if result.state == ResultState.AVAILABLE:
        return Stuck(result, "Due to be archived.", result.archive_due_at)
    if result.state == ResultState.ARCHIVED:
        return Stuck(result, "Its copy in S3 is still there.", result.archived_at)
    return Stuck(result, "Not back from Glacier." if result.batch else "Restoring without a batch.", asked)


def dead_letters() -> dict[str, int | None]:
    """Return the number of messages in each dead-letter queue; None where SQS does not answer."""
    counts: dict[str, int | None] = {}
    for queue in QUEUES:
        name = f"{queue}-dead"
        try:
            counts[name] = queues.waiting(name)
        except AWSError:
            counts[name] = None
    return counts


def archive_now(results: Collection[int], *, actor: User) -> int:
    """Make these results due at once if their plan archives; the worker checks again. Returns how many are due."""
    plans = [plan.id for plan in PLANS.values() if plan.archives]
    can = ResultFile.objects.filter(pk__in=results, state=ResultState.AVAILABLE, job__owner__plan__in=plans)
    done = 0
    for result in can.select_related("job"):
        with transaction.atomic():
            lock_owner(pk=result.job.owner_id)
            same = can.filter(pk=result.pk)  # the plan may have changed before the owner was locked
            if same.update(archive_due_at=clock.now(), problem="", faults=0):
                result.job.events.create(message="To be archived now.", actor=actor)
                send_after_commit(ARCHIVE_RESULT, result.pk)
                done += 1
    return done


def tables_again(results: Collection[int], *, actor: User) -> int:
    """Have the tables of these results built again, for example those that were given up. Returns how many."""
    done = 0
    for result in ResultFile.objects.filter(pk__in=results).select_related("job"):
        with transaction.atomic():
            lock_owner(pk=result.job.owner_id)
            if tables.try_again(result):
                result.job.events.create(message="The tables are to be made again.", actor=actor)
                done += 1
    return done


def send_again(notices: QuerySet[Notice], *, actor: User) -> int:
    """Send mails that were given up again, with a new series of tries. Returns how many."""
    done = 0
    for notice in notices.filter(sent_at=None).exclude(given_up_at=None).select_related("job"):
        now = clock.now()
        with transaction.atomic():
            lock_owner(pk=notice.owner_id)
            same = Notice.objects.filter(pk=notice.pk, sent_at=None, given_up_at=notice.given_up_at)
            # Notices are given up by age, so the age starts again.
            if same.update(given_up_at=None, claimed_at=None, created_at=now, due_at=now, tries=0):
                if notice.job:
                    notice.job.events.create(message="The mail is to be sent again.", actor=actor)
                send_after_commit(SEND_NOTICE, notice.pk)
                done += 1
    return done
