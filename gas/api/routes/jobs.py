"""Jobs: list, get, cancel, retry, delete, events, log, and their files."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status

from gas.api.auth import ApiRequest, needs
from gas.api.idempotency import idempotent
from gas.api.paging import Page, PageQuery, page_of, take
from gas.api.problems import Problem, ProblemOut
from gas.api.schemas.jobs import DownloadOut, EventOut, JobOut, JobQuery, LogOut, OutputOut, OutputsOut
from gas.api.scopes import JOBS_READ, JOBS_WRITE, RESULTS_READ
from gas.aws import s3
from gas.jobs.lifecycle import actions
from gas.jobs.models import Job
from gas.jobs.pages.forms import JobFilterForm
from gas.jobs.queue import turns
from gas.jobs.storage import downloads
from gas.users.models import User

router = Router(tags=["Jobs"])

#: The columns that a list reads: those of `JobOut`.
LISTED = (
    "owner_id",
    "name",
    "reference",
    "status",
    "stage",
    "records_done",
    "input_size",
    "input_etag",
    "created_at",
    "submitted_at",
    "started_at",
    "finished_at",
    "failure_code",
    "failure_message",
    "failure_advice",
    "result__state",
    "result__size",
    "result__sha256",
    "result__archive_due_at",
    "result__retrieval_tier",
)


def job_of(user: User, job_id: UUID) -> Job:
    """Return a person's own job with its owner and result. Raises Problem for anybody else's."""
    try:
        return Job.objects.select_related("owner", "result").defer("preview").get(pk=job_id, owner=user)
    except Job.DoesNotExist as missing:
        raise Problem("not-found", "You have no job with this id.") from missing


def described(job: Job) -> JobOut:
    """Return a job as programs see it."""
    return JobOut.of(job, queue_position=turns.positions([job]).get(job.pk))


@router.get("/jobs", response=Page[JobOut], auth=needs(JOBS_READ), summary="List jobs")
def list_jobs(request: ApiRequest, asked: Query[JobQuery]) -> Page[JobOut]:
    """The account's jobs, the latest first."""
    mine = Job.objects.filter(owner=request.auth.user).select_related("result").only(*LISTED)
    found = take(JobFilterForm({"q": asked.q, "status": asked.status}).filtered(mine), asked)
    for job in found.rows:
        job.owner = request.auth.user
    positions = turns.positions(found.rows)
    items = [JobOut.of(job, queue_position=positions.get(job.pk)) for job in found.rows]
    return Page[JobOut](items=items, next_cursor=found.next_cursor)


@router.get("/jobs/{uuid:job_id}", response=JobOut, auth=needs(JOBS_READ), summary="Get a job")
def get_job(request: ApiRequest, job_id: UUID) -> JobOut:
    """One job. Poll it with If-None-Match until its status is COMPLETED, FAILED or CANCELLED."""
    return described(job_of(request.auth.user, job_id))


@router.post(
    "/jobs/{uuid:job_id}/cancel",
    response={200: JobOut, 409: ProblemOut},
    auth=needs(JOBS_WRITE),
    summary="Cancel a job",
)
def cancel_job(request: ApiRequest, job_id: UUID) -> JobOut:
    """Stop a job that uploads, waits or runs. One that has ended is refused."""
    actions.cancel(job_of(request.auth.user, job_id), actor=request.auth.user)
    return described(job_of(request.auth.user, job_id))


@router.post(
    "/jobs/{uuid:job_id}/retry",
    response={200: JobOut, 409: ProblemOut},
    auth=needs(JOBS_WRITE),
    summary="Retry a job",
)
@idempotent
def retry_job(request: ApiRequest, job_id: UUID) -> Status[JobOut]:
    """Put a failed or cancelled job into the queue again, if another try can help."""
    actions.retry(job_of(request.auth.user, job_id), actor=request.auth.user)
    return Status(200, described(job_of(request.auth.user, job_id)))


@router.delete("/jobs/{uuid:job_id}", response={204: None}, auth=needs(JOBS_WRITE), summary="Delete a job")
def delete_job(request: ApiRequest, job_id: UUID) -> Status[None]:
    """Delete a job and its files for good, archived copies included."""
    with transaction.atomic():
        job_of(request.auth.user, job_id).delete()
    return Status(204, None)


@router.get("/jobs/{uuid:job_id}/events", response=Page[EventOut], auth=needs(JOBS_READ), summary="List a job's events")
def list_events(request: ApiRequest, job_id: UUID, asked: Query[PageQuery]) -> Page[EventOut]:
    """What happened to the job and its result, the latest first."""
    return page_of(job_of(request.auth.user, job_id).events.all(), asked, EventOut.of, by="at")


@router.get("/jobs/{uuid:job_id}/log", response=LogOut, auth=needs(JOBS_READ), summary="Read a job's log")
def get_log(request: ApiRequest, job_id: UUID) -> LogOut:
    """The first 256 KiB of the log. A job has one once it has ended."""
    found = downloads.read_log(job_of(request.auth.user, job_id))
    if found is None:
        raise Problem("not-found", "This job has no log.")
    return LogOut(text=found[0], truncated=found[1])


@router.get("/jobs/{uuid:job_id}/outputs", response=OutputsOut, auth=needs(RESULTS_READ), summary="List a job's files")
def list_outputs(request: ApiRequest, job_id: UUID) -> OutputsOut:
    """The files that can be downloaded now: of the result, the log, and the upload."""
    return OutputsOut(items=[OutputOut.of(one) for one in downloads.all_files(job_of(request.auth.user, job_id))])


@router.get(
    "/jobs/{uuid:job_id}/outputs/{slug:kind}",
    response={200: DownloadOut, 409: ProblemOut},
    auth=needs(RESULTS_READ),
    summary="Download a file of a job",
)
def get_output(request: ApiRequest, job_id: UUID, kind: str) -> DownloadOut:
    """A presigned address of the file in the storage, which works for some minutes."""
    job = job_of(request.auth.user, job_id)
    try:
        found = downloads.find(job, kind)
    except downloads.NotDownloadable as why:
        raise Problem("not-available", str(why), more={"reason": why.reason}) from why
    if found is None:
        raise Problem("not-found", "This job has no such file.")
    return DownloadOut(
        **OutputOut.of(found).model_dump(),
        url=downloads.address(found),
        expires_at=timezone.now() + timedelta(seconds=settings.DOWNLOAD_EXPIRES_SECONDS),
        sha256=s3.recorded_sha256(found.bucket, found.key) or None,
    )
