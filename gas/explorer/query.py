"""Questions about a result: a page of variants, how many match, facets, and one variant with all there is of it."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from annotator.effects.terms import IMPACT
from annotator.tables.schema import TRANSCRIPTS, Column, Kind
from gas.explorer.columns import ResultColumns, UnknownColumn, quoted
from gas.explorer.database import TABLE, Database
from gas.explorer.filter_kinds import Condition, every
from gas.explorer.filters import State
from gas.explorer.keys import VariantKey

PAGE_SIZE = 50
MOST_ROWS = 500
#: Values that a facet lists: those with the most variants.
FACET_VALUES = 25
#: Columns of facets, and the filter that each one's values belong to.
FACETS = {
    "consequence": "consequence",
    "impact": "impact",
    "type": "type",
    "significance": "significance",
    "contig": "region",
    "gene": "gene",
}
_ROW = "row_number"


class BadCursor(Exception):
    """The cursor is not one that `page` gave for this order."""


@dataclass(frozen=True)
class Order:
    """How rows are sorted: by a column, rows without a value last; then along the genome.

    column: "" for along the genome.
    """

    column: str = ""
    descending: bool = False

    @classmethod
    def parse(cls, text: str, columns: ResultColumns) -> "Order":
        """Read `qual`, or `-qual` for the highest first. Raises UnknownColumn."""
        name = text.removeprefix("-")
        if not name or name == _ROW:
            return cls("", text.startswith("-"))
        if (
            columns.get(name).kind not in {Kind.TEXT, Kind.INTEGER, Kind.NUMBER}
            or columns.get(name) not in columns.shown
        ):
            raise UnknownColumn(name)
        return cls(name, text.startswith("-"))

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.column or _ROW}" if self != Order() else ""


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
    back, place = _read(cursor, order) if cursor else (False, None)
    where = every([state.where, *([_beyond(order, place, back=back)] if place else [])])
    key = f"{quoted(order.column)}, " if order.column else ""
    found = database.ask(
        f"SELECT {key}{_ROW} FROM {TABLE} WHERE {where.sql} ORDER BY {order_by(order, back=back)} LIMIT ?",  # noqa: S608
        [*where.params, size + 1],
    ).rows
    more, keys = len(found) > size, found[:size]
    if back:
        keys.reverse()
    rows = _by_number(database, [int(one[-1]) for one in keys], columns)
    has_next, has_previous = (True, more) if back else (more, bool(cursor))
    return Page(
        list(columns),
        rows,
        _write(order, keys[-1], back=False) if has_next and keys else "",
        _write(order, keys[0], back=True) if has_previous and keys else "",
        order,
    )


def _by_number(database: Database, numbers: Sequence[int], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return the rows with these numbers, in this order."""
    if not numbers:
        return []
    names = list(dict.fromkeys([_ROW, *(one.name for one in columns)]))
    chosen = ", ".join(map(quoted, names))
    marks = ", ".join("?" * len(numbers))
    # Numbers are sorted in the file: the bounds tell which groups of rows need not be read.
    answer = database.ask(
        f"SELECT {chosen} FROM {TABLE} WHERE {_ROW} BETWEEN ? AND ? AND {_ROW} IN ({marks})",  # noqa: S608
        [min(numbers), max(numbers), *numbers],
    )
    by_number = {row[_ROW]: row for row in answer.dicts()}
    return [by_number[number] for number in numbers]


def order_by(order: Order, *, back: bool = False) -> str:
    """Return the ORDER BY of an order; back: from the end."""
    direction = "DESC" if order.descending != back else "ASC"
    if not order.column:
        return f"{_ROW} {direction}"
    nulls = "FIRST" if back else "LAST"
    return f"{quoted(order.column)} {direction} NULLS {nulls}, {_ROW} {'DESC' if back else 'ASC'}"


def _beyond(order: Order, place: tuple[Any, int], *, back: bool) -> Condition:
    """Return the condition that a row comes after a place, or before it."""
    value, number = place
    if not order.column:
        return Condition(f"{_ROW} {'<' if order.descending != back else '>'} ?", (number,))
    column, tie = quoted(order.column), f"{_ROW} {'<' if back else '>'} ?"
    if value is None:
        same = Condition(f"{column} IS NULL AND {tie}", (number,))
        return Condition(f"({column} IS NOT NULL) OR ({same.sql})", same.params) if back else same
    sign = "<" if order.descending != back else ">"
    beyond = f"({column} {sign} ?) OR ({column} = ? AND {tie})"
    return Condition(beyond if back else f"{beyond} OR ({column} IS NULL)", (value, value, number))


def _write(order: Order, key: tuple[Any, ...], *, back: bool) -> str:
    value = key[0] if order.column else None
    text = json.dumps([str(order), int(back), value, int(key[-1])], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, order: Order) -> tuple[bool, tuple[Any, int]]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of, back, value, number = json.loads(text)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor) from error
    sound = isinstance(value, str | int | float | None) and isinstance(number, int) and 0 <= number < 2**53
    if of != str(order) or not sound or isinstance(value, bool):
        raise BadCursor(cursor)
    return bool(back), (value, number)


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


def facets(database: Database, state: State) -> Facets:
    """Return the total and each facet's counts of the variants that match. Raises QueryRefused."""
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
        f"SELECT * FROM {TABLE} WHERE contig = ? AND pos = ? AND ref = ? AND coalesce(alt, '.') = ? ORDER BY {_ROW}",  # noqa: S608
        [contig or "", key.pos, key.ref, key.alt],
    )
    return [Variant(VariantKey.of_row(row), row, list(row.pop(TRANSCRIPTS.name) or [])) for row in found.dicts()]
