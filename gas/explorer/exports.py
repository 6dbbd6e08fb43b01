"""Exports of exactly the variants that a filter leaves: the same rows, in the same order, with the chosen columns.

What to export is a `Request`; `export_formats` writes it. Neither depends on pages.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import QueryDict

from annotator import __version__
from annotator.tables.schema import Column
from gas.explorer import query
from gas.explorer.columns import COLUMNS, IDENTITY, quoted
from gas.explorer.database import TABLE, Database
from gas.explorer.filters import State, form_for
from gas.explorer.ordering import ROW, SORT, Order, order_by

#: Seconds that the question of an export may take that is made while a person waits.
SECONDS = 120.0


class TooMany(Exception):
    """The export has more rows than it may have. Its text is a sentence for people."""


class BadFilters(Exception):
    """The filters are not valid. Its text is a sentence for people.

    errors: what is wrong with each, by the name of its parameter.
    """

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(f"{name}: {sentence}" for name, sentence in errors))
        self.errors = list(errors)


def _ignore(_: int) -> None:
    pass


@dataclass(frozen=True)
class Request:
    """What to export.

    columns: for tables; a VCF has those of the result.
    citation: `citation` of the job's result.
    most: rows that it may have; None for any number.
    seconds: the longest time that its question may take, with the writing of the rows.
    progress: is called with the number of rows so far, now and then. What it raises ends the export.
    """

    state: State
    columns: Sequence[Column]
    order: Order
    citation: str
    most: int | None = None
    seconds: float = SECONDS
    progress: Callable[[int], None] = field(default=_ignore)

    def select(self, columns: str, order: str) -> tuple[str, list[Any]]:
        """Return the question for the rows; one more than allowed, if there are more.

        order: of ORDER BY; "" for the order of the file, which DuckDB keeps (its setting preserve_insertion_order). So
        the rows of a large result need not be held to be sorted.
        """
        where = self.state.where
        sql = f"SELECT {columns} FROM {TABLE} WHERE {where.sql}"  # noqa: S608
        sql += f" ORDER BY {order}" if order else ""
        return (sql, list(where.params)) if self.most is None else (f"{sql} LIMIT ?", [*where.params, self.most + 1])

    @property
    def order_by(self) -> str:
        """The order for `select`."""
        return order_by(self.order) if self.order != Order() else ""

    def rows(self, database: Database) -> Iterator[tuple[Any, ...]]:
        """Yield the rows with the chosen columns. Raises TooMany, QueryRefused."""
        names = ", ".join(quoted(column.name) for column in self.columns)
        sql, params = self.select(f"{ROW}, {names}", self.order_by)
        along_the_file, count, last = self.order == Order(), 0, -1
        for some in database.stream(sql, params, seconds=self.seconds):
            for number, *row in some:
                count += 1
                self.check(count)
                if along_the_file and number <= last:
                    raise RuntimeError(f"row {number} comes after row {last}")
                last = number
                yield tuple(row)
            self.progress(count)

    def check(self, count: int) -> None:
        """Check that an export may have this many rows. Raises TooMany."""
        if self.most is not None and count > self.most:
            raise TooMany(f"The export would have more than {self.most:,} rows.")


def request_of(database: Database, reference: str, text: str, **options: Any) -> Request:
    """Return what an address asks for. The first columns are those that name a variant.

    Args:
        database: the result's table.
        reference: of the result's job.
        text: the parameters of the address, encoded: filters, order and columns, which are the usual ones
            unless named.
        options: other fields of `Request`.

    Raises:
        BadFilters: a filter is not valid, or not one of this result.
    """
    asked = QueryDict(text)
    form = form_for(database.columns, asked)
    unknown = [name for name in asked if name not in {SORT, COLUMNS} and name not in form.fields]
    if unknown or not form.is_valid():
        wrong = [(name, "this result has no such filter.") for name in unknown]
        raise BadFilters([*wrong, *((name, str(errors[0])) for name, errors in form.errors.items() if errors)])
    state = form.state()
    columns = [*map(database.columns.get, IDENTITY), *database.columns.of_address(asked.getlist(COLUMNS))]
    order = Order.of_address(asked.get(SORT, ""), database.columns)
    return Request(state, columns, order, citation(reference, state), **options)


def check_size(database: Database, request: Request) -> int:
    """Count the rows before anything is sorted or written, and return how many there are.

    Raises:
        TooMany: more than allowed.
        QueryRefused: see `Database.ask`.
    """
    count = query.count(database, request.state)
    if request.most is not None and count > request.most:
        raise TooMany(f"The export would have {count:,} rows, and {request.most:,} is the maximum.")
    return count


def citation(reference: str, state: State) -> str:
    """Return one line that says where an export comes from, with versions."""
    sources = {f"{one.source} {one.version}".strip() for one in state.columns.metadata.sources if one.source}
    asked = "; ".join(state.in_words) or "all variants"
    parts = [f"Genomics Annotation Service {__version__}", f"reference {reference}", *sorted(sources)]
    line = f"{', '.join(parts)}. Filter: {asked}. Exported {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    return " ".join(line.split())


def temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder for the files of one export. What a killed process leaves goes with the leftovers of attempts."""
    return tempfile.TemporaryDirectory(dir=settings.WORK_DIR, prefix="gas-attempt-export-")
