"""What an owner, or staff for them, can do about a job: cancel and retry.

Deleting is the row's own `delete()`: gas.jobs.purge sees to its objects.
"""

from django.conf import settings
from django.db import transaction

from gas import clock
from gas.aws import s3
from gas.jobs.leases import NO_LEASE
from gas.jobs.models import FINAL, Job
from gas.jobs.queue import enqueue, is_full
from gas.jobs.states import JobStatus, Outrun, move_job
from gas.jobs.turns import wake_next
from gas.users.locks import lock_owner
from gas.users.models import User


class ActionRefused(Exception):
    """The job is not in a state for this; the text says why."""


def cancel(job: Job, *, actor: User) -> None:
    """Stop waiting or working. A worker that has it notices at its next heartbeat.

    Raises:
        ActionRefused: it has ended already.
    """
    if not job.can_cancel:
        raise ActionRefused("This job has already ended.")
    try:
        with transaction.atomic():
            lock_owner(pk=job.owner_id)
            wake_next(job)
            move_job(job, JobStatus.CANCELLED, "Cancelled.", actor=actor, finished_at=clock.now(), **NO_LEASE)
    except Outrun:
        found = Job.objects.filter(pk=job.pk).first()
        if found is None or found.status == JobStatus.CANCELLED:
            return
        cancel(found, actor=actor)  # it moved on meanwhile, and can only do so a few times before it ends


def retry(job: Job, *, actor: User) -> None:
    """Put a failed or cancelled job back into the queue, with its attempts counted afresh.

    Raises:
        ActionRefused: it has a result, is under way, or its input is gone.
    """
    if not job.can_retry:
        raise ActionRefused(
            "Another try cannot help this job. Upload its file again."
            if job.failure_code in FINAL
            else "Only a job that failed or was cancelled after its upload can be tried again."
        )
    if s3.head(settings.S3_INPUTS_BUCKET, job.input_key) is None:
        raise ActionRefused("The uploaded file is gone. Upload it again.")
    if full := is_full(job.owner):
        raise ActionRefused(full)
    try:
        enqueue(
            job,
            "Trying again.",
            actor=actor,
            submitted_at=clock.now(),
            finished_at=None,
            attempts=0,
            failure_code="",
            failure_message="",
            failure_advice="",
        )
    except Outrun as moved:
        raise ActionRefused("Somebody has already done so.") from moved
