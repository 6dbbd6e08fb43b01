"""The sweep, run by beat: find rows that lost their message, worker or deadline, and resume their work.

Every step is a compare-and-swap on rows found by index, at most BATCH of each kind. So concurrent sweeps do no harm,
and a long list does not delay the other steps.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from gas import clock, rounds
from gas.aws import queues
from gas.jobs.lifecycle import parts
from gas.jobs.lifecycle.leases import take_back
from gas.jobs.lifecycle.uploads import UploadRefused, confirm_upload
from gas.jobs.mails import notices
from gas.jobs.models import Job, PartedUpload, Purge, Removal, RestoreBatch, ResultFile, TableBuild
from gas.jobs.moves import LostRace, move_job, move_result
from gas.jobs.queue import turns
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import restoration
from gas.jobs.storage.archival import NO_LEASE
from gas.rounds import BATCH
from gas.staff.alerts import alert_after_commit
from gas.subscriptions.plans import PLANS
from gas.tasknames import (
    ANNOTATE,
    ARCHIVE_RESULT,
    ARCHIVE_USER_RESULTS,
    BUILD_TABLES,
    DELETE_HOT_COPY,
    PURGE,
    REMOVE_COPY,
    RESTORE_USER_RESULTS,
    SEND_NOTICE,
    START_BATCH,
    send_after_commit,
)
from gas.users.locks import lock_owner

log = logging.getLogger(__name__)

T = TypeVar("T")


def sweep() -> dict[str, int]:
    """Run all steps once. Returns the number of rows of each kind whose work was resumed."""
    steps: dict[str, rounds.Step] = {
        "leases": take_back_expired,
        "messages": resend_pending,
        "uploads": end_uploads,
        "parts": end_parted_uploads,
        "notices": resend_notices,
        "purges": resend_purges,
        "due": resend_due,
        "archiving": take_back_archiving,
        "hot copies": resend_hot_copies,
        "removals": resend_removals,
        "batches": resend_batches,
        "tables": resend_tables,
        "late restores": tell_of_late,
        "stranded": put_back_stranded,
        "upgrades": resend_upgrades,
        "downgrades": resend_downgrades,
    }
    moved = rounds.take(steps, log)
    if any(moved.values()):
        log.warning("sweep: set going again: %s", moved)
    return moved


def take_back_expired(now: datetime) -> int:
    """Reclaim RUNNING jobs whose worker no longer renews its lease."""
    expired = Job.objects.filter(status=JobStatus.RUNNING, lease_expires_at__lt=now)
    return _each(expired.order_by("lease_expires_at")[:BATCH], take_back)


def resend_pending(now: datetime) -> int:
    """Send messages again for PENDING jobs that no worker took in time, unless the queue is long.

    When the queue has as many messages as there are jobs to take, no message is lost, and more would only lengthen the
    queue. Jobs that wait for another job of their owner get their message when that job ends.
    """
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    overdue = Job.objects.filter(status=JobStatus.PENDING, sent_at__lt=late)
    ready = list(turns.ready(now).filter(sent_at__lt=late).values_list("pk", flat=True)[:BATCH])
    if not ready or queues.waiting("gas-annotate") >= len(ready):
        return 0

    def resend(pk: UUID) -> None:
        with transaction.atomic():
            if overdue.filter(pk=pk).update(sent_at=now):
                send_after_commit(ANNOTATE, pk)

    return _each(ready, resend)


def end_uploads(now: datetime) -> int:
    """End UPLOADING jobs whose latest form has expired: confirm those whose file has arrived, end the others."""
    late = now - timedelta(seconds=60)
    # Rows older than this column have no value.
    old = Q(upload_expires_at=None, created_at__lt=late - timedelta(seconds=settings.UPLOAD_EXPIRES_SECONDS))
    expired = Job.objects.filter(Q(upload_expires_at__lt=late) | old, status=JobStatus.UPLOADING)
    return _each(expired.order_by("created_at")[:BATCH], partial(_end_upload, late))


def _end_upload(late: datetime, job: Job) -> None:
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
                guard=Q(upload_expires_at=None) | Q(upload_expires_at__lt=late),  # not resumed meanwhile
                finished_at=clock.now(),
            )


def end_parted_uploads(now: datetime) -> int:
    """End multipart uploads that are over: S3 keeps, and charges for, parts that are never combined."""
    over = PartedUpload.objects.exclude(job__status=JobStatus.UPLOADING).select_related("job")
    return _each(over.order_by("pk")[:BATCH], parts.end)


def resend_notices(now: datetime) -> int:
    """Send messages for notices whose mail is overdue. Returns their number."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    notices.give_up_old(now)
    return rounds.resend(notices.owed(now).filter(due_at__lt=late), now, "due_at", SEND_NOTICE, log)


def resend_purges(now: datetime) -> int:
    """Send messages for folders that are still to be emptied. Returns their number."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    due = Purge.objects.filter(Q(emptied_at=None) | Q(settled_at__lt=now), sent_at__lt=late)
    return rounds.resend(due, now, "sent_at", PURGE, log)


def resend_due(now: datetime) -> int:
    """Send messages for results due to be archived: those further ahead than SQS can hold, and those lost."""
    late = now - timedelta(seconds=settings.SWEEP_SECONDS)
    due = ResultFile.objects.filter(state=ResultState.AVAILABLE, archive_due_at__lt=late)
    pks = due.order_by("archive_due_at").values_list("pk", flat=True)[:BATCH]
    # Messages whose delay has not ended are about results that are not due yet.
    if not pks or queues.waiting("gas-archive", delayed=False) >= len(pks):
        return 0
    return _each(pks, partial(send_after_commit, ARCHIVE_RESULT))


def take_back_archiving(now: datetime) -> int:
    """Reclaim ARCHIVING results whose worker no longer renews its lease: the message finds the lease expired."""
    expired = ResultFile.objects.filter(state=ResultState.ARCHIVING, lease_expires_at__lt=now)
    pks = expired.order_by("lease_expires_at").values_list("pk", flat=True)[:BATCH]
    return _each(pks, partial(send_after_commit, ARCHIVE_RESULT))


def resend_hot_copies(now: datetime) -> int:
    """Send messages for archived results whose copy in S3 still exists."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    kept = ResultFile.objects.filter(state=ResultState.ARCHIVED, hot_deleted_at=None, archived_at__lt=late)
    return _each(kept.order_by("pk").values_list("pk", flat=True)[:BATCH], partial(send_after_commit, DELETE_HOT_COPY))


def resend_removals(now: datetime) -> int:
    """Send messages for copies that are still to be deleted. Returns their number."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    return rounds.resend(Removal.objects.filter(due_at__lt=late), now, "due_at", REMOVE_COPY, log)


def resend_batches(now: datetime) -> int:
    """Restart batches whose message is overdue. Glacier gets no request twice."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    lost = RestoreBatch.objects.filter(finished_at=None, next_poll_at__lt=late)
    return rounds.resend(lost, now, "next_poll_at", START_BATCH, log)


def resend_tables(now: datetime) -> int:
    """Send messages for tables that a result is owed and whose message or worker is lost."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    return rounds.resend(TableBuild.objects.filter(due_at__lt=late), now, "due_at", BUILD_TABLES, log)


def tell_of_late(now: datetime) -> int:
    """Alert staff, once each, about restores that have not ended for RETRIEVAL_ALERT_SECONDS."""
    bound = now - timedelta(seconds=settings.RETRIEVAL_ALERT_SECONDS)
    late = RestoreBatch.objects.filter(finished_at=None, late_told_at=None, created_at__lt=bound).order_by("pk")
    pks = list(late.values_list("pk", flat=True)[:BATCH])
    with transaction.atomic():
        told = late.model.objects.filter(pk__in=pks, late_told_at=None).update(late_told_at=now)
        if told:
            alert_after_commit(
                f"{told} restores have not ended for {settings.RETRIEVAL_ALERT_SECONDS / 3600:.0f} hours",
                f"Batches {', '.join(map(str, pks[:20]))}{'…' if len(pks) > 20 else ''}. They are still polled, every "
                "15 minutes. See Storage in the admin for what Glacier has not brought back.",
            )
    return told


def put_back_stranded(now: datetime) -> int:
    """Move results that are being restored in no batch, or in a closed one, back to ARCHIVED.

    Nothing would ever request them, although no code leaves such a row. If the owner is premium, `resend_upgrades` then
    requests the result again.
    """
    nobodys = Q(batch=None) | Q(batch__finished_at__isnull=False)
    stranded = ResultFile.objects.filter(nobodys, restoration.unheld(now), state=ResultState.RESTORING)

    def put_back(result: ResultFile) -> None:
        log.error("result %s was being restored in no open batch", result.pk)
        with transaction.atomic():
            lock_owner(pk=result.job.owner_id)
            move_result(result, ResultState.ARCHIVED, "It was in no batch.", guard=restoration.unheld(now), **NO_LEASE)

    return _each(stranded.select_related("job").order_by("pk")[:BATCH], put_back)


def resend_upgrades(now: datetime) -> int:
    """Send messages for people whose plan does not archive and who have archived results that were not given up."""
    return _resend_for_owners(
        ResultFile.objects.filter(state=ResultState.ARCHIVED, problem=""), False, RESTORE_USER_RESULTS
    )


def resend_downgrades(now: datetime) -> int:
    """Send messages for people whose plan archives and who have results in S3 without a due date."""
    kept = ResultFile.objects.filter(state=ResultState.AVAILABLE, archive_due_at=None, problem="")
    return _resend_for_owners(kept, True, ARCHIVE_USER_RESULTS)


def _resend_for_owners(results: QuerySet[ResultFile], archives: bool, name: str) -> int:
    plans = [plan.id for plan in PLANS.values() if plan.archives is archives]
    theirs = results.filter(job__owner__plan__in=plans).order_by()
    owners = theirs.values_list("job__owner", flat=True).distinct()
    return _each(owners[:BATCH], partial(send_after_commit, name))


def _each(rows: Iterable[T], act: Callable[[T], object]) -> int:
    return rounds.each(rows, act, log, fine=(LostRace,))
