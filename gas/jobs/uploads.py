"""From a file in somebody's browser to a job that waits for a worker."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from gas import clock
from gas.aws import s3
from gas.jobs import references
from gas.jobs.models import Job, UploadSwitch
from gas.jobs.names import clean_name
from gas.jobs.queue import enqueue, is_full
from gas.jobs.sizes import in_words
from gas.jobs.states import JobStatus, Outrun, move_job
from gas.subscriptions.plans import PLANS, Plan, plan_of
from gas.users.models import PlanChoice, User


class UploadRefused(Exception):
    """The upload cannot be accepted. `message` tells its owner why, `advice` what to do; the text is both."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(f"{message} {advice}".strip())
        self.message, self.advice = message, advice


class TooMany(UploadRefused):
    """More uploads than a person begins."""


@dataclass(frozen=True)
class Ticket:
    """A job that expects its file, and the form that brings the file to S3: {"url": …, "fields": {…}}."""

    job: Job
    form: dict[str, Any]


def open_upload(owner: User, *, name: str, size: int, reference: str) -> Ticket:
    """Make a job for a file of `size` bytes, and the presigned form to upload it with.

    Raises:
        UploadRefused: uploads are closed, the size is beyond the limit, or there is no such reference.
        TooMany: the owner has begun UPLOADS_PER_HOUR of them within the hour.
    """
    if no := closed_message() or is_full(owner):
        raise UploadRefused(no)
    _count(owner)
    plan = plan_of(owner)
    _check_size(size, plan)
    if no := references.refusal(reference):
        raise UploadRefused(no)
    with transaction.atomic():
        job = Job.objects.create(owner=owner, name=clean_name(name), reference=reference)
        job.events.create(message="Upload started.", actor=owner)
    return Ticket(job, s3.presigned_upload(job.input_key, max_bytes=plan.max_upload_bytes))


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
    except Outrun:  # confirmed twice at once, cancelled or deleted meanwhile: the row says which
        return Job.objects.filter(pk=job.pk).first() or job
    return job


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
    key = f"uploads:{owner.pk}:{timezone.now():%Y%m%d%H}"
    cache.add(key, 0, 3600)
    if cache.incr(key) > settings.UPLOADS_PER_HOUR:
        raise TooMany(f"You have begun {settings.UPLOADS_PER_HOUR} uploads within the hour.", "Go on in the next.")


def _check_size(size: int, plan: Plan) -> None:
    if sentence := beyond_limit(size, plan):
        larger = PLANS[PlanChoice.PREMIUM]
        upgrade = f" {larger.title} takes files up to {in_words(larger.max_upload_bytes)}."
        may_help = not beyond_limit(size, larger)
        raise UploadRefused(sentence, f"Compress it with bgzip, or split it.{upgrade if may_help else ''}")
    if size < 1:
        raise UploadRefused("The file is empty.", "Choose the VCF that you meant to upload.")


def _refuse(job: Job, refusal: UploadRefused) -> None:
    with suppress(Outrun), transaction.atomic():  # refused twice at once is refused
        move_job(
            job,
            JobStatus.FAILED,
            "The uploaded file was refused.",
            failure_code="file-size",
            failure_message=refusal.message,
            failure_advice=refusal.advice,
            finished_at=clock.now(),
        )
