"""Exports that a worker makes: asked for, claimed, ready or failed, downloaded from S3, and removed.

A claim is a lease that a heartbeat renews. Each attempt writes its file under a key of its own, which has the lease's
token. So a worker that lost its lease can harm no other attempt, and what it leaves in S3 is known and removed.
"""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse

from gas import clock, rounds
from gas.aws import presigned
from gas.explorer.database import Database
from gas.explorer.export_formats import FORMATS
from gas.explorer.exports import request_of
from gas.explorer.models import QUERY_CHARACTERS, ExportState, VariantExport
from gas.explorer.query import count
from gas.jobs.file_names import download_name
from gas.jobs.models import Job, Notice
from gas.jobs.queue import faults
from gas.jobs.storage.removals import HOT, remove
from gas.staff.alerts import alert_after_commit
from gas.tasknames import BUILD_VARIANT_EXPORT, SEND_NOTICE, send_after_commit
from gas.users.locks import lock_owner
from gas.users.models import User

log = logging.getLogger(__name__)

#: Attempts whose worker died or met an error of the export itself; and errors of the service or of AWS, for hours.
MAX_TRIES, MAX_FAULTS = 3, 30
#: Of one person, with those that are ready.
MOST_KEPT = 20
#: An export that takes longer is told by mail.
MAIL_AFTER = timedelta(minutes=1)
NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None, "rows_done": 0}
GIVEN_UP = "The export could not be made: each attempt failed. Our staff have been told."


class Refused(Exception):
    """The export is not made. Its text is a sentence for people."""


class LostLease(Exception):
    """The export is another worker's by now, or is removed."""


def ask(owner: User, job: Job, database: Database, text: str, kind: str) -> VariantExport:
    """Have an export made. One that is the same, and is there or being made, is returned in its place.

    Args:
        owner: who asks. That the person may see the job is the caller's to check.
        job: whose result it is of.
        database: the result's table.
        text: the parameters of the table's address, encoded: filters, order and columns.
        kind: one of FORMATS.

    Raises:
        Refused: it is too large for its format, or the person has too many.
        BadFilters: see `request_of`.
        QueryRefused: see `Database.ask`.
    """
    form = FORMATS[kind]
    if len(text) > QUERY_CHARACTERS:
        raise Refused(f"These filters are too long: the maximum is {QUERY_CHARACTERS:,} characters.")
    state = request_of(database, job.reference, text).state
    rows = count(database, state)
    if form.most is not None and rows > form.most:
        raise Refused(
            f"A sheet holds {form.most:,} variants, and these are {rows:,}. Narrow the filters, or export them as TSV "
            "or Parquet."
        )
    now = clock.now()
    with transaction.atomic():
        if lock_owner(pk=owner.pk) is None or not Job.objects.filter(pk=job.pk).exists():
            raise Refused("This job was deleted.")
        mine = VariantExport.objects.filter(owner=owner)
        usable = mine.exclude(state=ExportState.FAILED).exclude(expires_at__lte=now)
        if same := usable.filter(job=job, query=text, format=kind).first():
            return same
        if mine.filter(state__in=_ACTIVE).count() >= settings.EXPLORER_EXPORTS_AT_ONCE:
            raise Refused(
                f"The limit is {settings.EXPLORER_EXPORTS_AT_ONCE} exports at a time. Wait until one is ready, or "
                "remove one."
            )
        if mine.count() >= MOST_KEPT:
            raise Refused(f"You have {MOST_KEPT} exports, which is the maximum. Remove one first.")
        export = VariantExport.objects.create(
            owner=owner,
            job=job,
            query=text,
            described="; ".join(state.in_words) or "All variants",
            format=kind,
            rows=rows,
            asked_at=now,
            due_at=now,
        )
        send_after_commit(BUILD_VARIANT_EXPORT, export.pk)
    return export


def address(export: VariantExport) -> str | None:
    """Return a presigned address of the file; None if there is none, or none any more."""
    if export.state != ExportState.READY or export.expires_at is None or export.expires_at <= clock.now():
        return None
    filename = download_name(export.job.name, FORMATS[export.format].stored_ending)
    return presigned.download_url(settings.S3_RESULTS_BUCKET, export.key, filename=filename)


def claim(export_id: uuid.UUID) -> VariantExport | None:
    """Take an export that waits; None if somebody else has it, it is not due, or is removed."""
    now, token = clock.now(), uuid.uuid4()
    waiting = VariantExport.objects.filter(pk=export_id, state=ExportState.WAITING, due_at__lte=now)
    expires = now + timedelta(seconds=settings.LEASE_SECONDS)
    lease = {"lease_token": token, "lease_expires_at": expires, "rows_done": 0}
    if not waiting.update(state=ExportState.RUNNING, tries=F("tries") + 1, **lease):
        return None
    return VariantExport.objects.select_related("owner", "job__owner").filter(pk=export_id, lease_token=token).first()


def renew(export: VariantExport, rows_done: int) -> bool:
    """Extend the lease and tell the progress; False when the lease is no longer the caller's."""
    expires = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    return bool(_held(export).update(lease_expires_at=expires, rows_done=rows_done))


def attempt_key(export: VariantExport) -> str:
    """Return the key of the file of the attempt that has the lease."""
    return f"{export.job.export_prefix}{export.pk}/{export.lease_token}{FORMATS[export.format].stored_ending}"


def complete(export: VariantExport, *, rows: int, size: int, sha256: str) -> None:
    """Offer the file, which S3 has at `attempt_key`, and owe its owner a mail if it took long. Raises LostLease."""
    stored = {"key": attempt_key(export), "rows": rows, "size": size, "sha256": sha256}
    with transaction.atomic():
        lock_owner(pk=export.owner_id)
        _end(export, ExportState.READY, faults=0, **stored)


def fail(export: VariantExport, sentence: str) -> None:
    """End the export with a sentence for its owner, and a mail if it took long. Raises LostLease."""
    with transaction.atomic():
        lock_owner(pk=export.owner_id)
        _end(export, ExportState.FAILED, failure=sentence)


def _end(export: VariantExport, state: ExportState, **fields: Any) -> None:
    now = clock.now()
    fields |= {"finished_at": now, "expires_at": now + timedelta(days=settings.EXPLORER_EXPORT_DAYS), **NO_LEASE}
    if not _held(export).update(state=state, **fields):
        raise LostLease(export.pk)
    if now - export.asked_at > MAIL_AFTER:
        facts = {
            "export": str(export.pk),
            "path": reverse("explorer:exports"),
            "rows": fields.get("rows", export.rows),
            "failure": fields.get("failure", ""),
            "days": settings.EXPLORER_EXPORT_DAYS,
        }
        to = {"owner_id": export.owner_id, "job_id": export.job_id}
        notice = Notice.objects.create(kind=Notice.Kind.EXPORT, facts=facts, **to)
        send_after_commit(SEND_NOTICE, notice.pk)


def put_off(export: VariantExport, *, ours: bool, reason: str) -> None:
    """End an attempt without a file: another one comes later, unless there were too many. Raises LostLease.

    Args:
        ours: an error of the service or of AWS, which counts as no try.
        reason: what staff are told.
    """
    faulty = export.faults + 1 if ours else 0
    if faulty >= MAX_FAULTS or (not ours and export.tries >= MAX_TRIES):
        with transaction.atomic():
            fail(export, GIVEN_UP)
            alert_after_commit(
                "An export of variants could not be made",
                f"{export}, after {export.tries} tries and {export.faults} faults: {reason[:500]}. Once the cause is "
                "found, make it again from the list of exports in the admin.",
            )
        return
    due = clock.now() + timedelta(seconds=faults.pause(max(faulty, export.tries)))
    tries = export.tries - 1 if ours else export.tries
    with transaction.atomic():
        if not _held(export).update(state=ExportState.WAITING, due_at=due, faults=faulty, tries=tries, **NO_LEASE):
            raise LostLease(export.pk)
        if ours:
            faults.tell("Exports of variants cannot be made", faulty, f"{export}: {reason}")


def wait(export: VariantExport) -> None:
    """End an attempt because the result cannot be read yet: another one comes later, and none is counted.

    A restore from the archive takes up to two days, a table a minute: the pause is a tenth of the export's age.
    Raises LostLease.
    """
    age = (clock.now() - export.asked_at).total_seconds()
    due = clock.now() + timedelta(seconds=min(max(age / 10, faults.FIRST_PAUSE), faults.LONGEST_PAUSE))
    fields = {"state": ExportState.WAITING, "due_at": due, "tries": export.tries - 1, **NO_LEASE}
    if not _held(export).update(**fields):
        raise LostLease(export.pk)


def take_back(export: VariantExport) -> None:
    """End the lease of a worker that no longer renews it: another one makes the export. Raises LostLease."""
    with transaction.atomic():
        lock_owner(pk=export.owner_id)
        # Locked, so that its worker cannot renew the lease meanwhile.
        expired = _held(export).filter(lease_expires_at__lt=clock.now())
        found = expired.select_for_update(of=("self",)).select_related("job").first()
        if found is None:
            raise LostLease(export.pk)
        remove(HOT, attempt_key(found), maker_is_gone=True)
        put_off(found, ours=False, reason="its worker is gone")


def try_again(exports: QuerySet[VariantExport]) -> int:
    """Have exports that failed made after all. Returns how many."""
    done = 0
    for pk in exports.filter(state=ExportState.FAILED).values_list("pk", flat=True):
        fresh = {"state": ExportState.WAITING, "due_at": clock.now(), "finished_at": None, "expires_at": None}
        with transaction.atomic():
            failed = VariantExport.objects.filter(pk=pk, state=ExportState.FAILED)
            done += failed.update(tries=0, faults=0, failure="", **fresh)
            send_after_commit(BUILD_VARIANT_EXPORT, pk)
    return done


def discard(exports: QuerySet[VariantExport]) -> int:
    """Remove exports, of one person or several, with their files. Returns how many. A worker that has one stops."""
    done = 0
    for pk, owner in exports.values_list("pk", "owner"):
        with transaction.atomic():
            lock_owner(pk=owner)
            export = VariantExport.objects.select_for_update(of=("self",)).select_related("job").filter(pk=pk).first()
            if export is None:
                continue
            if export.key:
                remove(HOT, export.key)
            elif export.lease_token:
                remove(HOT, attempt_key(export), maker_is_gone=True)
            Notice.objects.filter(kind=Notice.Kind.EXPORT, facts__export=str(pk), sent_at=None).delete()
            export.delete()
            done += 1
    return done


def tend() -> dict[str, int]:
    """For the beat: release exports that lost their worker, send lost messages again, and remove expired exports."""
    steps: dict[str, rounds.Step] = {"leases": _take_back_expired, "messages": _resend, "expired": _remove_expired}
    return rounds.take(steps, log)


def _take_back_expired(now: datetime) -> int:
    lost = VariantExport.objects.filter(state=ExportState.RUNNING, lease_expires_at__lt=now).select_related("job")
    return rounds.each(lost.order_by("lease_expires_at")[: rounds.BATCH], take_back, log, fine=(LostLease,))


def _resend(now: datetime) -> int:
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    due = VariantExport.objects.filter(state=ExportState.WAITING, due_at__lt=late)
    return rounds.resend(due, now, "due_at", BUILD_VARIANT_EXPORT, log)


def _remove_expired(now: datetime) -> int:
    over = VariantExport.objects.filter(expires_at__lte=now).order_by("expires_at")
    return discard(over[: rounds.BATCH])


def _held(export: VariantExport) -> QuerySet[VariantExport]:
    return VariantExport.objects.filter(pk=export.pk, state=ExportState.RUNNING, lease_token=export.lease_token)


_ACTIVE = (ExportState.WAITING, ExportState.RUNNING)
