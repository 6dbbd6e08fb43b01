"""From a file in somebody's browser to a job that waits for a worker."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from gas.aws import s3
from gas.jobs import references
from gas.jobs.models import Job, UploadSwitch
from gas.jobs.names import clean_name
from gas.jobs.states import JobStatus, Outrun, move_job
from gas.tasknames import ANNOTATE, send_after_commit
from gas.users.models import User


class UploadRefused(Exception):
    """The upload cannot be accepted; the text tells its owner why and what to do."""


@dataclass(frozen=True)
class Ticket:
    """A job that expects its file, and the form that brings the file to S3: {"url": …, "fields": {…}}."""

    job: Job
    form: dict[str, Any]


def open_upload(owner: User, *, name: str, size: int, reference: str) -> Ticket:
    """Make a job for a file of `size` bytes, and the presigned form to upload it with.

    Raises:
        UploadRefused: uploads are closed, the size is beyond the limit, or there is no such reference.
    """
    closed = closed_message()
    if closed:
        raise UploadRefused(closed)
    _check_size(size)
    if not references.is_known(reference):
        raise UploadRefused(f"There is no reference “{reference[:64]}” here. Choose one from the list.")
    with transaction.atomic():
        job = Job.objects.create(owner=owner, name=clean_name(name), reference=reference)
        job.events.create(message="Upload started.", actor=owner)
    return Ticket(job, s3.presigned_upload(job.input_key, max_bytes=settings.UPLOAD_MAX_BYTES))


def confirm_upload(job: Job) -> Job:
    """The file has arrived: check it and put the job into the queue. Safe to call again.

    The ETag is kept, so that a file that is replaced afterwards is noticed when it is read.

    Raises:
        UploadRefused: S3 has no file, or one beyond the limit, which ends the job.
    """
    if job.status != JobStatus.UPLOADING:
        return job
    found = s3.head(settings.S3_INPUTS_BUCKET, job.input_key)
    if found is None:
        raise UploadRefused("The file has not arrived in full. Upload it again.")
    try:
        _check_size(found.size)
    except UploadRefused as refusal:
        _refuse(job, str(refusal))
        raise
    now = timezone.now()
    try:
        with transaction.atomic():
            move_job(
                job,
                JobStatus.PENDING,
                f"File received, {filesizeformat(found.size)}. Waiting for a worker.",
                input_size=found.size,
                input_etag=found.etag,
                submitted_at=now,
                sent_at=now,
            )
            send_after_commit(ANNOTATE, job.pk)
    except Outrun:  # confirmed twice at once, or cancelled meanwhile: the row says which
        job.refresh_from_db()
    return job


def closed_message() -> str:
    """Why nobody may upload now; "" when uploads are open."""
    switch = UploadSwitch.objects.first()
    if switch is None or switch.open:
        return ""
    return switch.message or "Uploads are closed at the moment. Please come back later."


def _check_size(size: int) -> None:
    limit = settings.UPLOAD_MAX_BYTES
    if size > limit:
        raise UploadRefused(
            f"The file has {filesizeformat(size)}; the limit is {filesizeformat(limit)}. "
            "Compress it with bgzip, or split it by chromosome."
        )
    if size < 1:
        raise UploadRefused("The file is empty. Choose the VCF that you meant to upload.")


def _refuse(job: Job, reason: str) -> None:
    with transaction.atomic():
        move_job(
            job,
            JobStatus.FAILED,
            "The uploaded file was refused.",
            failure_code="file-size",
            failure_message=reason,
            failure_advice="Upload a smaller file.",
            finished_at=timezone.now(),
        )
