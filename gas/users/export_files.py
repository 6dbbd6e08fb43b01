"""A person's data as a ZIP in S3: requested on the profile page, made by a worker, kept for a day.

No web process sends the file: the browser downloads it from S3, by an address presigned for the signed-in person.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from gas import clock
from gas.aws import presigned, s3, stream_upload
from gas.tasknames import BUILD_EXPORT, REMOVE_EXPORT, send_after_commit
from gas.users.export import everything, stream_zip
from gas.users.locks import lock_owner
from gas.users.models import Export, User

log = logging.getLogger(__name__)

#: How long a file is kept after it is ready.
KEPT = timedelta(days=1)
#: The export has failed after this number of workers did not finish it.
MAX_TRIES = 3
#: Rows whose file may still be written are kept this much longer than a worker can run.
MARGIN = timedelta(minutes=5)
BATCH = 200


def ask(user: User) -> bool:
    """Request an export, replacing the existing one. Returns False if one is being made already."""
    now = clock.now()
    with transaction.atomic():
        lock_owner(pk=user.pk)
        old = Export.objects.filter(owner=user).first()
        if old and old.is_being_made:
            return False
        if old:
            discard(Export.objects.filter(pk=old.pk), now)
        new = uuid4()
        Export.objects.create(
            id=new,
            owner=user,
            key=f"exports/{user.pk}/{new}.zip",
            requested_at=now,
            due_at=now,
            expires_at=now + KEPT,
        )
        send_after_commit(BUILD_EXPORT, new)
    return True


def build(export_id: UUID) -> None:
    """Make the file, unless another worker is making it or it is no longer wanted. Safe to repeat."""
    now = clock.now()
    longest = timedelta(seconds=settings.ANNOTATE_HARD_LIMIT_SECONDS) + MARGIN
    waiting = _being_made().filter(pk=export_id, due_at__lte=now, owner__isnull=False)
    if not waiting.update(due_at=now + longest, expires_at=now + longest + KEPT, tries=F("tries") + 1):
        return
    export = Export.objects.select_related("owner").get(pk=export_id)
    mine = _being_made().filter(pk=export_id, due_at=export.due_at, owner__isnull=False)
    if export.owner is None:
        return
    try:
        size = stream_upload.upload_stream(stream_zip(everything(export.owner)), settings.S3_RESULTS_BUCKET, export.key)
    except Exception:
        log.exception("export %s, try %d, failed", export_id, export.tries)
        mine.update(failed_at=clock.now())
        return
    done = clock.now()
    if not mine.update(size=size, ready_at=done, expires_at=done + KEPT):
        s3.delete(settings.S3_RESULTS_BUCKET, export.key)  # the account was deleted meanwhile


def address(user: User) -> str | None:
    """Return a presigned address of the person's own file; None if there is none."""
    ready = Export.objects.filter(owner=user, ready_at__isnull=False, expires_at__gt=clock.now()).first()
    if ready is None:
        return None
    filename = f"gas-data-{timezone.localtime(ready.ready_at):%Y-%m-%d}.zip"
    return presigned.download_url(settings.S3_RESULTS_BUCKET, ready.key, filename=filename)


def discard(exports: QuerySet[Export], now: datetime) -> None:
    """Have the files of these exports removed, of any owner. Call it in a transaction."""
    for export in exports:
        Export.objects.filter(pk=export.pk).update(owner=None, expires_at=now)
        send_after_commit(REMOVE_EXPORT, export.pk)


def discard_of(user: User) -> None:
    """Have a person's export removed before the account is deleted."""
    discard(Export.objects.filter(owner=user), clock.now())


def remove(export_id: UUID) -> None:
    """Delete an expired export: its file, and its row once no worker can write the file again."""
    now = clock.now()
    over = Export.objects.filter(pk=export_id, expires_at__lte=now).first()
    if over is None:
        return
    s3.delete(settings.S3_RESULTS_BUCKET, over.key)
    Export.objects.filter(pk=export_id, expires_at__lte=now).exclude(_may_be_written(now)).delete()


def tend() -> int:
    """Send messages for exports whose worker is lost, and for expired files. Called by beat. Returns how many."""
    now = clock.now()
    late = _being_made().filter(due_at__lt=now - timedelta(seconds=settings.RESEND_AFTER_SECONDS))
    late.filter(tries__gte=MAX_TRIES).update(failed_at=now)
    lost = list(late.filter(owner__isnull=False).values_list("pk", flat=True)[:BATCH])
    over = list(Export.objects.filter(expires_at__lte=now).values_list("pk", flat=True)[:BATCH])
    for pk in lost:
        send_after_commit(BUILD_EXPORT, pk)
    for pk in over:
        send_after_commit(REMOVE_EXPORT, pk)
    return len(lost) + len(over)


def _being_made() -> QuerySet[Export]:
    return Export.objects.filter(ready_at=None, failed_at=None)


def _may_be_written(now: datetime) -> Q:
    """Select the exports that a worker may still be writing."""
    return Q(ready_at=None, failed_at=None, tries__gt=0, due_at__gt=now)
