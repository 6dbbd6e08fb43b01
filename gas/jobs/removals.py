"""Copies that nobody needs: archives, and objects in S3 that an attempt left behind. A row, until they are gone."""

from datetime import timedelta

from django.conf import settings

from gas import clock
from gas.aws import s3
from gas.aws.archives import archive
from gas.jobs.models import Removal
from gas.tasknames import REMOVE_COPY, send_after_commit

#: Where a copy is, beside the archive's routes: in the results bucket, under a key.
HOT = "hot"


def remove(route: str, copy_id: str, *, maker_is_gone: bool = False) -> None:
    """Within a transaction: nobody needs the copy once this has committed.

    maker_is_gone: it may be there or not, or still come, since whoever was making it lost its lease and never told.
    It is looked for a lease's time from now, when a call that was on its way has arrived.
    """
    wait = settings.LEASE_SECONDS if maker_is_gone else 0
    due = clock.now() + timedelta(seconds=wait)
    removal = Removal.objects.create(route=route, copy_id=copy_id, due_at=due)
    send_after_commit(REMOVE_COPY, removal.pk, countdown=wait + 1 if wait else 0)


def carry_out(removal: Removal) -> None:
    """Delete the copy, then the row. One that is gone already is no error."""
    if removal.due_at > clock.now():
        return
    if removal.route == HOT:
        s3.delete(settings.S3_RESULTS_BUCKET, removal.copy_id)
    else:
        archive(removal.route).delete(removal.copy_id)
    removal.delete()
