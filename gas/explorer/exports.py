"""Exports of exactly the variants that a filter leaves: the same rows, in the same order, with the chosen columns."""

import gzip
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from annotator import __version__
from annotator.formats.bgzf import END, BgzfWriter
from annotator.tables.schema import Column, Kind
from gas.explorer import query
from gas.explorer.columns import quoted
from gas.explorer.database import TABLE, Database, write_parquet
from gas.explorer.filters import State
from gas.explorer.ordering import Order, order_by
from gas.explorer.spreadsheets import defused

#: Rows of an export that is made while a person waits.
MOST_AT_ONCE = 50_000
#: What a sheet of XLSX holds, without its header; and the characters of a cell.
MOST_SHEET_ROWS = 1_048_575
MOST_CELL = 32_767
#: Seconds that the question of an export may take.
SECONDS = 120.0
SELECTED = "GAS_SELECTED"
_DEFINITION = (
    f"##INFO=<ID={SELECTED},Number=A,Type=Integer,"
    'Description="1 for each ALT allele that the filter of this export leaves, else 0">\n'
)


class TooMany(Exception):
    """The export has more rows than it may have. Its text is a sentence for people."""


@dataclass(frozen=True)
class Request:
    """What to export.

    columns: for tables; a VCF has those of the result.
    citation: `citation` of the job's result.
    """

    state: State
    columns: Sequence[Column]
    order: Order
    citation: str
    most: int = MOST_AT_ONCE

    def select(self, columns: str, order: str) -> tuple[str, list[Any]]:
        """Return the question for the rows; one more than allowed, if there are more."""
        where = self.state.where
        sql = f"SELECT {columns} FROM {TABLE} WHERE {where.sql} ORDER BY {order} LIMIT ?"  # noqa: S608
        return sql, [*where.params, self.most + 1]

    def rows(self, database: Database) -> Iterator[tuple[Any, ...]]:
        """Yield the rows with the chosen columns. Raises TooMany, QueryRefused."""
        names = ", ".join(quoted(column.name) for column in self.columns)
        sql, params = self.select(names, order_by(self.order))
        count = 0
        for some in database.stream(sql, params, seconds=SECONDS):
            for row in some:
                count += 1
                if count > self.most:
                    raise TooMany(f"The export would have more than {self.most:,} rows.")
                yield row


def check_size(database: Database, request: Request) -> None:
    """Refuse an export that is too large before anything is sorted or written. Raises TooMany, QueryRefused."""
    count = query.count(database, request.state)
    if count > request.most:
        raise TooMany(f"The export would have {count:,} rows, and {request.most:,} is the maximum.")


def citation(reference: str, state: State) -> str:
    """Return one line that says where an export comes from, with versions."""
    sources = {f"{one.source} {one.version}".strip() for one in state.columns.metadata.sources if one.source}
    asked = "; ".join(state.in_words) or "all variants"
    parts = [f"Genomics Annotation Service {__version__}", f"reference {reference}", *sorted(sources)]
    line = f"{', '.join(parts)}. Filter: {asked}. Exported {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    return " ".join(line.split())


def tsv(database: Database, request: Request) -> Iterator[bytes]:
    """Yield a tab-separated table: a line with the citation that begins with #, the header, the rows.

    Raises:
        TooMany, QueryRefused: before the first bytes if possible.
    """
    rows = request.rows(database)
    first = next(rows, None)
    names = "\t".join(column.name for column in request.columns)
    yield f"# {defused(request.citation)}\n{names}\n".encode()
    if first is not None:
        yield _line(first)
    for row in rows:
        yield _line(row)


def _line(row: Sequence[Any]) -> bytes:
    return ("\t".join(_cell(value) for value in row) + "\n").encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return defused(", ".join(map(str, value)))
    return defused(value) if isinstance(value, str) else str(value)


def xlsx(database: Database, request: Request, target: Path) -> int:
    """Write a workbook with the sheets Variants and About, and return the number of rows. Raises TooMany, QueryRefused.

    Texts are written as texts, which no spreadsheet runs.
    """
    import xlsxwriter  # noqa: PLC0415 - seldom needed

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(target.parent),
    }
    count = 0
    with xlsxwriter.Workbook(str(target), options) as book:
        sheet = book.add_worksheet("Variants")
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(request.columns):
            sheet.write_string(0, place, column.name)
        for row in request.rows(database):
            count += 1
            if count > MOST_SHEET_ROWS:
                raise TooMany(f"A sheet holds {MOST_SHEET_ROWS:,} rows: export TSV or Parquet.")
            for place, value in enumerate(row):
                if isinstance(value, int | float):
                    sheet.write_number(count, place, value)
                elif value is not None:
                    sheet.write_string(count, place, _cell(value)[:MOST_CELL])
        about = book.add_worksheet("About")
        about.write_string(0, 0, request.citation)
        for place, column in enumerate(request.columns, 2):
            about.write_string(place, 0, column.name)
            about.write_string(place, 1, column.text)
    return count


def parquet(database: Database, request: Request, target: Path) -> int:
    """Write a Parquet file with the citation in its metadata, and return the number of rows.

    Raises:
        TooMany, QueryRefused: see `Request.rows`.
    """
    names = ", ".join(quoted(column.name) for column in request.columns if column.kind != Kind.TRANSCRIPTS)
    sql, params = request.select(names, order_by(request.order))
    count = write_parquet(database, sql, params, target, request.citation, seconds=SECONDS)
    if count > request.most:
        target.unlink()
        raise TooMany(f"The export would have more than {request.most:,} rows.")
    return count


def vcf(database: Database, request: Request, result: Path, target: Path) -> int:
    """Write the records that have a variant which the filter leaves, and an index next to them.

    Records are whole, in the file's order. INFO/GAS_SELECTED says which of their ALT alleles the filter leaves.

    Args:
        result: the annotated VCF, in bgzip.
        target: of the bgzip file; its index gets the ending .tbi.

    Returns:
        How many alleles are selected.

    Raises:
        TooMany, QueryRefused: see `Request.rows`.
    """
    import pysam  # noqa: PLC0415 - seldom needed

    sql, params = request.select("record, allele_number", "row_number")
    chosen: dict[int, set[int]] = {}
    count = 0
    for some in database.stream(sql, params, seconds=SECONDS):
        for record, number in some:
            chosen.setdefault(record, set()).add(number)
            count += 1
    if count > request.most:
        raise TooMany(f"The export would have more than {request.most:,} rows.")
    with gzip.open(result) as source, target.open("wb") as out:
        writer = BgzfWriter(out)
        _write_header(source, writer, request.citation)
        last = max(chosen, default=-1)
        for number, line in enumerate(source):
            if number > last:
                break
            if number in chosen:
                writer.write(_selected(line, chosen[number]))
        writer.finish()
        out.write(END)
    pysam.tabix_index(str(target), preset="vcf", force=True)
    return count


def _write_header(source: Iterable[bytes], writer: BgzfWriter, line: str) -> None:
    for raw in source:
        if raw.startswith(b"#CHROM"):
            writer.write(f"##gas_export={line}\n{_DEFINITION}".encode() + raw)
            return
        if not raw.startswith(f"##INFO=<ID={SELECTED},".encode()):
            writer.write(raw)


def _selected(line: bytes, alleles: set[int]) -> bytes:
    """Add INFO/GAS_SELECTED to a record; the one of an earlier export goes."""
    columns = line.split(b"\t", 8)
    end = b"\n" if len(columns) == 8 else b""
    info = [part for part in columns[7].rstrip(b"\r\n").split(b";") if not part.startswith(f"{SELECTED}=".encode())]
    if columns[4] != b".":
        flags = ",".join("1" if one in alleles else "0" for one in range(1, columns[4].count(b",") + 2))
        info = [part for part in info if part not in {b".", b""}] + [f"{SELECTED}={flags}".encode()]
    columns[7] = b";".join(info) + end
    return b"\t".join(columns)


def temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder for the files of one export."""
    return tempfile.TemporaryDirectory(dir=settings.WORK_DIR, prefix="gas-export-")
