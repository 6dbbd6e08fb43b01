"""What the charts of a result show. Each part has the parameters of the filter that asks for it."""

import math
from dataclasses import dataclass
from typing import Any

from annotator.effects.terms import rank
from gas.explorer.database import TABLE, TRANSCRIPT_TABLE, Database
from gas.explorer.filter_kinds import Condition, every
from gas.explorer.filters import LENGTH_CHANGE, State

#: Bins of all contigs together, about.
DENSITY_BINS = 300
#: Upper bounds of the bins of the frequency spectrum, included.
FREQUENCY_BOUNDS = (0.0, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
#: Changes of length that have a bar of their own; longer ones share one at either end.
LONGEST_BAR = 20
#: Changes that a lollipop shows: those at the places with the most samples.
MOST_CHANGES = 2000
Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bar:
    """A part of a chart. parameters: of the filter form; empty if there is no filter for it."""

    label: str
    count: int
    parameters: Parameters = ()


@dataclass(frozen=True)
class Bin:
    """A stretch of a contig. start, end: 1-based and included."""

    contig: str
    start: int
    end: int
    count: int

    @property
    def parameters(self) -> Parameters:
        """Variants that start here, and those that reach into it."""
        return (("region", f"{self.contig}:{self.start}-{self.end}"),)


@dataclass(frozen=True)
class Change:
    """A change of a protein. position: of its first amino acid. key: contig, pos, ref, alt."""

    position: int
    hgvs_p: str
    consequence: str
    key: tuple[str, int, str, str]
    carriers: int


@dataclass(frozen=True)
class Lollipop:
    """Changes along a protein, on the transcript that matters most among those that most of them touch."""

    gene: str
    transcript: str
    changes: list[Change]


def density(database: Database, state: State) -> list[Bin]:
    """Return how many variants start in each stretch of each contig that has any, in order. Raises QueryRefused."""
    where = state.where
    spans = database.ask(
        f"SELECT contig, max(pos) FROM {TABLE} WHERE {where.sql} GROUP BY contig",  # noqa: S608
        where.params,
    ).rows
    lengths = dict(database.columns.metadata.contigs)
    reach = {contig: max(lengths.get(contig, 0), last) for contig, last in spans}
    width = max(1, math.ceil(sum(reach.values()) / DENSITY_BINS))
    rows = database.ask(
        f"SELECT contig, (pos - 1) // ? AS bin, count(*) FROM {TABLE} WHERE {where.sql} GROUP BY ALL",  # noqa: S608
        [width, *where.params],
    ).rows
    places = {name: place for place, name in enumerate(database.columns.contigs)}
    ordered = sorted(rows, key=lambda row: (places.get(row[0], len(places)), row[0], row[1]))
    return [
        Bin(contig, number * width + 1, min((number + 1) * width, max(reach[contig], number * width + 1)), count)
        for contig, number, count in ordered
    ]


def spectrum(database: Database, state: State, column: str) -> list[Bar]:
    """Return how many variants have an allele frequency within each bin; the last bar has those without a value.

    Args:
        column: a number column of a source, such as one of `ResultColumns.frequencies`.

    Raises:
        UnknownColumn: it is none of the file.
        QueryRefused: see `Database.ask`.
    """
    name, value = f"source-{column}", database.columns.sql(column)
    bins = list(zip((None, *FREQUENCY_BOUNDS), FREQUENCY_BOUNDS, strict=False))
    parts, params = ["count(*) FILTER (WHERE " + value + " IS NULL)"], []
    for low, high in bins:
        if low is None:
            parts.append(f"count(*) FILTER (WHERE {value} <= ?)")
            params.append(high)
        else:
            parts.append(f"count(*) FILTER (WHERE {value} > ? AND {value} <= ?)")
            params += [low, high]
    where = state.where
    missing, *counts = database.ask(
        f"SELECT {', '.join(parts)} FROM {TABLE} WHERE {where.sql}",  # noqa: S608
        [*params, *where.params],
    ).rows[0]
    bars = []
    for (low, high), count in zip(bins, counts, strict=True):
        label = f"{high:g}" if low is None else f"{low:g}–{high:g}"
        bounds: Parameters = ((f"{name}-max", repr(high)), (f"{name}-missing", "drop"))
        if low is not None:  # the filter includes its bounds
            bounds = ((f"{name}-min", repr(math.nextafter(low, math.inf))), *bounds)
        bars.append(Bar(label, count, bounds))
    return [*bars, Bar("no value", missing, ((f"{name}-missing", "only"),))]


def lengths(database: Database, state: State) -> list[Bar]:
    """Return how many insertions and deletions change the length by each number of bases. Raises QueryRefused."""
    where = every([state.where, Condition(f"{LENGTH_CHANGE} <> 0")])
    rows = database.ask(
        f"SELECT greatest(?, least(?, {LENGTH_CHANGE})) AS size, count(*) FROM {TABLE} WHERE {where.sql} "  # noqa: S608
        "GROUP BY size ORDER BY size",
        [-LONGEST_BAR, LONGEST_BAR, *where.params],
    ).rows
    bars = []
    for size, count in rows:
        low, high = ("", str(size)) if size <= -LONGEST_BAR else (str(size), "" if size >= LONGEST_BAR else str(size))
        bounds = [(f"length-change-{end}", text) for end, text in (("min", low), ("max", high)) if text]
        label = f"{size:+d}" + (" and more" if size >= LONGEST_BAR else " and less" if size <= -LONGEST_BAR else "")
        bars.append(Bar(label, count, (*bounds, ("length-change-missing", "drop"))))
    return bars


def substitutions(database: Database, state: State) -> list[Bar]:
    """Return how many SNVs replace each base by each other. Raises QueryRefused."""
    where = every([state.where, Condition("type = 'SNV' AND regexp_matches(hgvs_g, '[ACGT]>[ACGT]$')")])
    rows = database.ask(
        f"SELECT right(hgvs_g, 3) AS change, count(*) FROM {TABLE} WHERE {where.sql} GROUP BY change ORDER BY change",  # noqa: S608
        where.params,
    ).rows
    return [Bar(change, count, (("substitution", change),)) for change, count in rows]


def lollipop(database: Database, state: State, gene: str) -> Lollipop | None:
    """Return the changes of a gene's protein; None if the file does not have the gene, or nothing changes its protein.

    Raises:
        QueryRefused: see `Database.ask`.
    """
    if gene not in database.columns.genes:
        return None
    span = database.columns.genes[gene]
    where = every([state.where, Condition("row_number BETWEEN ? AND ?", tuple(span))])
    rows = database.ask(
        "SELECT t.transcript, t.protein_position, t.hgvs_p, t.terms, t.mane, t.canonical, contig, pos, ref, alt, n "  # noqa: S608
        f"FROM (SELECT unnest(csq) AS t, row_number FROM {TRANSCRIPT_TABLE} WHERE row_number BETWEEN ? AND ?) JOIN "
        "(SELECT contig, pos, ref, alt, samples_het + samples_hom AS n, row_number "
        f"FROM {TABLE} WHERE {where.sql}) USING (row_number) WHERE t.gene = ? AND t.protein_position IS NOT NULL "
        "ORDER BY n DESC, row_number",
        [*span, *where.params, gene],
    ).rows
    if not rows:
        return None
    transcript = _transcript(rows)
    changes = [
        Change(int(position), (hgvs_p or "").rpartition(":")[2], _worst(terms), (contig, pos, ref, alt), carriers)
        for name, position_text, hgvs_p, terms, _, _, contig, pos, ref, alt, carriers in rows
        if name == transcript and (position := position_text.split("-")[0]).isdecimal()
    ]
    return Lollipop(gene, transcript, changes[:MOST_CHANGES])


def _transcript(rows: list[tuple[Any, ...]]) -> str:
    """The transcript of MANE Select, or the canonical one, or the one with the most changes."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row[0]] = counts.get(row[0], 0) + 1
    flags = {row[0]: ("MANE_Select" in (row[4] or ""), bool(row[4]), row[5] == "YES") for row in rows}
    return max(counts, key=lambda name: (flags[name], counts[name], name))


def _worst(terms: str) -> str:
    return min(terms.split("&"), key=rank)
