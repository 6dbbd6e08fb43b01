"""The charts of a result, drawn on the server: each part leads to the filter that asks for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from gas.explorer import charts, query
from gas.explorer.database import Database
from gas.explorer.filters import State
from gas.explorer.keys import VariantKey
from gas.explorer.pages.address import Address
from gas.explorer.pages.context import Asked
from gas.explorer.place_filters import Genes
from gas.jobs.models import Job
from gas.jobs.templatetags.charts import impact, percent, plain

#: Pixels of the highest column.
HEIGHT = 110
#: Of a column, in percent.
WIDEST = 8.0
#: A contig's name is written under its columns if they take this much of the width, in percent.
NAMED_WIDTH = 3.0


@dataclass(frozen=True)
class Part:
    """A bar or a column.

    label: for people. count: of variants. url: asks for it; "" if it cannot be. css: the class of its color.
    x, width: in percent of the chart. height: in pixels. size: in percent of the longest.
    """

    label: str
    count: int
    url: str
    css: str = ""
    x: float = 0.0
    width: float = 0.0
    height: float = 0.0
    size: float = 0.0

    @property
    def y(self) -> float:
        """Return where a column begins, from the top."""
        return round(HEIGHT - self.height, 1)


@dataclass(frozen=True)
class Chart:
    """A chart. columns: upright, and with a table of the same numbers; else bars, which are a list of them.

    names: texts under the columns, and where they begin in percent.
    """

    name: str
    title: str
    note: str
    parts: list[Part]
    columns: bool = False
    names: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Stick:
    """A change of a protein. x: in percent. y: in pixels from the top."""

    label: str
    position: int
    carriers: int
    url: str
    css: str
    x: float
    y: float


@dataclass(frozen=True)
class Protein:
    """Changes along a gene's protein. last: the last position that is changed."""

    gene: str
    transcript: str
    last: int
    sticks: list[Stick]


def context(job: Job, database: Database, asked: Asked, state: State) -> dict[str, Any]:
    """Return what the charts' part of the page shows. Raises QueryRefused."""
    found = query.facets(database, state)
    bars = [
        _facet("consequences", "Consequences", "the most severe of each variant", "consequence", found, asked),
        _facet("types", "Variant types", "", "type", found, asked),
        _bars("substitutions", "Substitutions", "of single bases", charts.substitutions(database, state), asked),
    ]
    for one in database.columns.frequencies[:3]:
        spectrum = charts.spectrum(database, state, one.name)
        bars.append(_bars(f"spectrum-{one.name}", f"Allele frequency, {one.tag}", one.source, spectrum, asked))
    columns = [
        _density(charts.density(database, state), database, asked.address),
        _columns("lengths", "Insertions and deletions", "bases gained or lost", charts.lengths(database, state), asked),
    ]
    genes = [
        gene for one in state.filters if isinstance(one, Genes) for gene in one.named(state.values, state.columns)[0]
    ]
    protein = _protein(job, charts.lollipop(database, state, genes[0])) if len(genes) == 1 else None
    shown = [one for one in (*columns, *bars) if any(part.count for part in one.parts)]
    return {"charts": shown, "protein": protein, "height": HEIGHT, "genes": genes}


def _url(address: Address, parameters: Iterable[tuple[str, str]]) -> str:
    values: dict[str, list[str]] = {}
    for name, value in parameters:
        values.setdefault(name, []).append(value)
    return str(address.with_values(values.items())) if values else ""


def _facet(name: str, title: str, note: str, facet: str, found: query.Facets, asked: Asked) -> Chart:
    rows = found.values[facet]
    longest = max((one.count for one in rows), default=0) or 1
    parts = [
        Part(
            plain(one.value) if one.value else "none",
            one.count,
            _url(asked.address, [(one.filter, one.value or "none")]),
            f"impact-{impact(one.value)}" if facet == "consequence" and one.value else "gene",
            size=percent(one.count, longest),
        )
        for one in rows
    ]
    return Chart(name, title, note, parts)


def _bars(name: str, title: str, note: str, found: Sequence[charts.Bar], asked: Asked) -> Chart:
    longest = max((one.count for one in found), default=0) or 1
    parts = [
        Part(one.label, one.count, _url(asked.address, one.parameters), "gene", size=percent(one.count, longest))
        for one in found
    ]
    return Chart(name, title, note, parts)


def _columns(name: str, title: str, note: str, found: Sequence[charts.Bar], asked: Asked) -> Chart:
    longest, step = max((one.count for one in found), default=0) or 1, min(WIDEST, 100 / (len(found) or 1))
    parts = [
        Part(
            one.label,
            one.count,
            _url(asked.address, one.parameters),
            "impact-moderate" if one.label.startswith("-") else "gene",
            x=round(place * step + step * 0.08, 2),
            width=round(step * 0.84, 2),
            height=_height(one.count, longest),
        )
        for place, one in enumerate(found)
    ]
    names = [(one.label, round(place * step, 2)) for place, one in enumerate(found)]
    return Chart(
        name, title, note, parts, columns=True, names=names if step >= NAMED_WIDTH * 2 else names[:1] + names[-1:]
    )


def _height(count: int, longest: int) -> float:
    """At least two pixels, so that a rare part can be seen and met with a pointer."""
    return round(max(2.0, HEIGHT * count / longest), 1) if count else 0.0


def _density(found: Sequence[charts.Bin], database: Database, address: Address) -> Chart:
    lengths = dict(database.columns.metadata.contigs)
    ends: dict[str, int] = {}
    for one in found:
        ends[one.contig] = max(lengths.get(one.contig, 0), one.end, ends.get(one.contig, 0))
    total, offsets, before = sum(ends.values()) or 1, {}, 0
    for contig, length in ends.items():
        offsets[contig] = before
        before += length
    longest = max((one.count for one in found), default=0) or 1
    shades = {contig: ("gene", "part-3")[place % 2] for place, contig in enumerate(ends)}
    parts = [
        Part(
            f"{one.contig}:{one.start:,}–{one.end:,}",
            one.count,
            _url(address, one.parameters),
            shades[one.contig],
            x=percent(offsets[one.contig] + one.start - 1, total),
            width=max(0.15, percent(one.end - one.start + 1, total)),
            height=_height(one.count, longest),
        )
        for one in found
    ]
    names = [
        (contig, percent(offsets[contig], total))
        for contig, length in ends.items()
        if percent(length, total) >= NAMED_WIDTH
    ]
    return Chart("density", "Along the genome", "number of variants by position", parts, columns=True, names=names)


def _protein(job: Job, found: charts.Lollipop | None) -> Protein | None:
    if found is None or not found.changes:
        return None
    last = max(one.position for one in found.changes)
    most = max(one.carriers for one in found.changes) or 1
    sticks = [
        Stick(
            one.hgvs_p or f"position {one.position}",
            one.position,
            one.carriers,
            reverse("explorer:variant", args=[job.pk, str(VariantKey(*one.key))]),
            f"impact-{impact(one.consequence)}",
            x=round(1 + 98 * one.position / last, 2),
            y=round(HEIGHT - 10 - (HEIGHT - 30) * one.carriers / most, 1),
        )
        for one in sorted(found.changes, key=lambda change: change.position)
    ]
    return Protein(found.gene, found.transcript, last, sticks)
