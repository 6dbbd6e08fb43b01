"""Bar charts as SVG.

A bar is an SVG rect whose width is an attribute in percent. The server draws it, so it needs no library, no script and
no style attribute (the content security policy forbids inline styles).
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import template

from annotator.bounds import printable
from annotator.effects.terms import IMPACT, impact_of

log = logging.getLogger(__name__)

register = template.Library()


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar chart.

    Attributes:
        label: text for people.
        count: number of alleles.
        width: percent of the longest bar.
        share: percent of all.
        css: class of the bar's color.
        value: label in the explorer's filter; "" if the filter has none.
    """

    label: str
    count: int
    width: float
    share: float
    css: str
    value: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a stacked bar. `x` and `width` are percent of the bar's length; `css` is the class of its color."""

    label: str
    count: int
    x: float
    width: float
    css: str


@register.filter
def impact(consequence: str) -> str:
    """Return the impact of the most severe of the terms joined by "&": high, moderate, low or modifier.

    Terms are looked up in the annotator's table. A term that the table lacks, as an old result may have, gives
    "unknown" and is logged.
    """
    terms = consequence.split("&")
    if unknown := [term for term in terms if term not in IMPACT]:
        log.warning("consequence terms without an impact: %s", ", ".join(map(printable, unknown)))
    known = [term for term in terms if term in IMPACT]
    return impact_of(known).lower() if known else "unknown"


@register.filter
def plain(consequence: str) -> str:
    """Return a Sequence Ontology term as text: "stop_gained" → "stop gained"."""
    return " + ".join(term.removesuffix("_variant").replace("_", " ") for term in consequence.split("&"))


def bars(rows: Iterable[tuple[str, int, str, str]], limit: int) -> list[Bar]:
    """Return the `limit` longest of (label, count, css class, value), longest first; ties by label."""
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    total = sum(count for _, count, *_ in ordered) or 1
    longest = max((count for _, count, *_ in ordered), default=0) or 1
    return [
        Bar(label, count, percent(count, longest), percent(count, total), css, value)
        for label, count, css, value in ordered[:limit]
    ]


@register.simple_tag
def consequence_bars(counts: Mapping[str, int], limit: int = 12) -> list[Bar]:
    """Return a bar per consequence with its number of alleles, colored by impact."""
    return bars(
        (
            (plain(name), count, f"impact-{impact(name)}", name if name in IMPACT else "")
            for name, count in counts.items()
        ),
        limit,
    )


@register.simple_tag
def gene_bars(genes: Iterable[Mapping[str, Any]], limit: int = 12) -> list[Bar]:
    """Return a bar per gene with its number of alleles, from [{"gene": …, "count": …}]."""
    return bars(((gene["gene"], gene["count"], "gene", gene["gene"]) for gene in genes), limit)


@register.simple_tag
def segments(counts: Mapping[str, Any], *names: str) -> list[Segment]:
    """Return a stacked bar of `counts`, or of `names` alone in that order if given. Zeros stay in the legend."""
    chosen = [(name, int(counts.get(name) or 0)) for name in (names or counts)]
    total = sum(count for _, count in chosen) or 1
    drawn: list[Segment] = []
    x = 0.0
    for number, (name, count) in enumerate(chosen, start=1):
        width = percent(count, total)
        drawn.append(Segment(name, count, round(x, 2), width, f"part-{number}"))
        x += width
    return drawn


def percent(count: int, whole: int) -> float:
    """Return `count` in percent of `whole`, to two decimals."""
    return round(100 * count / whole, 2)
