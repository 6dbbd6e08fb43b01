"""Downloads of exactly the variants that an address asks for, with the chosen columns; the list of large ones."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from gas.explorer import exports, large_exports, small_exports
from gas.explorer.database import Database, QueryRefused
from gas.explorer.export_formats import FORMATS
from gas.explorer.models import ExportState, VariantExport
from gas.explorer.pages.access import explored
from gas.explorer.pages.context import Asked
from gas.jobs.models import Job
from gas.users.requests import PersonRequest


@require_GET
@explored
def export(request: PersonRequest, job: Job, database: Database, kind: str) -> HttpResponse | FileResponse:
    """Send the variants that the address asks for; up to EXPLORER_ROWS_AT_ONCE. More is refused with a sentence."""
    asked = _asked(request, job, database, kind)
    if asked.state is None:
        return redirect(str(asked.address))
    try:
        content, name = small_exports.make(job, database, asked.export_query, kind)
    except (exports.TooMany, QueryRefused) as refused:
        messages.error(request, f"{refused} Narrow the filters, or download the whole result from the job's page.")
        return redirect(str(asked.address))
    return FileResponse(content, as_attachment=True, filename=name)


@require_POST
@explored
def prepare(request: PersonRequest, job: Job, database: Database, kind: str) -> HttpResponse:
    """Have a worker export the variants that the address asks for, however many."""
    asked = _asked(request, job, database, kind)
    try:
        large_exports.ask(request.user, job, database, asked.export_query, kind)
    except (large_exports.Refused, exports.BadFilters, QueryRefused) as refused:
        messages.error(request, str(refused))
        return redirect(str(asked.address))
    return redirect("explorer:exports")


def _asked(request: PersonRequest, job: Job, database: Database, kind: str) -> Asked:
    if kind not in FORMATS:
        raise Http404
    return Asked.of(request, job, database)


@login_required
@require_GET
@never_cache
def listed(request: PersonRequest) -> HttpResponse:
    """List the person's large exports, of all jobs. htmx asks for the list alone."""
    mine = list(VariantExport.objects.filter(owner=request.user).select_related("job"))
    for one in mine:
        one.label = FORMATS[one.format].label  # type: ignore[attr-defined]
    active = sum(one.is_active for one in mine)
    ready = sum(one.state == ExportState.READY for one in mine)
    values: dict[str, Any] = {"exports": mine, "active": active, "most_at_once": f"{settings.EXPLORER_ROWS_AT_ONCE:,}"}
    values["announce"] = f"{ready} ready, {active} being made"
    return render(request, "explorer/_exports.html" if request.htmx else "explorer/exports.html", values)


@login_required
@require_GET
@never_cache
def file(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Send the browser to a presigned address of an export's file."""
    mine = VariantExport.objects.filter(owner=request.user).select_related("job")
    address = large_exports.address(get_object_or_404(mine, pk=pk))
    if address is None:
        messages.warning(request, "This export is not ready, or was removed.")
        return redirect("explorer:exports")
    return redirect(address)


@login_required
@require_POST
def remove(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Remove an export with its file, or stop it."""
    if not large_exports.discard(VariantExport.objects.filter(pk=pk, owner=request.user)):
        raise Http404
    messages.success(request, "The export is removed.")
    return redirect("explorer:exports")
