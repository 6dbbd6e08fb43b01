"""From a file in somebody's browser to a job that waits for a worker."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from gas import clock
from gas.aws import s3
from gas.aws.clients import AWSError
from gas.jobs.catalogue import references
from gas.jobs.file_names import clean_name
from gas.jobs.models import Job, UploadSwitch
from gas.jobs.moves import LostRace, move_job
from gas.jobs.queue.enqueue import enqueue, refusal_reason
from gas.jobs.sizes import in_words
from gas.jobs.states import JobStatus
from gas.rate_limits import RateLimit
from gas.subscriptions.plans import PLANS, Plan, plan_of
from gas.users.locks import lock_owner
from gas.users.models import PlanChoice, User

log = logging.getLogger(__name__)

LIMIT = RateLimit("uploads", seconds=3600)

#: An upload that began so long ago, and has not finished, is offered to be cleared away.
QUIET = timedelta(minutes=5)
#: Uploads that one request of `clear` looks for in S3 at most.
CLEAR_AT_ONCE = 50


class Resume(StrEnum):
    """Where the uploader begins when the person tries a refused upload again."""

    OPEN = "open"  # open the same upload again: the reason may have passed
    NEW = "new"  # the job is gone or has ended: open another
    NEVER = "never"  # the file itself is refused


class UploadRefused(Exception):
    """The upload cannot be accepted. `message` tells its owner why, `advice` what to do; the text is both.

    `resume`: where another try begins.
    """

    def __init__(self, message: str, advice: str = "", *, resume: Resume = Resume.OPEN) -> None:
        super().__init__(f"{message} {advice}".strip())
        self.message, self.advice, self.resume = message, advice, resume


class TooMany(UploadRefused):
    """More uploads than a person begins."""


@dataclass(frozen=True)
class Cleared:
    """What `clear` did.

    removed: uploads that were removed.
    kept: uploads whose file has arrived.
    left: uploads that were not looked at; clear again.
    """

    removed: int = 0
    kept: int = 0
    left: int = 0


@dataclass(frozen=True)
class Ticket:
    """A job, and the form that brings its file to S3: {"url": …, "fields": {…}}; None if the file is there."""

    job: Job
    form: dict[str, Any] | None


def open_upload(owner: User, *, name: str, size: int, reference: str, key: UUID | None = None) -> Ticket:
    """Make a job for a file of `size` bytes, and the presigned form to upload it with.

    Args:
        key: chosen by the browser for this upload. Opening an upload again with the same key gives the same job, with
            a fresh form and the reference of this call.

    Raises:
        UploadRefused: uploads are closed, the size is beyond the limit, there is no such reference, or the job with
            this key has ended.
        TooMany: the owner has begun UPLOADS_PER_HOUR of them within the hour.
    """
    if key and (job := Job.objects.filter(owner=owner, idempotency_key=key).first()):
        return _open_again(job, reference)
    if no := closed_message():
        raise UploadRefused(no)
    _count(owner)
    _check_size(size, plan_of(owner))
    _check_reference(reference)
    job = Job(owner=owner, name=clean_name(name), reference=reference, idempotency_key=key)
    form = _form(job)
    job.upload_expires_at = _form_expires_at()
    try:
        with transaction.atomic():
            lock_owner(pk=owner.pk)  # of requests at the same time each sees the jobs of those before it
            if no := refusal_reason(owner):
                raise UploadRefused(no)
            job.save(force_insert=True)
            job.events.create(message="Upload started.", actor=owner)
    except IntegrityError:  # opened twice at once
        return _open_again(Job.objects.get(owner=owner, idempotency_key=key), reference)
    return Ticket(job, form)


def renew(job: Job) -> Ticket:
    """Return a fresh form for an upload. Raises UploadRefused if it has ended without its file."""
    return _open_again(job, job.reference)


def _open_again(job: Job, reference: str) -> Ticket:
    """The same job with a fresh form, if it still expects its file. Raises UploadRefused if it has ended without."""
    if job.status == JobStatus.UPLOADING:
        _check_reference(reference)
        form = _form(job)
        expects = Job.objects.filter(pk=job.pk, status=JobStatus.UPLOADING)
        if expects.update(reference=reference, upload_expires_at=_form_expires_at()):
            return Ticket(job, form)
        job.refresh_from_db()
    _check_not_ended(job)
    return Ticket(job, None)


def _check_not_ended(job: Job) -> None:
    if job.status == JobStatus.FAILED and not job.input_etag:
        raise UploadRefused(job.failure_message, job.failure_advice, resume=Resume.NEVER)
    if job.is_finished and not job.input_etag:
        raise UploadRefused("This upload was cancelled meanwhile.", resume=Resume.NEW)


def _form(job: Job) -> dict[str, Any]:
    return s3.presigned_upload(job.input_key, max_bytes=plan_of(job.owner).max_upload_bytes)


def _form_expires_at() -> datetime:
    return clock.now() + timedelta(seconds=settings.UPLOAD_EXPIRES_SECONDS)


def confirm_upload(job: Job) -> Job:
    """The file has arrived: check it and put the job into the queue. Safe to call again.

    The ETag is kept, so that a file that is replaced afterwards is noticed when it is read.

    Raises:
        UploadRefused: S3 has no file, or one beyond the limit, which ends the job; or the job was cancelled before its
            file was confirmed.
    """
    if job.status != JobStatus.UPLOADING:
        _check_not_ended(job)
        return job
    found = s3.head(settings.S3_INPUTS_BUCKET, job.input_key)
    if found is None:
        raise UploadRefused("The file has not arrived in full.")
    try:
        _check_size(found.size, plan_of(job.owner))
    except UploadRefused as refusal:
        _refuse(job, refusal)
        raise
    try:
        enqueue(
            job,
            f"File received, {in_words(found.size)}. Waiting for a worker.",
            input_size=found.size,
            input_etag=found.etag,
            submitted_at=clock.now(),
        )
    except LostRace:  # confirmed twice at once, cancelled or deleted meanwhile: the row says which
        job = Job.objects.filter(pk=job.pk).first() or job
        _check_not_ended(job)
    return job


def unfinished(owner: User) -> QuerySet[Job]:
    """The owner's uploads whose file was never confirmed, other than those that began within QUIET.

    Their files may have arrived all the same, or still be on their way from another tab.
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
    """Remove an unfinished upload, but confirm it instead if its file has arrived in S3.

    Returns:
        Whether it was removed. A file that has arrived and is refused is not: its job has failed, and says why.

    Raises:
        AWSError: S3 does not say whether the file has arrived; the upload is kept.
    """
    if job.status == JobStatus.UPLOADING:
        with suppress(UploadRefused):
            confirm_upload(job)
    return discard(job)


def clear(owner: User) -> Cleared:
    """Remove the owner's unfinished uploads whose file has not arrived. At most CLEAR_AT_ONCE requests to S3.

    When S3 does not answer, the rest is left.
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


def closed_message() -> str:
    """Why nobody may upload now; "" when uploads are open."""
    switch = UploadSwitch.objects.first()
    if switch is None or switch.open:
        return ""
    return switch.message or "Uploads are closed at the moment. Please come back later."


def beyond_limit(size: int, plan: Plan) -> str:
    """How the size is beyond what the plan allows, in a sentence; "" if it is not."""
    limit = plan.max_upload_bytes
    if size <= limit:
        return ""
    has, may = in_words(size), in_words(limit)
    if has == may:
        has, may = f"{size:,} bytes", f"{limit:,} bytes"
    return f"The file has {has}; the limit is {may}."


def _count(owner: User) -> None:
    """In the cache, so that deleting a job does not make room for another."""
    if not LIMIT.take(owner.pk, settings.UPLOADS_PER_HOUR):
        raise TooMany(f"You have begun {settings.UPLOADS_PER_HOUR} uploads within the hour.", "Go on in the next.")


def _check_size(size: int, plan: Plan) -> None:
    if sentence := beyond_limit(size, plan):
        larger = PLANS[PlanChoice.PREMIUM]
        upgrade = f" {larger.title} takes files up to {in_words(larger.max_upload_bytes)}."
        may_help = not beyond_limit(size, larger)
        advice = f"Compress it with bgzip, or split it.{upgrade if may_help else ''}"
        raise UploadRefused(sentence, advice, resume=Resume.NEVER)
    if size < 1:
        raise UploadRefused("The file is empty.", "Choose the VCF that you meant to upload.", resume=Resume.NEVER)


def _check_reference(reference: str) -> None:
    if no := references.refusal(reference):
        raise UploadRefused(no)


def _refuse(job: Job, refusal: UploadRefused) -> None:
    with suppress(LostRace), transaction.atomic():  # refused twice at once is refused
        move_job(
            job,
            JobStatus.FAILED,
            "The uploaded file was refused.",
            failure_code="file-size",
            failure_message=refusal.message,
            failure_advice=refusal.advice,
            finished_at=clock.now(),
        )
