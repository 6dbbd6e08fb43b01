"""The beat's safety net: finds what lost its message, its worker or its deadline, and puts it back on its way.

Every step is a compare-and-swap on rows found by index, at most BATCH of each kind at a time, so that two sweeps
at once do no harm and a long list does not hold one up.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from gas.aws import queues
from gas.jobs import notices
from gas.jobs.leases import take_back
from gas.jobs.models import Job, Purge
from gas.jobs.states import JobStatus, Outrun, move_job
from gas.jobs.uploads import UploadRefused, confirm_upload
from gas.tasknames import ANNOTATE, PURGE, SEND_NOTICE, send_after_commit

log = logging.getLogger(__name__)

BATCH = 500
T = TypeVar("T")


def sweep() -> dict[str, int]:
    """One round. Returns how many rows of each kind were set going again."""
    now = timezone.now()
    steps: dict[str, Callable[[datetime], int]] = {
        "leases": take_back_expired,
        "messages": resend_pending,
        "uploads": end_uploads,
        "notices": resend_notices,
        "purges": resend_purges,
    }
    moved = {}
    for name, step in steps.items():
        try:
            moved[name] = step(now)
        except Exception:  # one kind of work in trouble must not stop the care for the others
            log.exception("sweep: %s", name)
    if any(moved.values()):
        log.warning("sweep: set going again: %s", moved)
    return moved


def take_back_expired(now: datetime) -> int:
    """RUNNING jobs whose worker no longer renews its lease."""
    expired = Job.objects.filter(status=JobStatus.RUNNING, lease_expires_at__lt=now)
    return _each(expired.order_by("lease_expires_at")[:BATCH], take_back)


def resend_pending(now: datetime) -> int:
    """PENDING jobs whose message should long have been taken, unless the queue is simply long.

    With as many messages waiting as there are jobs, none is lost, and more of them would only lengthen the queue.
    """
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    pending = Job.objects.filter(status=JobStatus.PENDING)
    overdue = pending.filter(sent_at__lt=late)
    if not overdue.exists() or queues.waiting("gas-annotate") >= pending.count():
        return 0

    def resend(job: Job) -> None:
        with transaction.atomic():
            if overdue.filter(pk=job.pk).update(sent_at=now):
                send_after_commit(ANNOTATE, job.pk)

    return _each(overdue.order_by("sent_at")[:BATCH], resend)


def end_uploads(now: datetime) -> int:
    """UPLOADING jobs whose form has expired: confirmed if the file did arrive, else ended."""
    grace = timedelta(seconds=settings.UPLOAD_EXPIRES_SECONDS + 60)
    return _each(
        Job.objects.filter(status=JobStatus.UPLOADING, created_at__lt=now - grace).order_by("created_at")[:BATCH],
        _end_upload,
    )


def _end_upload(job: Job) -> None:
    try:
        confirm_upload(job)
    except UploadRefused:
        if job.status != JobStatus.UPLOADING:
            return
        with transaction.atomic():
            move_job(
                job,
                JobStatus.CANCELLED,
                "The upload was never finished.",
                finished_at=timezone.now(),
            )


def resend_notices(now: datetime) -> int:
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    notices.give_up_old(now)
    return _resend(notices.owed(now).filter(due_at__lt=late), now, "due_at", SEND_NOTICE)


def resend_purges(now: datetime) -> int:
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    due = Purge.objects.filter(Q(emptied_at=None) | Q(settled_at__lt=now), sent_at__lt=late)
    return _resend(due, now, "sent_at", PURGE)


def _resend(due: QuerySet[Any], now: datetime, sent: str, name: str) -> int:
    """Send a message for each of `due`, whose column `sent` says when the last one was."""

    def send(pk: int) -> None:
        with transaction.atomic():
            if due.filter(pk=pk).update(**{sent: now}):
                send_after_commit(name, pk)

    return _each(due.order_by(sent).values_list("pk", flat=True)[:BATCH], send)


def _each(rows: Iterable[T], act: Callable[[T], None]) -> int:
    count = 0
    for row in rows:
        try:
            act(row)
            count += 1
        except Outrun:  # somebody was quicker, which is all that was wanted
            continue
        except Exception:  # one row in trouble must not hold up those behind it
            log.exception("sweep: %s", row)
    return count
