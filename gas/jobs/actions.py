"""What an owner, or staff for them, can do about a job: cancel and retry.

Deleting is the row's own `delete()`: gas.jobs.purge sees to its objects.
"""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gas.aws import s3
from gas.jobs.leases import NO_LEASE
from gas.jobs.models import Job
from gas.jobs.states import JobStatus, Outrun, move_job
from gas.tasknames import ANNOTATE, send_after_commit
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
            move_job(job, JobStatus.CANCELLED, "Cancelled.", actor=actor, finished_at=timezone.now(), **NO_LEASE)
    except Outrun:
        job.refresh_from_db()
        if job.status == JobStatus.CANCELLED:
            return
        cancel(job, actor=actor)  # it moved on meanwhile, and can only do so a few times before it ends


def retry(job: Job, *, actor: User) -> None:
    """Put a failed or cancelled job back into the queue, with its attempts counted afresh.

    Raises:
        ActionRefused: it has a result, is under way, or its input is gone.
    """
    if not job.can_retry:
        raise ActionRefused("Only a job that failed or was cancelled after its upload can be tried again.")
    if s3.head(settings.S3_INPUTS_BUCKET, job.input_key) is None:
        raise ActionRefused("The uploaded file is gone. Upload it again.")
    now = timezone.now()
    try:
        with transaction.atomic():
            move_job(
                job,
                JobStatus.PENDING,
                "Trying again.",
                actor=actor,
                submitted_at=now,
                sent_at=now,
                finished_at=None,
                attempts=0,
                failure_code="",
                failure_message="",
                failure_advice="",
            )
            send_after_commit(ANNOTATE, job.pk)
    except Outrun as moved:
        raise ActionRefused("Somebody has already done so.") from moved
