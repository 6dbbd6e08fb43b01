"""What an owner, or staff for them, can do with a job: cancel and retry.

To delete a job, call the row's `delete()`: gas.jobs.storage.purge deletes its objects.
"""

from django.conf import settings
from django.db import transaction

from gas import clock
from gas.aws import s3
from gas.jobs.lifecycle.failures import failure_of
from gas.jobs.lifecycle.leases import NO_FAULT_KIND, NO_LEASE, forget_attempt
from gas.jobs.lifecycle.uploads import beyond_limit
from gas.jobs.models import Job
from gas.jobs.moves import LostRace, move_job
from gas.jobs.queue.enqueue import enqueue, refusal_reason
from gas.jobs.queue.turns import wake_next
from gas.jobs.states import JobStatus
from gas.jobs.storage.removals import HOT, remove
from gas.subscriptions.plans import plan_of
from gas.users.locks import lock_owner
from gas.users.models import User


class ActionRefused(Exception):
    """The state of the job does not allow this action. The text says why."""


def cancel(job: Job, *, actor: User) -> None:
    """Cancel a waiting or running job. Its worker notices at its next heartbeat.

    Raises:
        ActionRefused: the job has ended already.
    """
    if not job.can_cancel:
        raise ActionRefused("This job has already ended.")
    try:
        with transaction.atomic():
            lock_owner(pk=job.owner_id)
            wake_next(job)
            forget_attempt(job, maker_is_gone=True)
            move_job(job, JobStatus.CANCELLED, "Cancelled.", actor=actor, finished_at=clock.now(), **NO_LEASE)
    except LostRace:
        found = Job.objects.filter(pk=job.pk).first()
        if found is None or found.status == JobStatus.CANCELLED:
            return
        cancel(found, actor=actor)  # the job changed its state meanwhile, which can happen only a few times


def retry_refusal(job: Job) -> str:
    """Return why another try of the job cannot help, in a sentence; "" if it can."""
    if job.status not in {JobStatus.FAILED, JobStatus.CANCELLED} or not job.input_etag:
        return "Only a job that failed or was cancelled after its upload can be tried again."
    if job.status == JobStatus.FAILED and not failure_of(job.failure_code).retry:
        return "Another try would end the same way. Upload the file again, corrected, as a new job."
    if too_large := beyond_limit(job.input_size or 0, plan_of(job.owner)):
        return f"{too_large} Upgrade your plan first, or upload a smaller file."
    return ""


def retry(job: Job, *, actor: User) -> None:
    """Put a failed or cancelled job back into the queue, and count its attempts from 0 again.

    Staff may also retry a job whose file is at fault: a bug in the annotator may have been fixed.

    Raises:
        ActionRefused: the job has a result or is active, another try cannot help, or the input is gone.
    """
    refusal = retry_refusal(job)
    by_staff = actor.pk != job.owner_id and job.status == JobStatus.FAILED and job.input_etag
    if refusal and not by_staff:
        raise ActionRefused(refusal)
    if s3.head(settings.S3_INPUTS_BUCKET, job.input_key) is None:
        raise ActionRefused("The uploaded file is gone. Upload it again.")
    try:
        with transaction.atomic():
            lock_owner(pk=job.owner_id)  # concurrent requests see each other's jobs
            if full := refusal_reason(job.owner):
                raise ActionRefused(full)
            # Only the job's row names the log of the failed attempt.
            old_log = Job.objects.filter(pk=job.pk).values_list("log_key", flat=True).first()
            if old_log:
                remove(HOT, old_log)
            enqueue(
                job,
                "Trying again.",
                log_key="",
                actor=actor,
                submitted_at=clock.now(),
                finished_at=None,
                attempts=0,
                faults=0,
                **NO_FAULT_KIND,
                failure_code="",
                failure_message="",
                failure_advice="",
            )
    except LostRace as moved:
        raise ActionRefused("Somebody has already done so.") from moved
