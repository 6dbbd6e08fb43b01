"""Delete the objects of deleted jobs, whichever way the row of a job is deleted."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from gas import clock
from gas.aws import multipart, s3
from gas.jobs.models import DeletedJob, Job, Purge, Removal, ResultFile
from gas.jobs.queue.turns import wake_next
from gas.jobs.states import ResultState
from gas.jobs.storage import archival
from gas.jobs.storage.removals import remove
from gas.tasknames import PURGE, send_after_commit
from gas.users.locks import lock_owner
from gas.users.models import User

PAGE = 1000
#: Archives of a deleted account that are removed in one transaction.
AT_ONCE = 100


@receiver(pre_delete, sender=Job)
def remember_objects(instance: Job, origin: Any = None, **_: Any) -> None:
    """Record which folders are to be emptied, in the transaction of the deletion.

    The rows are locked first, in the usual order (owner, result, job). So a worker that is completing the job, or
    archiving or restoring its result, either commits before, and its objects are found here, or finds the rows gone.
    """
    if is_of_person(origin):
        return  # the purge of the account covers it
    lock_owner(pk=instance.owner_id)
    result = ResultFile.objects.select_for_update().filter(job=instance).first()
    list(Job.objects.select_for_update().filter(pk=instance.pk).values_list("pk"))
    upload_ends = _last_form_expires(instance.created_at, instance.upload_expires_at)
    _write_down(instance.input_prefix, instance.result_prefix, upload_ends)
    DeletedJob.objects.get_or_create(job=instance.pk)
    wake_next(instance)
    if result and result.archive_id:
        remove(result.archive_route, result.archive_id)
    if result:
        archival.forget_attempt(result)
        # Django collected the result before the rows were locked; the row may be newer.
        ResultFile.objects.filter(pk=result.pk).delete()


@receiver(pre_delete, sender=User)
def remember_all_objects(instance: User, **_: Any) -> None:
    """Record everything of a person, however much it is: one purge, and a message for AT_ONCE archives only."""
    lock_owner(pk=instance.pk)
    jobs = Job.objects.filter(owner=instance).order_by()
    latest = jobs.aggregate(created=Max("created_at"), expires=Max("upload_expires_at"))
    if latest["created"] is None:
        return
    upload_ends = _last_form_expires(latest["created"], latest["expires"])
    results = ResultFile.objects.filter(job__owner=instance).order_by("pk").select_for_update(of=("self",))
    archives = results.exclude(archive_id="").values_list("archive_route", "archive_id")
    for route, copy in archives[:AT_ONCE]:
        remove(route, copy)
    # The sweep sends these messages, a page at a time, so that the person does not wait for all of them.
    now = clock.now()
    rest = [Removal(route=route, copy_id=copy, due_at=now) for route, copy in archives[AT_ONCE:]]
    Removal.objects.bulk_create(rest, batch_size=PAGE)
    for result in results.filter(state=ResultState.ARCHIVING).select_related("job"):
        archival.forget_attempt(result)
    ids = jobs.select_for_update().values_list("pk", flat=True)
    DeletedJob.objects.bulk_create([DeletedJob(job=pk) for pk in ids], batch_size=PAGE, ignore_conflicts=True)
    _write_down(f"uploads/{instance.pk}/", f"results/{instance.pk}/", upload_ends)
    ResultFile.objects.filter(job__owner=instance).delete()  # some may be newer than those that Django collected


def empty_folders(purge_id: int) -> None:
    """Delete the objects; delete the Purge too, once nothing can be written any more. Safe to repeat."""
    purge = Purge.objects.filter(pk=purge_id).first()
    if purge is None:
        return
    started = clock.now()
    multipart.abort_all(purge.input_prefix)
    s3.delete_prefix(settings.S3_INPUTS_BUCKET, purge.input_prefix)
    s3.delete_prefix(settings.S3_RESULTS_BUCKET, purge.result_prefix)
    s3.delete_prefix(settings.S3_RESULTS_BUCKET, purge.export_prefix)
    with transaction.atomic():
        if purge.settled_at <= started:
            purge.delete()
        else:
            Purge.objects.filter(pk=purge_id).update(emptied_at=started)


def is_of_person(origin: Any) -> bool:
    """Return whether a deletion began with one or more people, not with a job."""
    return isinstance(origin, User) or getattr(origin, "model", None) is User


def _last_form_expires(created_at: datetime, upload_expires_at: datetime | None) -> datetime:
    first = created_at + timedelta(seconds=settings.UPLOAD_EXPIRES_SECONDS)
    return max(first, upload_expires_at or first)


def _write_down(input_prefix: str, result_prefix: str, upload_ends: datetime) -> None:
    worker_stops = clock.now() + timedelta(seconds=2 * settings.LEASE_SECONDS)
    purge = Purge.objects.create(
        input_prefix=input_prefix, result_prefix=result_prefix, settled_at=max(upload_ends, worker_stops)
    )
    send_after_commit(PURGE, purge.pk)
