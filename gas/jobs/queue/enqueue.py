"""Put jobs into the queue. No other module does."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from gas import clock
from gas.jobs.models import Job
from gas.jobs.moves import move_job
from gas.jobs.states import ACTIVE, JobStatus
from gas.tasknames import ANNOTATE, send_after_commit
from gas.users.locks import lock_owner
from gas.users.models import User


def enqueue(job: Job, message: str, *, delay: float = 0, **changes: Any) -> None:
    """Move the job to PENDING and send its message after the commit, due in `delay` seconds.

    `changes` are passed to `move_job`, which may raise. The owner is locked: if another job of the owner is ending, it
    either sees this job and wakes it, or has ended before this job's message is sent.
    """
    with transaction.atomic():
        lock_owner(pk=job.owner_id)
        move_job(job, JobStatus.PENDING, message, sent_at=clock.now() + timedelta(seconds=delay), **changes)
        send_after_commit(ANNOTATE, job.pk, countdown=delay)


def refusal_reason(owner: User) -> str:
    """Return why the owner cannot have one more active job; "" if there is room."""
    active = Job.objects.filter(owner=owner, status__in=ACTIVE).count()
    if active < settings.MAX_ACTIVE_JOBS:
        return ""
    return f"You have {active} jobs on their way, the maximum. Wait until some have ended."
