"""Uploads: open one, send the file to the storage, confirm it."""

from dataclasses import asdict
from functools import partial
from uuid import UUID

from ninja import Router
from ninja.responses import Status

from gas.api.auth import ApiRequest, needs
from gas.api.idempotency import idempotent
from gas.api.problems import Problem, ProblemOut
from gas.api.routes.jobs import described, job_of
from gas.api.schemas.jobs import JobOut
from gas.api.schemas.uploads import (
    ArrivedPartOut,
    ArrivedPartsOut,
    FormOut,
    PartAddressesOut,
    PartAddressOut,
    PartsIn,
    PartsOut,
    UploadIn,
    UploadOut,
)
from gas.api.scopes import JOBS_WRITE
from gas.jobs.lifecycle import parted_uploads, uploads
from gas.jobs.lifecycle.unfinished_uploads import discard

router = Router(tags=["Uploads"])


def _opened(ticket: uploads.Ticket) -> UploadOut:
    form, parted, expires_at = ticket.form, ticket.parted, ticket.job.upload_expires_at
    if (form is None and parted is None) or expires_at is None:
        raise Problem("refused", "The file of this upload has arrived already.")
    return UploadOut(
        job=ticket.job.pk,
        form=FormOut(**form) if form else None,
        parts=PartsOut(size=parted.part_size, count=parted.count) if parted else None,
        expires_at=expires_at,
    )


@router.post("/uploads", response={201: UploadOut, 409: ProblemOut}, auth=needs(JOBS_WRITE), summary="Open an upload")
@partial(idempotent, secrets=("form",))
def open_upload(request: ApiRequest, asked: UploadIn) -> Status[UploadOut]:
    """Make a job that waits for its file. Then send the file with the form or in parts, and confirm the upload."""
    ticket = uploads.open_upload(request.auth.user, **asked.model_dump())
    return Status(201, _opened(ticket))


@router.get(
    "/uploads/{uuid:job_id}",
    response={200: UploadOut, 409: ProblemOut},
    auth=needs(JOBS_WRITE),
    summary="Renew an upload",
)
def renew_upload(request: ApiRequest, job_id: UUID) -> UploadOut:
    """A new form, or the size and number of the parts, for an upload whose file has not arrived."""
    return _opened(uploads.renew(job_of(request.auth.user, job_id)))


@router.delete(
    "/uploads/{uuid:job_id}",
    response={204: None, 409: ProblemOut},
    auth=needs(JOBS_WRITE),
    summary="Discard an upload",
)
def discard_upload(request: ApiRequest, job_id: UUID) -> Status[None]:
    """Remove an upload that is not confirmed, and what has arrived of its file."""
    if not discard(job_of(request.auth.user, job_id)):
        raise Problem("refused", "This upload is confirmed: cancel or delete its job.")
    return Status(204, None)


@router.get(
    "/uploads/{uuid:job_id}/parts",
    response={200: ArrivedPartsOut, 409: ProblemOut},
    auth=needs(JOBS_WRITE),
    summary="List the parts that have arrived",
)
def list_parts(request: ApiRequest, job_id: UUID) -> ArrivedPartsOut:
    """The parts that the storage has whole. Send the others."""
    found = parted_uploads.arrived_parts(job_of(request.auth.user, job_id))
    return ArrivedPartsOut(items=[ArrivedPartOut(**asdict(one)) for one in found])


@router.post(
    "/uploads/{uuid:job_id}/parts",
    response={200: PartAddressesOut, 409: ProblemOut},
    auth=needs(JOBS_WRITE),
    summary="Ask where to send parts",
)
def address_parts(request: ApiRequest, job_id: UUID, asked: PartsIn) -> PartAddressesOut:
    """A presigned address for each part, which works for an hour at most. Safe to repeat."""
    checksums = {one.number: one.sha256 for one in asked.parts}
    found = parted_uploads.sign_parts(job_of(request.auth.user, job_id), checksums)
    return PartAddressesOut(items=[PartAddressOut(**asdict(one)) for one in found])


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
