"""Variants of a result: the explorer's filters, by the same names, as JSON."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.forms import MultipleChoiceField
from django.http import FileResponse, HttpRequest, QueryDict
from ninja import Query, Router

from annotator.tables.schema import Metadata
from gas.api.auth import ApiRequest, needs
from gas.api.problems import Problem, ProblemOut
from gas.api.routes.jobs import job_of
from gas.api.schemas.variants import (
    ColumnOut,
    FilterOut,
    FiltersOut,
    Format,
    VariantOut,
    VariantQuery,
    VariantsOut,
    filter_parameters,
)
from gas.api.scopes import RESULTS_READ
from gas.explorer import exports, query, small_exports
from gas.explorer.columns import COLUMNS, ResultColumns, UnknownColumn
from gas.explorer.database import Database
from gas.explorer.filters import form_for
from gas.explorer.keys import VariantKey
from gas.explorer.ordering import SORT, BadCursor, Order
from gas.explorer.pages.access import PACE
from gas.explorer.results import PASSING, Unavailable, open_result
from gas.jobs.models import Job

router = Router(tags=["Variants"])

#: Parameters that are no filters.
_OTHERS = {"cursor", "limit", "count"}
_FILTERS = {
    "parameters": filter_parameters(ResultColumns(Metadata())),
    "description": "Filters are parameters by the names that the explorer's addresses have. A result has further ones "
    "for its sources and samples: see its filters. An unknown one is refused.",
}


@contextmanager
def opened(job: Job) -> Iterator[Database]:
    """Open the table of a job's result. Raises Problem while there is none."""
    try:
        with open_result(job) as database:
            yield database
    except Unavailable as why:
        headers = {"Retry-After": str(PACE)} if why.reason in PASSING else {}
        raise Problem("not-available", str(why), headers=headers, more={"reason": why.reason}) from why


def address_of(request: HttpRequest) -> str:
    """Return the parameters of a request that say which variants, and how: filters, order and columns."""
    asked = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        if name not in _OTHERS:
            asked.setlist(name, values)
    return asked.urlencode()


def check_columns(text: str, database: Database) -> None:
    """Refuse an order or columns that the result does not have. Pages fall back to the usual ones."""
    asked = QueryDict(text)
    known = {one.name for one in database.columns.shown}
    names = [name for value in asked.getlist(COLUMNS) for name in value.split(",") if name]
    errors = [(COLUMNS, f"This result has no column {name[:50]}.") for name in names if name not in known]
    try:
        Order.parse(asked.get(SORT, ""), database.columns)
    except UnknownColumn as unknown:
        errors.append((SORT, f"This result has no such column to sort by: {str(unknown)[:50]}."))
    if errors:
        raise Problem("invalid", errors=errors)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, which knows no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


@router.get(
    "/jobs/{uuid:job_id}/variants",
    response={200: VariantsOut, 409: ProblemOut},
    auth=needs(RESULTS_READ),
    summary="List variants",
    openapi_extra=_FILTERS,
)
def list_variants(request: ApiRequest, job_id: UUID, asked: Query[VariantQuery]) -> VariantsOut:
    """The variants of a job's result that the filters leave."""
    job, text = job_of(request.auth.user, job_id), address_of(request)
    with opened(job) as database:
        check_columns(text, database)
        wanted = exports.request_of(database, job.reference, text)
        try:
            page = query.page(
                database, wanted.state, wanted.columns, order=wanted.order, cursor=asked.cursor, size=asked.limit
            )
        except BadCursor as error:
            raise Problem("bad-cursor") from error
        total = query.count(database, wanted.state) if asked.count else None
    names = [column.name for column in page.columns]
    return VariantsOut(
        items=[{name: _plain(row[name]) for name in names} for row in page.rows],
        columns=names,
        total=total,
        next_cursor=page.next or None,
        previous_cursor=page.previous or None,
    )


@router.get(
    "/jobs/{uuid:job_id}/filters",
    response={200: FiltersOut, 409: ProblemOut},
    auth=needs(RESULTS_READ),
    summary="List filters and columns",
)
def list_filters(request: ApiRequest, job_id: UUID) -> FiltersOut:
    """What the variants of a result can be filtered by, its sources and samples included, and its columns."""
    with opened(job_of(request.auth.user, job_id)) as database:
        form = form_for(database.columns)
        filters = [
            FilterOut(
                name=bound.name,
                group=group,
                label=str(bound.label),
                text=str(bound.help_text),
                several=isinstance(bound.field, MultipleChoiceField),
                choices=[str(value) for value, _ in getattr(bound.field, "choices", ()) if value != ""],
            )
            for group, some in form.groups().items()
            for _, fields in some
            for bound in fields
        ]
        columns = [ColumnOut(name=one.name, label=one.label, text=one.text) for one in database.columns.shown]
    return FiltersOut(filters=filters, columns=columns)


@router.get(
    "/jobs/{uuid:job_id}/variants/export/{format}",
    response={200: None, 409: ProblemOut},
    auth=needs(RESULTS_READ),
    summary="Export variants",
    openapi_extra=_FILTERS,
)
def export_variants(request: ApiRequest, job_id: UUID, format: Format) -> FileResponse:  # noqa: A002 - as addresses say
    """A file of the variants that the filters leave. Too many are refused: export them in the background."""
    job, text = job_of(request.auth.user, job_id), address_of(request)
    with opened(job) as database:
        check_columns(text, database)
        content, name = small_exports.make(job, database, text, format)
    return FileResponse(content, as_attachment=True, filename=name)


@router.get(
    "/jobs/{uuid:job_id}/variants/{variant}",
    response={200: VariantOut, 409: ProblemOut},
    auth=needs(RESULTS_READ),
    summary="Get a variant",
)
def get_variant(request: ApiRequest, job_id: UUID, variant: str) -> VariantOut:
    """One variant by contig, position, REF and ALT, such as chrM-3243-A-G, with all columns and transcripts."""
    key = VariantKey.parse(variant)
    with opened(job_of(request.auth.user, job_id)) as database:
        found = query.variants(database, key) if key else []
        if not found:
            raise Problem("not-found", "This result has no such variant.")
        shown = [one.name for one in database.columns.shown]
    row = found[0].row
    return VariantOut(
        key=str(found[0].key), columns={name: _plain(row[name]) for name in shown}, transcripts=found[0].transcripts
    )
