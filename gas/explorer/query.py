"""Questions about a result: a page of variants, how many match, facets, and one variant with all there is of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from annotator.effects.terms import IMPACT
from annotator.tables.schema import TRANSCRIPTS, Column
from gas.explorer.columns import ResultColumns, quoted
from gas.explorer.database import TABLE, TRANSCRIPT_TABLE, Database
from gas.explorer.filter_kinds import every
from gas.explorer.filters import State
from gas.explorer.keys import VariantKey
from gas.explorer.ordering import ROW, BadCursor, Order, beyond, order_by, read_cursor, write_cursor
from gas.explorer.selection import facet_bits, kept, key_of, select
from gas.explorer.sorted_rows import can_sort, first_sorted, sort_values

__all__ = ["BadCursor", "Order", "count", "facets", "page", "variants"]

PAGE_SIZE = 50
MOST_ROWS = 500
#: Values that these facets list: those with the most variants. Others list all.
FACET_VALUES = {"gene": 25, "contig": 200}
#: Bytes of the counts of a filter, about.
FACETS_BYTES = 32_768
#: Columns of facets, and the filter that each one's values belong to.
FACETS = {
    "consequence": "consequence",
    "impact": "impact",
    "type": "type",
    "significance": "significance",
    "contig": "region",
    "gene": "gene",
}


@dataclass(frozen=True)
class Page:
    """Some rows.

    columns: what was asked for. rows: a dict by the columns' names for each; row_number is always among them.
    next, previous: cursors; "" where there is nothing.
    """

    columns: list[Column]
    rows: list[dict[str, Any]]
    next: str = ""
    previous: str = ""
    order: Order = field(default_factory=Order)


def page(
    database: Database,
    state: State,
    columns: Sequence[Column],
    *,
    order: Order | None = None,
    cursor: str = "",
    size: int = PAGE_SIZE,
) -> Page:
    """Return a page of the variants that match.

    Args:
        columns: of `ResultColumns.shown`.
        order: along the genome unless given.
        cursor: `next` or `previous` of a page in the same order; "" for the first page.

    Raises:
        BadCursor: it belongs to another order, or is no cursor.
        QueryRefused: see `Database.ask`.
    """
    order, size = order or Order(), max(1, min(size, MOST_ROWS))
    back, place = read_cursor(cursor, order) if cursor else (False, None)
    numbers = _numbers(database, state, order, size + 1, back=back, place=place)
    more, numbers = len(numbers) > size, numbers[:size]
    if back:
        numbers.reverse()
    names = list(dict.fromkeys([ROW, *([order.column] if order.column else []), *(one.name for one in columns)]))
    rows = _by_number(database, numbers, names)
    ends = [(row[order.column], row[ROW]) if order.column else (row[ROW],) for row in rows[:1] + rows[-1:]]
    has_next, has_previous = (True, more) if back else (more, bool(cursor))
    return Page(
        list(columns),
        rows,
        write_cursor(order, ends[-1], back=False) if has_next and ends else "",
        write_cursor(order, ends[0], back=True) if has_previous and ends else "",
        order,
    )


def _numbers(
    database: Database, state: State, order: Order, size: int, *, back: bool, place: tuple[Any, int] | None
) -> list[int]:
    """Return the numbers of the first rows after a place, or of the last ones before it, from there on.

    Long texts, such as HGVS, are sorted by DuckDB.
    """
    if order.column and not can_sort(database.columns.get(order.column)):
        where = every([state.where, *([beyond(order, place, back=back)] if place else [])])
        rows = database.ask(
            f"SELECT {ROW} FROM {TABLE} WHERE {where.sql} ORDER BY {order_by(order, back=back)} LIMIT ?",  # noqa: S608
            [*where.params, size],
        ).rows
        return [row[0] for row in rows]
    found = select(database, state)
    if place and place[1] >= found.rows:
        return []
    if order.column:
        values = sort_values(database, order.column)
        start = place[1] if place else None
        return first_sorted(found, values, size, descending=order.descending, back=back, place=start)
    if order.descending != back:
        return found.preceding(place[1] if place else found.rows, size)
    return found.following(place[1] + 1 if place else 0, size)


def _by_number(database: Database, numbers: Sequence[int], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows with these numbers, in this order."""
    if not numbers:
        return []
    chosen = ", ".join(map(quoted, names))
    # As literals they are looked up in the index of row numbers; as parameters they would not be.
    literals = ", ".join(str(int(number)) for number in numbers)
    answer = database.ask(f"SELECT {chosen} FROM {TABLE} WHERE {ROW} IN ({literals})")  # noqa: S608
    by_number = {row[ROW]: row for row in answer.dicts()}
    return [by_number[number] for number in numbers]


@dataclass(frozen=True)
class Count:
    """A value of a facet. value: None for rows without one. filter: the parameter that asks for it."""

    value: str | None
    count: int
    filter: str


@dataclass(frozen=True)
class Facets:
    """How many variants match, and how many of them have each value; see FACETS. more: values that are not listed."""

    total: int
    values: dict[str, list[Count]]
    more: dict[str, int]


def count(database: Database, state: State) -> int:
    """Return how many variants match. Raises QueryRefused."""
    return select(database, state).total


def facets(database: Database, state: State) -> Facets:
    """Return the total and each facet's counts of the variants that match. Raises QueryRefused.

    A file never changes, so the answers of the latest filters are kept: turning a page or sorting counts nothing again.
    """
    found: Facets = kept.get(
        (key_of(database, *state.parts), "counts"), lambda: _count_facets(database, state), lambda _: FACETS_BYTES
    )
    return found


def _count_facets(database: Database, state: State) -> Facets:
    selection, index = select(database, state), facet_bits(database)
    tallies: dict[str, dict[str | None, int]] = {
        name: {value: number for value, bits in some if (number := selection.common(bits))}
        for name, some in index.few.items()
    }
    tallies["impact"] = {}
    for consequence, number in tallies["consequence"].items():
        impact = str(IMPACT[consequence]) if consequence in IMPACT else None
        tallies["impact"][impact] = tallies["impact"].get(impact, 0) + number
    more = dict.fromkeys(FACETS, 0)
    for name, runs in index.runs.items():
        tallies[name], more[name] = runs.tally(selection, FACET_VALUES[name])
    values = {
        name: [Count(value, number, FACETS[name]) for value, number in _in_order(name, tallies[name], database.columns)]
        for name in FACETS
    }
    return Facets(selection.total, values, more)


def _in_order(facet: str, tally: dict[str | None, int], columns: ResultColumns) -> list[tuple[str | None, int]]:
    """Contigs in the file's order, others by their number."""
    if facet == "contig":
        places = {name: place for place, name in enumerate(columns.contigs)}
        return sorted(tally.items(), key=lambda item: (places.get(item[0] or "", len(places)), item[0] or ""))
    return sorted(tally.items(), key=lambda item: (-item[1], item[0] is None, item[0] or ""))


@dataclass(frozen=True)
class Variant:
    """One variant.

    row: all columns by name. transcripts: a dict for each, by the names of schema.TRANSCRIPT_FIELDS.
    """

    key: VariantKey
    row: dict[str, Any]
    transcripts: list[dict[str, str | None]]


def variants(database: Database, key: VariantKey) -> list[Variant]:
    """Return the rows with this contig, position, REF and ALT: none, one, or more if the file has it twice."""
    contig = database.columns.contig(key.contig)
    rows = database.ask(
        f"SELECT * FROM {TABLE} WHERE contig = ? AND pos = ? AND ref = ? AND coalesce(alt, '.') = ? ORDER BY {ROW}",  # noqa: S608
        [contig or "", key.pos, key.ref, key.alt],
    ).dicts()
    return [Variant(VariantKey.of_row(row), row, _transcripts(database, row[ROW])) for row in rows]


def _transcripts(database: Database, number: int) -> list[dict[str, str | None]]:
    """Return the consequences of a row on each transcript."""
    sql = f"SELECT {TRANSCRIPTS.name} FROM {TRANSCRIPT_TABLE} WHERE {ROW} = ?"  # noqa: S608
    return database.ask(sql, [number]).rows[0][0] or []
