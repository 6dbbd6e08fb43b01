"""The order of rows, and cursors: where a page begins."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from annotator.tables.schema import Kind
from gas.explorer.columns import ResultColumns, UnknownColumn, quoted
from gas.explorer.filter_kinds import Condition

#: The column of a row's number, which is along the genome.
ROW = "row_number"
#: The parameter of addresses that has the order.
SORT = "sort"


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
        if not name or name == ROW:
            return cls("", text.startswith("-"))
        if (
            columns.get(name).kind not in {Kind.TEXT, Kind.INTEGER, Kind.NUMBER}
            or columns.get(name) not in columns.shown
        ):
            raise UnknownColumn(name)
        return cls(name, text.startswith("-"))

    @classmethod
    def of_address(cls, text: str, columns: ResultColumns) -> "Order":
        """Return the order that an address asks for; along the genome if there is no such column."""
        try:
            return cls.parse(text, columns)
        except UnknownColumn:
            return cls()

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.column or ROW}" if self != Order() else ""


def order_by(order: Order, *, back: bool = False) -> str:
    """Return the ORDER BY of an order; back: from the end."""
    direction = "DESC" if order.descending != back else "ASC"
    if not order.column:
        return f"{ROW} {direction}"
    nulls = "FIRST" if back else "LAST"
    return f"{quoted(order.column)} {direction} NULLS {nulls}, {ROW} {'DESC' if back else 'ASC'}"


def beyond(order: Order, place: tuple[Any, int], *, back: bool) -> Condition:
    """Return the condition that a row comes after a place, or before it."""
    value, number = place
    if not order.column:
        return Condition(f"{ROW} {'<' if order.descending != back else '>'} ?", (number,))
    column, tie = quoted(order.column), f"{ROW} {'<' if back else '>'} ?"
    if value is None:
        same = Condition(f"{column} IS NULL AND {tie}", (number,))
        return Condition(f"({column} IS NOT NULL) OR ({same.sql})", same.params) if back else same
    sign = "<" if order.descending != back else ">"
    beyond = f"({column} {sign} ?) OR ({column} = ? AND {tie})"
    return Condition(beyond if back else f"{beyond} OR ({column} IS NULL)", (value, value, number))


def write_cursor(order: Order, key: tuple[Any, ...], *, back: bool) -> str:
    """Return the cursor of the rows after a row, or before it. key: its value in the order's column, and its number."""
    value = key[0] if order.column else None
    text = json.dumps([str(order), int(back), value, int(key[-1])], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: Order) -> tuple[bool, tuple[Any, int]]:
    """Return whether a cursor leads back, and the place that it names. Raises BadCursor."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of, back, value, number = json.loads(text)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor) from error
    sound = isinstance(value, str | int | float | None) and isinstance(number, int) and 0 <= number < 2**53
    if of != str(order) or not sound or isinstance(value, bool):
        raise BadCursor(cursor)
    return bool(back), (value, number)
