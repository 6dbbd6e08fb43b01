"""The help page, made from the data that the columns, filters and rules themselves are made from."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotator.effects.terms import IMPACT
from annotator.tables.schema import COLUMNS, SAMPLE_COLUMNS, TRANSCRIPT_FIELDS
from gas.explorer.columns import INTERNAL
from gas.explorer.families import RULES
from gas.explorer.filter_kinds import MISSING, Filter
from gas.explorer.filters import FIXED
from gas.explorer.presets import PRESETS
from gas.users.requests import PersonRequest

#: What can be typed into the search box, and where it leads.
SEARCHES = (
    ("chr7-117559593-ATCT-A", "the variant with this position, REF and ALT"),
    ("m.3243A>G", "the variant with this HGVS description on the reference"),
    ("MT-ND4:p.Arg340His", "the variant with this HGVS description, on any transcript"),
    ("CFTR", "variants of the gene"),
    ("chr7:117,480,025-117,668,665", "variants that overlap the region"),
    ("cardiomyopathy", "variants whose gene, description, ID or disease has the text"),
)


@login_required
@require_GET
def guide(request: PersonRequest) -> HttpResponse:
    """Say what each column, term, filter and rule means."""
    groups: dict[str, list[Filter]] = {}
    for one in FIXED:
        groups.setdefault(one.group, []).append(one)
    values = {
        "columns": [one for one in COLUMNS if one.name not in INTERNAL],
        "sample_columns": SAMPLE_COLUMNS,
        "transcript_fields": TRANSCRIPT_FIELDS,
        "terms": IMPACT.items(),
        "filter_groups": groups.items(),
        "missing": [label for _, label in MISSING],
        "rules": RULES,
        "presets": PRESETS,
        "searches": SEARCHES,
    }
    return render(request, "explorer/guide.html", values)
