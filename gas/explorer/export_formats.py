"""The formats of exports. To add one, write a function and an entry in `FORMATS`."""

import gzip
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.formats.bgzf import END, BgzfWriter
from annotator.tables.schema import Kind
from gas.explorer.columns import quoted
from gas.explorer.database import Database, write_parquet
from gas.explorer.exports import Request, TooMany
from gas.explorer.results import open_vcf
from gas.explorer.spreadsheets import defused
from gas.jobs.file_names import download_name
from gas.jobs.models import Job

#: What a sheet of XLSX holds, without its header; and the characters of a cell.
MOST_SHEET_ROWS = 1_048_575
MOST_CELL = 32_767
SELECTED = "GAS_SELECTED"
_DEFINITION = (
    f"##INFO=<ID={SELECTED},Number=A,Type=Integer,"
    'Description="1 for each ALT allele that the filter of this export leaves, else 0">\n'
)


def tsv(database: Database, request: Request) -> Iterator[bytes]:
    """Yield a tab-separated table: a line with the citation that begins with #, the header, the rows.

    Raises:
        TooMany, QueryRefused: before the first bytes if possible.
    """
    rows = request.rows(database)
    first = next(rows, None)
    names = "\t".join(column.name for column in request.columns)
    yield f"# {defused(request.citation)}\n".encode()
    yield f"{names}\n".encode()
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
    sql, params = request.select(names, request.order_by)
    count = write_parquet(database, sql, params, target, request.citation, seconds=request.seconds)
    request.check(count)
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

    count = 0
    chosen = _selected_alleles(database, request)
    with gzip.open(result) as source, target.open("wb") as out:
        writer = BgzfWriter(out)
        _write_header(source, writer, request.citation)
        records = enumerate(source)
        for wanted, alleles in chosen:
            line = next((line for number, line in records if number == wanted), None)
            if line is None:
                raise ValueError(f"the annotated VCF has no record {wanted}")
            writer.write(_selected(line, alleles))
            count += len(alleles)
        writer.finish()
        out.write(END)
    pysam.tabix_index(str(target), preset="vcf", force=True)
    return count


def _selected_alleles(database: Database, request: Request) -> Iterator[tuple[int, set[int]]]:
    """Yield the number of each record that is selected, in order, and the numbers of its alleles that are."""
    sql, params = request.select("record, allele_number", "record")
    count, record, alleles = 0, -1, set[int]()
    for some in database.stream(sql, params, seconds=request.seconds):
        for found, allele in some:
            if found != record and alleles:
                yield record, alleles
                alleles = set()
            record = found
            alleles.add(allele)
        count += len(some)
        request.check(count)
        request.progress(count)
    if alleles:
        yield record, alleles


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


def _write_tsv(_: Job, database: Database, request: Request, target: Path) -> int:
    count = -2  # the citation and the header
    with target.open("wb") as file:
        packed = BgzfWriter(file) if target.suffix == ".gz" else None
        for line in tsv(database, request):
            (packed or file).write(line)
            count += 1
        if packed:
            packed.finish()
            file.write(END)
    return count


def _write_vcf(job: Job, database: Database, request: Request, target: Path) -> int:
    made = target.with_name(download_name(job.name, ".variants.vcf.gz"))
    with open_vcf(job) as result:
        count = vcf(database, request, result, made)
    with zipfile.ZipFile(target, "w") as both:  # what is in it is compressed already
        for file in (made, made.with_name(f"{made.name}.tbi")):
            both.write(file, file.name)
    return count


@dataclass(frozen=True)
class Format:
    """One format.

    label: for people.
    ending: of the names of files that are made while a person waits.
    stored_ending: of those that are made by a worker.
    write: writes the rows of a request to a file, and returns how many there are. Raises TooMany, QueryRefused.
    most: rows that it can hold; None for any number.
    """

    label: str
    ending: str
    stored_ending: str
    write: Callable[[Job, Database, Request, Path], int]
    most: int | None = None


#: By the name that addresses have.
FORMATS: dict[str, Format] = {
    "tsv": Format("Table with tabs (TSV)", ".variants.tsv", ".variants.tsv.gz", _write_tsv),
    "xlsx": Format(
        "Spreadsheet (XLSX)",
        ".variants.xlsx",
        ".variants.xlsx",
        lambda _, *rest: xlsx(*rest),
        MOST_SHEET_ROWS,
    ),
    "vcf": Format("VCF with its index (ZIP)", ".variants.vcf.zip", ".variants.vcf.zip", _write_vcf),
    "parquet": Format("Parquet", ".variants.parquet", ".variants.parquet", lambda _, *rest: parquet(*rest)),
}
