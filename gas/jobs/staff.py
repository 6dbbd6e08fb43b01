"""Storage as staff see it: how much is where, what stands still, what ended in a dead-letter queue."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from gas.aws import queues
from gas.aws.clients import AWSError
from gas.jobs import storage
from gas.jobs.models import ResultFile
from gas.jobs.states import ResultState
from gas.subscriptions.plans import PLANS
from gas.tasknames import ARCHIVE_RESULT, QUEUES, send_after_commit
from gas.users.models import User

STUCK_SHOWN = 20


def overview() -> dict[str, Any]:
    """{"states": [{"state", "count", "size"}], "stuck": […], "dead": {queue: messages}, "estimate": …}."""
    rows = ResultFile.objects.values("state").annotate(count=Count("pk"), size=Sum("size")).order_by("state")
    return {
        "states": list(rows),
        "stuck": list(stuck().select_related("job__owner")[:STUCK_SHOWN]),
        "dead": dead_letters(),
        "estimate": storage.estimate(ResultFile.objects.filter(state=ResultState.ARCHIVED)),
    }


def stuck() -> QuerySet[ResultFile]:
    """Results that should long have moved, in spite of the sweep; and those whose restore was given up."""
    now = timezone.now()
    late = now - timedelta(seconds=5 * settings.LEASE_SECONDS)
    days = now - timedelta(days=1)
    return ResultFile.objects.filter(
        Q(state=ResultState.ARCHIVING, lease_expires_at__lt=late)
        | Q(state=ResultState.AVAILABLE, archive_due_at__lt=late)
        | Q(state=ResultState.RESTORING, batch__created_at__lt=days)
        | ~Q(problem="")
    ).order_by("pk")


def dead_letters() -> dict[str, int | None]:
    """Messages in each dead-letter queue; None where SQS does not answer."""
    counts: dict[str, int | None] = {}
    for queue in QUEUES:
        name = f"{queue}-dead"
        try:
            counts[name] = queues.waiting(name)
        except AWSError:
            counts[name] = None
    return counts


def archive_now(results: QuerySet[ResultFile], *, actor: User) -> int:
    """Make these due at once, those of plans that archive; returns how many. The worker decides afresh."""
    plans = [plan.id for plan in PLANS.values() if plan.archives]
    done = 0
    for result in results.filter(state=ResultState.AVAILABLE, job__owner__plan__in=plans).select_related("job"):
        with transaction.atomic():
            ResultFile.objects.filter(pk=result.pk, state=ResultState.AVAILABLE).update(archive_due_at=timezone.now())
            result.job.events.create(message="Archive now, asked for by staff.", actor=actor)
            send_after_commit(ARCHIVE_RESULT, result.pk)
        done += 1
    return done
