"""Questions about a result: a page of variants, how many match, facets, and one variant with all there is of it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from annotator.effects.terms import IMPACT
from annotator.tables.schema import TRANSCRIPTS, Column
from gas.explorer.columns import ResultColumns, quoted
from gas.explorer.database import TABLE, Database
from gas.explorer.filter_kinds import every
from gas.explorer.filters import State
from gas.explorer.keys import VariantKey
from gas.explorer.ordering import ROW, BadCursor, Order, beyond, order_by, read_cursor, write_cursor

__all__ = ["BadCursor", "Order", "count", "facets", "page", "variants"]

PAGE_SIZE = 50
MOST_ROWS = 500
#: Values that a facet lists: those with the most variants.
FACET_VALUES = 25
#: Columns that a sorted page reads of all rows that match; of more, only those of its own rows.
READ_AT_ONCE = 20
#: Filters whose facets a process remembers.
KEPT_FACETS = 200
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
    where = every([state.where, *([beyond(order, place, back=back)] if place else [])])
    # Rows of another order lie anywhere, and are read at once; those along the genome lie together.
    names = list(dict.fromkeys([ROW, *(one.name for one in columns)]))
    at_once = bool(order.column) and len(names) <= READ_AT_ONCE
    sorted_by = [quoted(order.column)] if order.column else []
    chosen = ", ".join([*sorted_by, *map(quoted, names if at_once else [ROW])])
    answer = database.ask(
        f"SELECT {chosen} FROM {TABLE} WHERE {where.sql} ORDER BY {order_by(order, back=back)} LIMIT ?",  # noqa: S608
        [*where.params, size + 1],
    )
    more, found = len(answer.rows) > size, answer.rows[:size]
    if back:
        found.reverse()
    keys = [(*row[: len(sorted_by)], row[len(sorted_by)]) for row in found]
    if at_once:
        rows = [dict(zip(names, row[len(sorted_by) :], strict=True)) for row in found]
    else:
        rows = _by_number(database, [int(key[-1]) for key in keys], names)
    has_next, has_previous = (True, more) if back else (more, bool(cursor))
    return Page(
        list(columns),
        rows,
        write_cursor(order, keys[-1], back=False) if has_next and keys else "",
        write_cursor(order, keys[0], back=True) if has_previous and keys else "",
        order,
    )


def _by_number(database: Database, numbers: Sequence[int], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows with these numbers, in this order."""
    if not numbers:
        return []
    chosen = ", ".join(map(quoted, names))
    marks = ", ".join("?" * len(numbers))
    # Numbers are sorted in the file: the bounds tell which groups of rows need not be read.
    answer = database.ask(
        f"SELECT {chosen} FROM {TABLE} WHERE {ROW} BETWEEN ? AND ? AND {ROW} IN ({marks})",  # noqa: S608
        [min(numbers), max(numbers), *numbers],
    )
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
    where = state.where
    return int(database.ask(f"SELECT count(*) FROM {TABLE} WHERE {where.sql}", where.params).rows[0][0])  # noqa: S608


_known: OrderedDict[tuple[str, str, tuple[Any, ...]], Facets] = OrderedDict()
_guard = threading.Lock()


def facets(database: Database, state: State) -> Facets:
    """Return the total and each facet's counts of the variants that match. Raises QueryRefused.

    A file never changes, so the answers of the latest filters are kept: turning a page or sorting asks nothing again.
    """
    key = (database.file.path.name, state.where.sql, _hashable(state.where.params))
    with _guard:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    found = _count_facets(database, state)
    with _guard:
        _known[key] = found
        while len(_known) > KEPT_FACETS:
            _known.popitem(last=False)
    return found


def forget_facets() -> None:
    """Forget the answers that are kept, such as between measurements."""
    with _guard:
        _known.clear()


def _hashable(params: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(tuple(one) if isinstance(one, list) else one for one in params)


def _count_facets(database: Database, state: State) -> Facets:
    where = state.where
    small = database.ask(
        f"SELECT consequence, type, significance, contig, count(*) FROM {TABLE} WHERE {where.sql} GROUP BY ALL",  # noqa: S608
        where.params,
    ).rows
    tallies: dict[str, dict[str | None, int]] = {name: {} for name in FACETS}
    for consequence, type_, significance, contig, number in small:
        impact = str(IMPACT[consequence]) if consequence in IMPACT else None
        row = {
            "consequence": consequence,
            "impact": impact,
            "type": type_,
            "significance": significance,
            "contig": contig,
        }
        for name, value in row.items():
            tallies[name][value] = tallies[name].get(value, 0) + number
    genes = database.ask(
        "SELECT name, sum(n)::BIGINT AS n FROM (SELECT unnest(string_split(gene, ', ')) AS name, n FROM "  # noqa: S608
        f"(SELECT gene, count(*) AS n FROM {TABLE} WHERE {where.sql} GROUP BY gene)) "
        "GROUP BY name ORDER BY n DESC, name",
        where.params,
    ).rows
    tallies["gene"] = dict(genes)
    values, more = {}, {}
    for name, tally in tallies.items():
        ordered = _in_order(name, tally, database.columns)
        values[name] = [Count(value, number, FACETS[name]) for value, number in ordered[: _most(name)]]
        more[name] = max(0, len(ordered) - _most(name))
    return Facets(sum(row[-1] for row in small), values, more)


def _most(facet: str) -> int:
    return FACET_VALUES if facet == "gene" else 200


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
    found = database.ask(
        f"SELECT * FROM {TABLE} WHERE contig = ? AND pos = ? AND ref = ? AND coalesce(alt, '.') = ? ORDER BY {ROW}",  # noqa: S608
        [contig or "", key.pos, key.ref, key.alt],
    )
    return [Variant(VariantKey.of_row(row), row, list(row.pop(TRANSCRIPTS.name) or [])) for row in found.dicts()]
