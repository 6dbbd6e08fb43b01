"""Uploads: open one, send the file to the storage, confirm it."""

from uuid import UUID

from ninja import Router
from ninja.responses import Status

from gas.api.auth import ApiRequest, needs
from gas.api.idempotency import idempotent
from gas.api.problems import Problem, ProblemOut
from gas.api.routes.jobs import described, job_of
from gas.api.schemas.jobs import JobOut
from gas.api.schemas.uploads import UploadIn, UploadOut
from gas.api.scopes import JOBS_WRITE
from gas.jobs.lifecycle import uploads

router = Router(tags=["Uploads"])


def _opened(ticket: uploads.Ticket) -> UploadOut:
    form, expires_at = ticket.form, ticket.job.upload_expires_at
    if form is None or expires_at is None:
        raise Problem("refused", "The file of this upload has arrived already.")
    return UploadOut(job=ticket.job.pk, url=form["url"], fields=form["fields"], expires_at=expires_at)


@router.post("/uploads", response={201: UploadOut, 409: ProblemOut}, auth=needs(JOBS_WRITE), summary="Open an upload")
@idempotent
def open_upload(request: ApiRequest, asked: UploadIn) -> Status[UploadOut]:
    """Make a job that waits for its file. Then POST the file to url with the fields, and confirm the upload."""
    ticket = uploads.open_upload(request.auth.user, name=asked.name, size=asked.size, reference=asked.reference)
    return Status(201, _opened(ticket))


@router.get(
    "/uploads/{uuid:job_id}", response={200: UploadOut, 409: ProblemOut}, auth=needs(JOBS_WRITE), summary="Renew a form"
)
def renew_upload(request: ApiRequest, job_id: UUID) -> UploadOut:
    """A new form for an upload whose file has not arrived."""
    return _opened(uploads.renew(job_of(request.auth.user, job_id)))


@router.post(
    "/uploads/{uuid:job_id}/confirm",
    response={200: JobOut, 409: ProblemOut},
    auth=needs(JOBS_WRITE),
    summary="Confirm an upload",
)
def confirm_upload(request: ApiRequest, job_id: UUID) -> JobOut:
    """The file is in the storage: put the job into the queue. Safe to repeat."""
    job = uploads.confirm_upload(job_of(request.auth.user, job_id))
    return described(job_of(request.auth.user, job.pk))
