"""Uploads whose file was never confirmed: find them and remove them."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from gas.aws.clients import AWSError
from gas.jobs.lifecycle.uploads import UploadRefused, confirm_upload
from gas.jobs.models import Job
from gas.jobs.states import JobStatus
from gas.users.locks import lock_owner
from gas.users.models import User

log = logging.getLogger(__name__)

#: An unfinished upload that began longer ago than this can be removed by its owner.
QUIET = timedelta(minutes=5)
#: Maximum number of uploads that one call of `clear` looks up in S3.
CLEAR_AT_ONCE = 50


@dataclass(frozen=True)
class Cleared:
    """The outcome of `clear`.

    Attributes:
        removed: number of uploads that were removed.
        kept: number of uploads whose file has arrived.
        left: number of uploads that were not looked at; call `clear` again.
    """

    removed: int = 0
    kept: int = 0
    left: int = 0


def unfinished(owner: User) -> QuerySet[Job]:
    """Return the owner's uploads whose file was never confirmed, except those that began within QUIET.

    Their files may have arrived nevertheless, or another tab may still be sending them.
    """
    quiet = Q(status=JobStatus.UPLOADING, created_at__lt=timezone.now() - QUIET)
    return Job.objects.filter(quiet | Q(status=JobStatus.CANCELLED), owner=owner, input_etag="")


def discard(job: Job) -> bool:
    """Remove an upload whose file has not been confirmed, and the file with it. Returns False if the upload is kept."""
    with transaction.atomic():
        lock_owner(pk=job.owner_id)
        current = Job.objects.filter(pk=job.pk).first()
        if current is None:
            return True
        if not current.is_unfinished_upload:
            return False
        current.delete()
    return True


def discard_unless_arrived(job: Job) -> bool:
    """Remove an unfinished upload; if its file has arrived in S3, confirm it instead.

    Returns:
        Whether it was removed. If the file has arrived but is refused, the upload is not removed: the job has failed,
        and its page says why.

    Raises:
        AWSError: S3 does not answer whether the file has arrived; the upload is kept.
    """
    if job.status == JobStatus.UPLOADING:
        with suppress(UploadRefused):
            confirm_upload(job)
    return discard(job)


def clear(owner: User) -> Cleared:
    """Remove the owner's unfinished uploads whose file has not arrived. Sends at most CLEAR_AT_ONCE requests to S3.

    When S3 does not answer, the remaining uploads are kept.
    """
    uploading = unfinished(owner).filter(status=JobStatus.UPLOADING).select_related("owner").order_by("created_at")
    ended = unfinished(owner).exclude(status=JobStatus.UPLOADING)
    removed = sum(discard(job) for job in ended)
    kept = 0
    for job in uploading[:CLEAR_AT_ONCE]:
        try:
            gone = discard_unless_arrived(job)
        except AWSError:
            log.exception("clearing the uploads of %s", owner.pk)
            break
        removed, kept = removed + gone, kept + (not gone)
    return Cleared(removed, kept, left=unfinished(owner).count())
