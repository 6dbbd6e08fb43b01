"""A pack's table of gene models: text with a row for each gene, region and transcript, and an index of the rows.

The rows of a contig are adjacent and sorted by position. The index begins with a line of JSON, {contig: offset of its
numbers, number of transcripts, genes and regions}. Then come the numbers of each contig, for each of the three kinds:
the first bases, the last bases, the offsets of the rows in the table, and the sizes of the rows.
"""

import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from annotator.effects.genes import Gene, Record, Region
from annotator.effects.transcript import FLAGS, NO_END, NO_START, Span, Transcript
from annotator.reference.gene_models import place

HEAD = (
    "#transcript\tstart\tend\tname\tgene\tgene_id\tprotein_id\tbiotype\tstrand\texons\tcoding\tphase\ttags\tmature\n"
    "#gene\tstart\tend\tname\tgene_id\tkind\tstrand\tbiotype\tdescription\n"
    "#region\tstart\tend\tname\n"
)
KINDS = {Transcript: "transcript", Gene: "gene", Region: "region"}
_INCONSISTENT = "inconsistent"


def row_of(record: Record) -> str:
    """Return the row of a gene, a region or a transcript, without its line end."""
    cells = [KINDS[type(record)], str(record.start), str(record.end), record.name]
    if isinstance(record, Gene):
        cells += [record.gene_id, record.kind, record.strand, record.biotype, record.description]
    elif isinstance(record, Transcript):
        tags = [*record.flags]
        tags += [NO_START] if not record.start_known else []
        tags += [NO_END] if not record.end_known else []
        tags += [_INCONSISTENT] if not record.is_consistent else []
        cells += [record.gene, record.gene_id, record.protein_id, record.biotype, record.strand]
        cells += [_text(record.exons), _text([record.coding] if record.coding else [])]
        cells += [str(record.phase), ",".join(tags), _text(record.mature)]
    return "\t".join(cells)


def record_of(row: str, contig: str, genetic_code: int) -> Record:
    """Parse a row.

    Args:
        row: Without its line end.
        contig: The contig of the row.
        genetic_code: NCBI's number of the contig's genetic code.
    """
    kind, start, end, name, *cells = row.split("\t")
    if kind == "region":
        return Region(name, int(start), int(end))
    if kind == "gene":
        gene_id, gene_kind, strand, biotype, description = cells
        return Gene(name, gene_id, gene_kind, contig, int(start), int(end), strand, biotype, description)
    return _transcript_of(name, cells, genetic_code)


def _transcript_of(name: str, cells: Sequence[str], genetic_code: int) -> Transcript:
    # Tables of format 3 have no column for mature products.
    gene, gene_id, protein_id, biotype, strand, exons, coding, phase, tags, *mature = cells
    flags, start_known, end_known, is_consistent = _read_tags(tags)
    return Transcript(
        name=name,
        gene=gene,
        biotype=biotype,
        strand=strand,
        exons=_spans(exons),
        coding=_spans(coding)[0] if coding else None,
        phase=int(phase),
        start_known=start_known,
        end_known=end_known,
        genetic_code=genetic_code,
        gene_id=gene_id,
        protein_id=protein_id,
        flags=flags,
        mature=_spans(mature[0]) if mature and mature[0] else (),
        is_consistent=is_consistent,
    )


@lru_cache(maxsize=64)  # rows have few different values
def _read_tags(tags: str) -> tuple[tuple[str, ...], bool, bool, bool]:
    has = tags.split(",")
    flags = tuple(tag for tag in has if tag in FLAGS)
    return flags, NO_START not in has, NO_END not in has, _INCONSISTENT not in has


def _text(spans: Iterable[Span]) -> str:
    return ",".join(f"{start}-{end}" for start, end in spans)


def _spans(text: str) -> tuple[Span, ...]:
    numbers = map(int, text.replace("-", ",").split(","))
    return tuple(zip(numbers, numbers, strict=True))


class Rows(NamedTuple):
    """The rows of one kind, in the order of their starts.

    starts, ends: of each gene, region or transcript on the contig, 1-based, inclusive.
    places, sizes: offset and size of each row in the table, in bytes, without the line end.
    """

    starts: "array[int]"
    ends: "array[int]"
    places: "array[int]"
    sizes: "array[int]"


def _no_rows() -> Rows:
    # Numbers have 32 bits, but offsets 64: a table may exceed 4 GiB.
    return Rows(array("I"), array("I"), array("Q"), array("I"))


class TableWriter:
    """Writes a table and, when it is closed, its index. The same records make the same bytes."""

    def __init__(self, table: Path, index: Path) -> None:
        self._table = table.open("wb")
        self._index = index
        self._at = self._table.write(HEAD.encode())
        self._sections: dict[str, list[Rows]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._table.close()
        if kind is None:
            self._write_index()

    def add(self, contig: str, records: Iterable[Record]) -> None:
        """Write all records of a contig, in any order."""
        sections = {kind: _no_rows() for kind in KINDS}
        for record in sorted(records, key=place):
            row = row_of(record).encode()
            for numbers, value in zip(
                sections[type(record)], (record.start, record.end, self._at, len(row)), strict=True
            ):
                numbers.append(value)
            self._at += self._table.write(row + b"\n")
        self._sections[contig] = list(sections.values())

    def _write_index(self) -> None:
        directory, at = {}, 0
        for contig, sections in self._sections.items():
            directory[contig] = [at, *(len(rows.starts) for rows in sections)]
            at += sum(len(numbers) * numbers.itemsize for rows in sections for numbers in rows)
        with self._index.open("wb") as out:
            out.write(json.dumps(directory).encode() + b"\n")
            for numbers in chain.from_iterable(chain.from_iterable(self._sections.values())):
                out.write(_little(numbers).tobytes())


class Index:
    """The index of a table. The numbers of a contig are read when they are needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self._directory: dict[str, list[int]] = json.loads(file.readline())
            self._begin = file.tell()

    def rows(self, contig: str) -> Iterator[Rows]:
        """Yield the rows of a contig's transcripts, genes and regions; nothing if it has none."""
        if contig not in self._directory:
            return
        at, *counts = self._directory[contig]
        with self._path.open("rb") as file:
            file.seek(self._begin + at)
            for count in counts:
                found = _no_rows()
                for numbers in found:
                    numbers.frombytes(file.read(count * numbers.itemsize))
                yield Rows(*map(_little, found))


def _little(numbers: "array[int]") -> "array[int]":
    """Swap the bytes of numbers on a big-endian machine, to or from little-endian order."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
