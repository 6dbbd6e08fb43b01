"""What a variant's own page is made of."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from annotator.tables.schema import COLUMNS, SAMPLE_COLUMNS, Column, SourceColumn, sample_column
from gas.explorer import phasing, query
from gas.explorer.columns import ResultColumns
from gas.explorer.database import Database
from gas.explorer.forms import NoteForm
from gas.explorer.links import links
from gas.explorer.pages import genome
from gas.explorer.pages.access import own_marks
from gas.jobs.models import Job
from gas.jobs.pages.access import visit_of
from gas.users.requests import PersonRequest

#: Columns that the head of the page and its other tables show already.
_SHOWN = {"contig", "pos", "ref", "alt", "phased", "row_number", "allele_number", "term_bits", "terms", "genes"}
_SHOWN |= {"samples_het", "samples_hom", "samples_called", "known", "known_source"}


@dataclass(frozen=True)
class Said:
    """What a source says of a variant. values: of each of its columns that has one."""

    title: str
    version: str
    values: list[tuple[SourceColumn, Any]]


def sources(columns: ResultColumns, row: dict[str, Any]) -> list[Said]:
    """Return every source with its version, and what it says."""
    by_source: dict[tuple[str, str], list[SourceColumn]] = {}
    for one in columns.metadata.sources:
        by_source.setdefault((one.source, one.version), []).append(one)
    return [
        Said(title or "Source", version, [(one, row[one.name]) for one in found if row.get(one.name) is not None])
        for (title, version), found in by_source.items()
    ]


def genotypes(columns: ResultColumns, row: dict[str, Any]) -> list[tuple[str, list[tuple[Column, dict[str, Any]]]]]:
    """Return each sample with its cells: the column, and a row that has its value."""
    return [
        (name, [(one, {one.name: row[sample_column(number, one.name)]}) for one in SAMPLE_COLUMNS])
        for number, name in enumerate(columns.samples, 1)
    ]


def facts(row: dict[str, Any]) -> Iterator[Column]:
    """Yield the columns of the file that have a value and are shown nowhere else on the page."""
    for column in COLUMNS:
        if column.name not in _SHOWN and row.get(column.name) not in (None, ""):
            yield column


def context(request: PersonRequest, job: Job, database: Database, found: query.Variant) -> dict[str, Any]:
    """Return what the page of a variant shows."""
    key, row, columns = found.key, found.row, database.columns
    visit, star = visit_of(request), own_marks(request, job, [row]).get(row["row_number"])
    table = reverse("explorer:table", args=[job.pk])
    asked = request.GET.urlencode()
    may_read = visit is None or visit.downloads  # the genome view reads the file
    return {
        "job": job,
        "key": key,
        "row": row,
        "transcripts": [one for one in found.transcripts if one["transcript"]],
        "combinations": phasing.combinations(database, row),
        "facts": list(facts(row)),
        "sources": sources(columns, row),
        "sample_columns": SAMPLE_COLUMNS,
        "genotypes": genotypes(columns, row),
        "links": links(job.reference, key, row["id"] or ""),
        "star": star,
        "genome": json.dumps(view) if may_read and (view := genome.view_of(job, key)) else "",
        "note_form": NoteForm(initial={"note": star.note if star else ""}),
        "table_url": f"{table}?{asked}" if asked else table,
    }
