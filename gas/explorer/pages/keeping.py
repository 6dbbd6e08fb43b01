"""What people keep: the columns of tables, filters by name, stars and notes on variants."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from gas.explorer import marks, query
from gas.explorer.columns import COLUMNS, IDENTITY
from gas.explorer.database import Database
from gas.explorer.forms import ColumnsForm, NoteForm, SaveForm
from gas.explorer.keys import VariantKey
from gas.explorer.models import (
    NAME_CHARACTERS,
    NOTE_CHARACTERS,
    QUERY_CHARACTERS,
    ColumnChoice,
    MarkedVariant,
    SavedFilter,
)
from gas.explorer.pages.access import explored
from gas.explorer.pages.address import CURSOR
from gas.jobs.models import Job
from gas.jobs.pages.access import own_job
from gas.users.locks import lock_owner
from gas.users.models import User
from gas.users.requests import PersonRequest

PAGE_SIZE = 100
#: Of one person.
MOST_SAVED, MOST_MARKED = 200, 10_000


def _back(job: Job, text: str, **changed: str) -> HttpResponse:
    """Lead back to the table, as it was asked for."""
    asked = QueryDict(text, mutable=True)
    for name, value in changed.items():
        if value:
            asked[name] = value
        else:
            asked.pop(name, None)
    asked.pop(CURSOR, None)
    path = reverse("explorer:table", args=[job.pk])
    return redirect(f"{path}?{asked.urlencode()}" if asked else path)


@require_POST
@explored
def columns(request: PersonRequest, job: Job, database: Database) -> HttpResponse:
    """Remember which columns tables have; the usual ones if none is chosen."""
    names = [one.name for one in database.columns.shown if one.name not in IDENTITY]
    form = ColumnsForm(request.POST, names)
    if not form.is_valid():
        messages.error(request, "These columns are not in this result.")
        return _back(job, "")
    chosen = [] if "usual" in request.POST else form.cleaned_data["column"]
    with transaction.atomic():
        lock_owner(pk=request.user.pk)
        ColumnChoice.objects.update_or_create(owner=request.user, defaults={"names": chosen})
    return _back(job, form.cleaned_data["query"], **{COLUMNS: ",".join(chosen)})


@login_required
@require_POST
def save(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Keep the active filters by a name. A name that is taken gets these filters."""
    job = own_job(request, job_id)
    form = SaveForm(request.POST)
    if not form.is_valid():
        messages.error(request, _not_saved(form))
        return _back(job, request.POST.get("query", ""))
    name, text = form.cleaned_data["name"], form.cleaned_data["query"]
    with transaction.atomic():
        lock_owner(pk=request.user.pk)
        kept = SavedFilter.objects.filter(owner=request.user)
        if kept.exclude(name=name).count() >= MOST_SAVED:
            messages.error(request, f"You have {MOST_SAVED} saved filters, which is the maximum. Remove one first.")
            return _back(job, text)
        SavedFilter.objects.update_or_create(owner=request.user, name=name, defaults={"query": text})
    messages.success(request, f"The filters are saved as “{name}”.")
    return _back(job, text)


def _not_saved(form: SaveForm) -> str:
    """Return what is wrong with an invalid form, for people."""
    if "name" in form.errors:
        return f"Give the filters a name of at most {NAME_CHARACTERS} characters."
    if form.has_error("query", "max_length"):
        return f"These filters are too long to be saved: their address has more than {QUERY_CHARACTERS:,} characters."
    return "There is nothing to save without filters."


@login_required
@require_POST
def forget(request: PersonRequest, job_id: UUID, pk: int) -> HttpResponse:
    """Remove a saved filter."""
    job = own_job(request, job_id)
    saved = get_object_or_404(SavedFilter, pk=pk, owner=request.user)
    saved.delete()
    messages.success(request, f"The saved filter “{saved.name}” is removed.")
    return _back(job, request.POST.get("query", ""))


@require_POST
@explored
def star(request: PersonRequest, job: Job, database: Database, variant: str) -> HttpResponse:
    """Star a variant, change its note, or take the star away."""
    key = VariantKey.parse(variant)
    found = query.variants(database, key) if key else []
    if not found:
        raise Http404
    page = redirect("explorer:variant", job.pk, variant)
    form = NoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"A note has at most {NOTE_CHARACTERS:,} characters.")
        return page
    with transaction.atomic():
        lock_owner(pk=request.user.pk)
        if "remove" in request.POST:
            marks.mark(request.user, job, found[0].row, starred=False, note="")
        elif not marks.of_rows(request.user, job.reference, [found[0].row]) and _is_full(request.user):
            messages.error(
                request, f"You have {MOST_MARKED:,} starred variants, which is the maximum. Remove one first."
            )
        else:
            note, label = form.cleaned_data["note"], _label(found[0].row)
            marks.mark(request.user, job, found[0].row, starred=True, note=note, label=label)
    return page


def _is_full(user: User) -> bool:
    return MarkedVariant.objects.filter(owner=user).count() >= MOST_MARKED


def _label(row: Mapping[str, Any]) -> str:
    """Return how people recognize a variant: its gene and its change."""
    change = row["hgvs_p"] or row["hgvs_c"] or row["hgvs_g"] or ""
    return change if (row["gene"] or "") in change else f"{row['gene']} {change}"


@login_required
@require_GET
@never_cache
def starred(request: PersonRequest) -> HttpResponse:
    """List the person's starred variants, of all jobs."""
    mine = MarkedVariant.objects.filter(owner=request.user).select_related("job")
    return render(
        request, "explorer/starred.html", {"page_obj": Paginator(mine, PAGE_SIZE).get_page(request.GET.get("page"))}
    )


@login_required
@require_POST
def unstar(request: PersonRequest, pk: int) -> HttpResponse:
    """Take a star away."""
    get_object_or_404(MarkedVariant, pk=pk, owner=request.user).delete()
    return redirect("explorer:starred")


@login_required
@require_GET
@never_cache
def starred_file(request: PersonRequest) -> StreamingHttpResponse:
    """Send the person's starred variants as a table with tabs."""
    response = StreamingHttpResponse(
        marks.as_tsv(request.user), content_type="text/tab-separated-values; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="starred-variants.tsv"'
    return response
