"""Exports of variants that a worker makes."""

from functools import partial
from uuid import UUID

from django.http import QueryDict
from ninja import Query, Router
from ninja.responses import Status

from gas.api.auth import ApiRequest, needs
from gas.api.idempotency import idempotent
from gas.api.paging import Page, PageQuery, page_of
from gas.api.problems import Problem, ProblemOut
from gas.api.routes.jobs import job_of
from gas.api.routes.variants import check_columns, opened
from gas.api.schemas.variants import ExportIn, ExportOut
from gas.api.scopes import JOBS_WRITE, RESULTS_READ
from gas.explorer import large_exports
from gas.explorer.columns import COLUMNS
from gas.explorer.models import VariantExport
from gas.explorer.ordering import SORT
from gas.users.models import User

router = Router(tags=["Exports"])


def _described(row: VariantExport) -> ExportOut:
    return ExportOut.of(row, url=large_exports.address(row))


def _export_of(user: User, job_id: UUID, export_id: UUID) -> VariantExport:
    mine = VariantExport.objects.filter(owner=user, job=job_id).select_related("job")
    found = mine.filter(pk=export_id).first()
    if found is None:
        raise Problem("not-found")
    return found


def _address(asked: ExportIn) -> str:
    """Return the parameters of the address that asks for the same."""
    found = QueryDict(mutable=True)
    for name, value in asked.filters.items():
        found.setlist(name, value if isinstance(value, list) else [value])
    if asked.sort:
        found[SORT] = asked.sort
    if asked.columns:
        found[COLUMNS] = ",".join(asked.columns)
    return found.urlencode()


@router.post(
    "/jobs/{uuid:job_id}/exports",
    response={201: ExportOut, 409: ProblemOut},
    auth=needs(RESULTS_READ),
    summary="Export variants in the background",
)
@partial(idempotent, secrets=("url",))
def make_export(request: ApiRequest, job_id: UUID, asked: ExportIn) -> Status[ExportOut]:
    """Have a worker export the variants that the filters leave, however many. The same export is not made twice."""
    job, text = job_of(request.auth.user, job_id), _address(asked)
    with opened(job) as database:
        check_columns(text, database)
        row = large_exports.ask(request.auth.user, job, database, text, asked.format)
    return Status(201, _described(row))


@router.get(
    "/jobs/{uuid:job_id}/exports", response=Page[ExportOut], auth=needs(RESULTS_READ), summary="List a job's exports"
)
def list_exports(request: ApiRequest, job_id: UUID, asked: Query[PageQuery]) -> Page[ExportOut]:
    """The exports that workers make or have made of a job's result, the latest first."""
    job = job_of(request.auth.user, job_id)
    rows = VariantExport.objects.filter(owner=request.auth.user, job=job).select_related("job")
    return page_of(rows, asked, _described, by="asked_at")


@router.get(
    "/jobs/{uuid:job_id}/exports/{uuid:export_id}",
    response=ExportOut,
    auth=needs(RESULTS_READ),
    summary="Get an export",
)
def get_export(request: ApiRequest, job_id: UUID, export_id: UUID) -> ExportOut:
    """One export. Poll it until its state is ready or failed."""
    return _described(_export_of(request.auth.user, job_id, export_id))


@router.delete(
    "/jobs/{uuid:job_id}/exports/{uuid:export_id}",
    response={204: None},
    auth=needs(JOBS_WRITE),
    summary="Remove an export",
)
def delete_export(request: ApiRequest, job_id: UUID, export_id: UUID) -> Status[None]:
    """Remove an export with its file, or stop it. The result stays."""
    row = _export_of(request.auth.user, job_id, export_id)
    large_exports.discard(VariantExport.objects.filter(pk=row.pk))
    return Status(204, None)
