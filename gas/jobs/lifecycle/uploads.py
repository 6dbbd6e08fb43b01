"""Uploads: from a file in a browser or program to a job that waits for a worker."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from gas import clock
from gas.aws import multipart, presigned, s3
from gas.jobs.catalogue import references
from gas.jobs.file_names import clean_name
from gas.jobs.lifecycle import parts
from gas.jobs.models import Job, PartedUpload, UploadSwitch
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


DAMAGED = "input-damaged"


class Resume(StrEnum):
    """Where the uploader starts when the person tries a refused upload again."""

    OPEN = "open"  # open the same upload again: the reason may be gone
    NEW = "new"  # the job is deleted or has ended: open a new upload
    NEVER = "never"  # the file itself is refused


class UploadRefused(Exception):
    """The upload is refused. `message` tells its owner why, and `advice` what to do; the text is both.

    `resume` says where another try starts.
    """

    def __init__(self, message: str, advice: str = "", *, resume: Resume = Resume.OPEN) -> None:
        super().__init__(f"{message} {advice}".strip())
        self.message, self.advice, self.resume = message, advice, resume


class TooMany(UploadRefused):
    """The person has begun more uploads than are allowed."""


@dataclass(frozen=True)
class Ticket:
    """A job, and how its file is sent to S3: by a form or in parts; by neither if S3 has the file.

    form: {"url": …, "fields": {…}}.
    parted: the row of a multipart upload.
    expires_in: seconds until a new form is needed.
    """

    job: Job
    form: dict[str, Any] | None = None
    parted: PartedUpload | None = None
    expires_in: int = 0


def open_upload(
    owner: User, *, name: str, size: int, reference: str, key: UUID | None = None, in_parts: bool = False
) -> Ticket:
    """Create a job for a file of `size` bytes, with a presigned form or a multipart upload.

    Args:
        key: chosen by the client for this upload. A second call with the same key returns the same job, with a fresh
            form, or the parts that have arrived, and the reference of the second call.
        in_parts: use a multipart upload for any size. A file larger than UPLOAD_PART_BYTES always gets one.

    Raises:
        UploadRefused: uploads are closed, the size is beyond the limit, there is no such reference, or the job with
            this key has ended.
        TooMany: the owner has begun UPLOADS_PER_HOUR uploads within the hour.
    """
    if key and (job := Job.objects.filter(owner=owner, idempotency_key=key).first()):
        return _open_again(job, reference, size)
    if no := closed_message():
        raise UploadRefused(no)
    _count(owner)
    _check_size(size, plan_of(owner))
    _check_reference(reference)
    job = Job(owner=owner, name=clean_name(name), reference=reference, idempotency_key=key)
    ticket = _ticket(job, parts.begin(job, size) if in_parts or size > settings.UPLOAD_PART_BYTES else None)
    try:
        _save(ticket)
    except Exception as error:
        if ticket.parted:
            multipart.abort(job.input_key, ticket.parted.upload_id)
        if not isinstance(error, IntegrityError):
            raise
        return _open_again(Job.objects.get(owner=owner, idempotency_key=key), reference, size)  # opened concurrently
    return ticket


@transaction.atomic
def _save(ticket: Ticket) -> None:
    owner = ticket.job.owner
    lock_owner(pk=owner.pk)  # concurrent requests see each other's jobs
    if no := refusal_reason(owner):
        raise UploadRefused(no)
    ticket.job.save(force_insert=True)
    if ticket.parted:
        ticket.parted.save(force_insert=True)
    ticket.job.events.create(message="Upload started.", actor=owner)


def renew(job: Job) -> Ticket:
    """Return a new form for an upload, or its parts. Raises UploadRefused if the job has ended without its file."""
    return _open_again(job, job.reference)


def _open_again(job: Job, reference: str, size: int | None = None) -> Ticket:
    """Return the same job with a fresh form or its multipart upload, if the job still expects its file.

    Raises:
        UploadRefused: the job has ended without its file, or its multipart upload is of a file of another size.
    """
    if job.status == JobStatus.UPLOADING:
        _check_reference(reference)
        parted = PartedUpload.objects.filter(job=job).first()
        if parted and size not in {None, parted.size}:
            raise UploadRefused("This upload was begun with another file.", resume=Resume.NEW)
        ticket = _ticket(job, parted)
        expects = Job.objects.filter(pk=job.pk, status=JobStatus.UPLOADING)
        if expects.update(reference=reference, upload_expires_at=job.upload_expires_at):
            return ticket
        job.refresh_from_db()
    check_not_ended(job)
    return Ticket(job)


def _ticket(job: Job, parted: PartedUpload | None) -> Ticket:
    """Set when the upload ends, and return how its file is sent. Does not save."""
    seconds = presigned.upload_seconds()
    job.upload_expires_at = clock.now() + timedelta(seconds=settings.UPLOAD_RESUME_SECONDS if parted else seconds)
    if parted:
        return Ticket(job, parted=parted)
    form = presigned.upload_form(job.input_key, max_bytes=plan_of(job.owner).max_upload_bytes)
    return Ticket(job, form, expires_in=seconds)


def check_not_ended(job: Job) -> None:
    """Raise UploadRefused if the job has ended without its file."""
    if job.status == JobStatus.FAILED and not job.input_etag:
        resume = Resume.NEW if job.failure_code == DAMAGED else Resume.NEVER
        raise UploadRefused(job.failure_message, job.failure_advice, resume=resume)
    if job.is_finished and not job.input_etag:
        raise UploadRefused(
            "This upload was cancelled, or ended because it was not finished in time.", resume=Resume.NEW
        )


def confirm_upload(job: Job) -> Job:
    """Check the file, which has arrived in S3, and put the job into the queue. Safe to repeat.

    The ETag is stored, so that the worker notices if the file was replaced.

    Raises:
            UploadRefused: S3 has no file, or the file is beyond the limit, which ends the job; or the job was cancelled
                before its file was confirmed.
    """
    if job.status != JobStatus.UPLOADING:
        check_not_ended(job)
        return job
    _complete_parts(job)
    found = s3.head(settings.S3_INPUTS_BUCKET, job.input_key)
    if found is None:
        raise UploadRefused("The file has not arrived in full.")
    try:
        _check_size(found.size, plan_of(job.owner))
    except UploadRefused as refusal:
        _refuse(job, refusal, code="file-size")
        raise
    try:
        enqueue(
            job,
            f"File received, {in_words(found.size)}. Waiting for a worker.",
            input_size=found.size,
            input_etag=found.etag,
            submitted_at=clock.now(),
        )
    except LostRace:  # concurrently confirmed, cancelled or deleted: see the row
        job = Job.objects.filter(pk=job.pk).first() or job
        check_not_ended(job)
    return job


def _complete_parts(job: Job) -> None:
    """Combine the parts of an upload. Raises UploadRefused if parts are missing, or are not the announced bytes."""
    upload = PartedUpload.objects.select_related("job").filter(job=job).first()
    if upload is None:
        return
    try:
        parts.complete(upload)
    except parts.PartsMissing as missing:
        raise UploadRefused(f"The file has not arrived in full. {missing}") from missing
    except s3.CopyDiffers as differs:
        refusal = UploadRefused("What arrived is not the file that was sent.", "Upload it again.", resume=Resume.NEW)
        _refuse(job, refusal, code=DAMAGED)
        raise refusal from differs


def closed_message() -> str:
    """Return why uploads are closed now; "" when they are open."""
    switch = UploadSwitch.objects.first()
    if switch is None or switch.open:
        return ""
    return switch.message or "Uploads are closed at the moment. Please come back later."


def beyond_limit(size: int, plan: Plan) -> str:
    """Return how the size is beyond the limit of the plan, in a sentence; "" if it is not."""
    limit = plan.max_upload_bytes
    if size <= limit:
        return ""
    has, may = in_words(size), in_words(limit)
    if has == may:
        has, may = f"{size:,} bytes", f"{limit:,} bytes"
    return f"The file has {has}; the limit is {may}."


def _count(owner: User) -> None:
    """Count an upload in the cache, so that deleting a job does not allow another upload."""
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


def _refuse(job: Job, refusal: UploadRefused, *, code: str) -> None:
    with suppress(LostRace), transaction.atomic():  # a concurrent call may have refused it
        move_job(
            job,
            JobStatus.FAILED,
            "The uploaded file was refused.",
            failure_code=code,
            failure_message=refusal.message,
            failure_advice=refusal.advice,
            finished_at=clock.now(),
        )
