"""Objects of deleted jobs go too, however a job's row came to be deleted."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from gas.aws import s3
from gas.jobs import archival
from gas.jobs.models import DeletedJob, Job, Purge, ResultFile
from gas.jobs.removals import remove
from gas.jobs.turns import wake_next
from gas.tasknames import PURGE, send_after_commit
from gas.users.models import User


@receiver(pre_delete, sender=Job)
def remember_objects(instance: Job, **_: Any) -> None:
    """Write down, in the transaction of the deletion, which folders are to be emptied.

    The rows are locked first: a worker that is just completing the job, archiving or restoring its result is done
    before, so that what it made is found here, or finds the rows gone. Owner, result, job: the order of all others.
    """
    list(User.objects.select_for_update().filter(pk=instance.owner_id).values_list("pk"))
    result = ResultFile.objects.select_for_update().filter(job=instance).first()
    list(Job.objects.select_for_update().filter(pk=instance.pk).values_list("pk"))
    upload_ends = instance.created_at + timedelta(seconds=settings.UPLOAD_EXPIRES_SECONDS)
    worker_stops = timezone.now() + timedelta(seconds=2 * settings.LEASE_SECONDS)
    purge = Purge.objects.create(
        input_prefix=instance.input_prefix,
        result_prefix=instance.result_prefix,
        settled_at=max(upload_ends, worker_stops),
    )
    DeletedJob.objects.get_or_create(job=instance.pk)
    send_after_commit(PURGE, purge.pk)
    wake_next(instance.owner_id)
    if result and result.archive_id:
        remove(result.archive_route, result.archive_id)
    if result:
        archival.forget_attempt(result)


def empty_folders(purge_id: int) -> None:
    """Delete the objects. Once nothing can be written any more the note is done with, too. Safe to repeat."""
    purge = Purge.objects.filter(pk=purge_id).first()
    if purge is None:
        return
    started = timezone.now()
    s3.delete_prefix(settings.S3_INPUTS_BUCKET, purge.input_prefix)
    s3.delete_prefix(settings.S3_RESULTS_BUCKET, purge.result_prefix)
    with transaction.atomic():
        if purge.settled_at <= started:
            purge.delete()
        else:
            Purge.objects.filter(pk=purge_id).update(emptied_at=started)
