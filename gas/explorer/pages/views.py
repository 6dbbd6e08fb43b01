"""The table of a result's variants, its search box, and a variant's own page."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from gas.explorer import query
from gas.explorer import search as search_box
from gas.explorer.database import Database
from gas.explorer.forms import SearchForm
from gas.explorer.keys import VariantKey
from gas.explorer.pages import charts as chart_page
from gas.explorer.pages import context
from gas.explorer.pages import variant as variant_page
from gas.explorer.pages.access import explored_by_visitors
from gas.jobs.models import Job
from gas.users.requests import PersonRequest


@require_GET
@explored_by_visitors
def table(request: PersonRequest, job: Job, database: Database) -> HttpResponse:
    """Show the variants that an address asks for. htmx asks for the part that changes, or for the rows alone."""
    asked = context.Asked.of(request, job, database)
    rows_alone = bool(request.htmx) and request.htmx.target == "rows"
    values = context.table(request, job, database, asked, rows_alone=rows_alone)
    if not request.htmx:
        return render(request, "explorer/table.html", values)
    response = render(request, "explorer/_rows.html" if rows_alone else "explorer/_explorer.html", values)
    if not rows_alone:
        response["HX-Push-Url"] = str(asked.address)
    return response


@require_GET
@explored_by_visitors
def sample_filters(request: PersonRequest, job: Job, database: Database, number: int) -> HttpResponse:
    """Show the filters of one sample of many, for the form of filters."""
    asked = context.Asked.of(request, job, database)
    group = asked.sample_group(number)
    if group is None:
        raise Http404
    return render(request, "explorer/_filter_fields.html", {"group": group})


@require_GET
@explored_by_visitors
def charts(request: PersonRequest, job: Job, database: Database) -> HttpResponse:
    """Draw the charts of the variants that an address asks for; without htmx, on a page of their own."""
    asked = context.Asked.of(request, job, database)
    values = {"job": job, "asked": asked}
    if asked.state is not None:
        values |= chart_page.context(job, database, asked, asked.state)
    return render(request, "explorer/_charts.html" if request.htmx else "explorer/charts.html", values)


@require_GET
@explored_by_visitors
def search(request: PersonRequest, job: Job, database: Database) -> HttpResponse:
    """Lead to what the search box asks for: a variant, or the table with a filter more."""
    asked, form = context.Asked.of(request, job, database), SearchForm(request.GET)
    if not form.is_valid():
        return redirect(str(asked.address))
    text = form.cleaned_data["text"]
    found = search_box.find(database, text)
    if len(found.variants) == 1:
        return redirect("explorer:variant", job.pk, str(found.variants[0]))
    if found.variants:
        return render(request, "explorer/found.html", {"job": job, "text": text, "found": found.variants})
    if found.sentence:
        messages.info(request, found.sentence)
    return redirect(str(asked.address.with_values((name, [value]) for name, value in found.parameters)))


@require_GET
@explored_by_visitors
def variant(request: PersonRequest, job: Job, database: Database, variant: str) -> HttpResponse:
    """Show all that there is of a variant."""
    key = VariantKey.parse(variant)
    found = query.variants(database, key) if key else []
    if not found:
        raise Http404
    return render(request, "explorer/variant.html", variant_page.context(request, job, database, found[0]))
