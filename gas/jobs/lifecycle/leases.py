"""Leases of jobs: a worker claims a job, renews the lease by a heartbeat, and loses the lease if it dies."""

import logging
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from annotator import bounds
from gas import clock
from gas.jobs.models import Job, Notice, ResultFile
from gas.jobs.moves import LostRace, move_job
from gas.jobs.notice_kinds import Kind
from gas.jobs.queue import faults, turns
from gas.jobs.queue.enqueue import enqueue
from gas.jobs.states import JobStatus
from gas.jobs.storage import tables
from gas.jobs.storage.archival import make_due
from gas.jobs.storage.removals import remove_folder
from gas.staff.alerts import alert_after_commit
from gas.tasknames import SEND_NOTICE, send_after_commit
from gas.users.locks import lock_owner

log = logging.getLogger(__name__)

#: The longest pause, in seconds, before a job whose worker crashed is tried again. See `queue.faults.pause` for others.
LONGEST_CRASH_PAUSE = 60

#: How many jobs to skip because another worker is claiming them.
CLAIM_TRIES = 20
#: Column values of a row without a worker.
NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None, "stage": "", "records_done": 0}

#: Column values of a row before a fault that the job may cause itself.
NO_FAULT_KIND: dict[str, Any] = {"fault_kind": "", "faults_alike": 0}


@dataclass(frozen=True)
class Claim:
    """One attempt at a job: the job as it was when claimed, and the token that proves the claim."""

    job: Job
    token: uuid.UUID

    @property
    def prefix(self) -> str:
        """The folder of this attempt in the results bucket, so that a slow worker cannot overwrite a later attempt."""
        return self.job.attempt_folder(self.token)


def forget_attempt(job: Job, *, maker_is_gone: bool) -> None:
    """Have what the attempt stored removed. Call it in a transaction that locks the owner, before the lease is dropped.

    The token is read from the row: only a transaction that locks the owner's row can give a job another token.
    """
    token = Job.objects.filter(pk=job.pk).values_list("lease_token", flat=True).first()
    if token:
        remove_folder(job.attempt_folder(token), maker_is_gone=maker_is_gone)


def claim_next(job_id: str) -> Claim | None:
    """Claim the job whose turn it is (see gas.jobs.queue.turns); None when there is nothing to do.

    The job that the message names counts only if its worker is gone; it then waits again. A message may come twice or
    late, so None is an ordinary result.
    """
    now = clock.now()
    lost = Job.objects.filter(pk=job_id, status=JobStatus.RUNNING, lease_expires_at__lt=now).first()
    if lost is not None:
        with suppress(LostRace):
            take_back(lost)
    passed: list[uuid.UUID] = []
    while len(passed) < CLAIM_TRIES:
        found = turns.ready(now).exclude(pk__in=passed).values_list("pk", flat=True).first()
        if found is None:
            break
        if mine := claim(found, waiting=False):
            return mine
        passed.append(found)
    # Each of these jobs, or another job of its owner, was locked. Wait for the lock of those that are still there.
    return next(filter(None, map(claim, passed)), None)


def claim(job_id: uuid.UUID, *, waiting: bool = True) -> Claim | None:
    """Claim this job if it waits and its owner may run one more. Without `waiting`, skip it if the owner is locked."""
    now, token = clock.now(), uuid.uuid4()
    try:
        with transaction.atomic():
            owner = lock_owner(waiting=waiting, jobs=job_id)
            job = Job.objects.filter(pk=job_id, status=JobStatus.PENDING).first()
            if owner is None or job is None or not turns.has_room(owner):
                return None
            move_job(
                job,
                JobStatus.RUNNING,
                "A worker has started.",
                attempts=job.attempts + 1,
                started_at=now,
                lease_token=token,
                lease_expires_at=now + timedelta(seconds=settings.LEASE_SECONDS),
                stage="fetch",
                records_done=0,
            )
    except LostRace:
        return None
    return Claim(job, token)


def renew(claim: Claim, *, stage: str, records_done: int) -> bool:
    """Extend the lease and store the progress. Returns False when the caller no longer has the lease."""
    expires = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    return bool(_held(claim).update(lease_expires_at=expires, stage=stage, records_done=records_done))


def complete(claim: Claim, result: ResultFile, *, log_key: str, summary: dict[str, Any], preview: list[Any]) -> None:
    """End the job with its result, which is in S3, and owe its owner a mail. Raises LostRace."""
    with transaction.atomic():
        # Lock the owner first, as set_plan does: an upgrade happens before this or after it, never in between.
        lock_owner(pk=claim.job.owner_id)
        job = _current(claim)
        turns.wake_next(job)
        move_job(
            job,
            JobStatus.COMPLETED,
            "Annotation completed.",
            guard=Q(lease_token=claim.token),
            finished_at=clock.now(),
            log_key=log_key,
            summary=bounds.within(summary, bounds.SUMMARY_BYTES),
            preview=bounds.within(preview, bounds.PREVIEW_BYTES),
            **NO_LEASE,
        )
        result.job = job
        result.save(force_insert=True)
        if tables.can_have_tables(result) and not tables.has_tables(result) and not summary.get("left_out"):
            tables.owe(result)  # too long for the worker that annotated it
        make_due(result, job.owner)
        owe_notice(job, Notice.Kind.COMPLETED)


def fail(claim: Claim, *, code: str, message: str, advice: str, log_key: str = "") -> None:
    """End the job with a reason that its owner can act on, and owe the owner a mail. Raises LostRace."""
    guard = Q(lease_token=claim.token)
    _end_failed(_current(claim), guard, code=code, message=message, advice=advice, log_key=log_key)


def release(claim: Claim, reason: str) -> None:
    """Give the job back after a crash on this file: it is tried again a little later, or FAILED after MAX_ATTEMPTS.

    `reason` is for operators and goes to the log; the job's timeline has a text for the owner. Raises LostRace.
    """
    job = _current(claim)
    log.error("job %s, attempt %d: %s", job.pk, job.attempts, reason)
    _requeue(
        job,
        Q(lease_token=claim.token),
        "The worker had a problem that is not your file's.",
        min(2**job.attempts, LONGEST_CRASH_PAUSE),
        maker_is_gone=False,
    )


def postpone(claim: Claim, reason: str, *, kind: str = "") -> None:
    """Put the job back after an internal error or an AWS error. It is tried again after a pause, without limit.

    The attempt does not count.

    Args:
        claim: the attempt.
        reason: for operators: in the log and in alerts to staff.
        kind: kind of the fault, if the job may cause it itself. `faults.LIMITS` such faults in a row end the job.

    Raises:
        LostRace: the lease is lost.
    """
    job = _current(claim)
    count = job.faults + 1
    alike = 0 if not kind else job.faults_alike + 1 if kind == job.fault_kind else 1
    log.error("job %s, fault %d: %s", job.pk, count, reason)
    if kind and alike >= faults.LIMITS[kind]:
        _end_hopeless(job, Q(lease_token=claim.token), kind, reason)
        return
    with transaction.atomic():
        lock_owner(pk=job.owner_id)
        turns.wake_next(job)
        forget_attempt(job, maker_is_gone=False)
        enqueue(
            job,
            "There is a problem on our side, not with your file. It is tried again by itself.",
            delay=faults.pause(count),
            guard=Q(lease_token=claim.token),
            attempts=max(0, job.attempts - 1),
            faults=count,
            fault_kind=kind,
            faults_alike=alike,
            **NO_LEASE,
        )
        faults.tell("Jobs wait", count, f"Job {job.pk}: {reason}")


def _end_hopeless(job: Job, guard: Q, kind: str, reason: str) -> None:
    """End a job that another try cannot help, and alert staff."""
    with transaction.atomic():
        if kind == faults.DAMAGED_INPUT:
            _end_failed(
                job,
                guard,
                code="input-damaged",
                message="The uploaded file was damaged in our storage, so it was not annotated.",
                advice="Upload it again as a new job.",
            )
        else:
            _end_failed(
                job,
                guard,
                code="our-fault",
                message="The annotation of this file needs more disk space than our machines have.",
                advice=f"Split the file and upload the parts, or write to {settings.SUPPORT_EMAIL} and name the job.",
            )
        alert_after_commit(
            "A job was ended after the same fault many times in a row",
            f"Job {job.pk}: {job.failure_message} The last fault: {reason[:500]}",
        )


def is_kept(claim: Claim) -> bool:
    """Return whether a row names what this attempt has stored: the commit succeeded, but its answer was lost."""
    mine = Q(log_key__startswith=claim.prefix) | Q(result__key__startswith=claim.prefix)
    return Job.objects.filter(mine, pk=claim.job.pk).exists()


def take_back(job: Job) -> None:
    """Put a job whose lease has expired back into the queue, or end it after MAX_ATTEMPTS. Raises LostRace."""
    log.warning("job %s, attempt %d: lease expired", job.pk, job.attempts)
    expired = Q(lease_token=job.lease_token, lease_expires_at__lt=clock.now())
    _requeue(job, expired, "The worker stopped answering.", 0, maker_is_gone=True)


def owe_notice(job: Job, kind: Kind) -> None:
    """Owe a mail about a move, in the transaction of the move. The mail is sent after the commit."""
    notice = Notice.objects.create(owner_id=job.owner_id, job=job, kind=kind)
    send_after_commit(SEND_NOTICE, notice.pk)


def _held(claim: Claim) -> QuerySet[Job]:
    return Job.objects.filter(pk=claim.job.pk, lease_token=claim.token, status=JobStatus.RUNNING)


def _current(claim: Claim) -> Job:
    """Return the job as the database has it now: the worker's copy is as old as its claim."""
    job = _held(claim).select_related("owner").first()
    if job is None:
        raise LostRace(f"the lease on job {claim.job.pk} is lost")
    return job


def _requeue(job: Job, guard: Q, what: str, delay: int, *, maker_is_gone: bool) -> None:
    if job.attempts >= settings.MAX_ATTEMPTS:
        _end_failed(
            job,
            guard,
            code="our-fault",
            message=f"The annotation did not finish in {job.attempts} attempts, for a reason on our side.",
            advice=f"Try again later, or write to {settings.SUPPORT_EMAIL} and name the job.",
            maker_is_gone=maker_is_gone,
        )
        return
    with transaction.atomic():
        lock_owner(pk=job.owner_id)
        turns.wake_next(job)
        forget_attempt(job, maker_is_gone=maker_is_gone)
        enqueue(job, f"{what} Trying again.", delay=delay, guard=guard, faults=0, **NO_FAULT_KIND, **NO_LEASE)


def _end_failed(
    job: Job, guard: Q, *, code: str, message: str, advice: str, log_key: str = "", maker_is_gone: bool = False
) -> None:
    with transaction.atomic():
        lock_owner(pk=job.owner_id)
        turns.wake_next(job)
        forget_attempt(job, maker_is_gone=maker_is_gone)
        move_job(
            job,
            JobStatus.FAILED,
            message,
            guard=guard,
            failure_code=code,
            failure_message=bounds.sentence(message),
            failure_advice=bounds.sentence(advice),
            finished_at=clock.now(),
            log_key=log_key,
            **NO_LEASE,
        )
        owe_notice(job, Notice.Kind.FAILED)
