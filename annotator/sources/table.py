"""The table of a source: its alleles in normal form, sorted, in small bgzip blocks, with an index of the blocks.

table.tsv.gz is an ordinary bgzip file with a row per allele: `contig, position, REF, ALT, value...`. Its .tbi (or .csi)
is for tabix and `bcftools annotate`. Each block holds whole rows of one contig.

table.blocks has an entry for each contig: the offsets of its blocks in the file (n + 1 unsigned 64-bit numbers, of
which the last is the end), and the first and last positions in the blocks (n unsigned 32-bit numbers each). All numbers
are little-endian. To look up one allele, 16 KiB are unpacked; to stream the table, the blocks are unpacked in order.
"""

import os
import re
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from annotator.effects.normalize import Variant
from annotator.errors import EngineError
from annotator.formats.bgzf import END, BgzfWriter, unpack_checked

TABLE, BLOCKS = "table.tsv.gz", "table.blocks"
BLOCK = 16 * 1024  # bytes of text in a block: unpacked twenty times faster than a block of bgzip's own size
LONGEST_ROW = 60_000  # bytes; a bgzip block holds at most 65,280
#: Number of lookups in one block from which it is faster to read all of its rows.
DENSE = 8
REMEMBERED = 4  # blocks: adjacent ones, and the preceding one, which may have a left-shifted allele

_ROW = re.compile(r"\n[^\t\n]++\t([^\t\n]++\t[^\t\n]++\t[^\t\n]++)\t([^\n]*+)")


@dataclass(frozen=True)
class Section:
    """The entry of one contig in table.blocks: byte offset, and number of blocks."""

    offset: int
    blocks: int


class TableWriter:
    """Writes rows, which must be sorted within each contig, one contig after another. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.rows = 0
        self.sections: dict[str, Section] = {}
        self._contig = ""
        self._lines: list[bytes] = []
        self._size = 0
        self._first = self._last = 0

    def __enter__(self) -> "TableWriter":
        self._file = (self._folder / TABLE).open("wb")
        try:
            self._index = (self._folder / BLOCKS).open("wb")
        except BaseException:
            self._file.close()
            raise
        self._writer = BgzfWriter(self._file)
        self._begin("")
        return self

    def __exit__(self, type_: type[BaseException] | None, *_: object) -> None:
        try:
            if type_ is None:
                self._end()
                self._file.write(END)
                for file in (self._file, self._index):
                    file.flush()
                    os.fsync(file.fileno())
        finally:
            for file in (self._file, self._index):
                file.raw.close()  # without a flush, so that a failed write is not repeated

    def write(self, contig: str, pos: int, line: bytes) -> None:
        """Write one row, which has at most LONGEST_ROW bytes with its line end."""
        if contig != self._contig:
            self._end()
            self._begin(contig)
        if self._size + len(line) > BLOCK and self._lines:
            self._block()
        if not self._lines:
            self._first = pos
        self._lines.append(line)
        self._size += len(line)
        self._last = pos
        self.rows += 1

    def _begin(self, contig: str) -> None:
        self._contig = contig
        self._offsets, self._firsts, self._lasts = array("Q"), array("I"), array("I")

    def _block(self) -> None:
        self._offsets.append(self._file.tell())
        self._firsts.append(self._first)
        self._lasts.append(self._last)
        self._writer.write(b"".join(self._lines))
        self._writer.finish()
        self._lines, self._size = [], 0

    def _end(self) -> None:
        """Finish the contig."""
        if self._lines:
            self._block()
        if not self._offsets:
            return
        self.sections[self._contig] = Section(self._index.tell(), len(self._firsts))
        self._offsets.append(self._file.tell())
        for numbers in (self._offsets, self._firsts, self._lasts):
            self._index.write(_little(numbers).tobytes())


def _little(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


class _Block:
    """The rows of one block."""

    __slots__ = ("_asked", "_rows", "_text")

    def __init__(self, text: bytes) -> None:
        self._text = "\n" + text.decode("latin-1")  # a line end precedes every row
        self._asked = 0
        self._rows: dict[str, str] | None = None

    def get(self, contig: str, key: str) -> str | None:
        if self._rows is not None:
            return self._rows.get(key)
        self._asked += 1
        if self._asked > DENSE:
            self._rows = dict(_ROW.findall(self._text))
            return self._rows.get(key)
        at = self._text.find(f"\n{contig}\t{key}\t")
        if at < 0:
            return None
        start = at + len(contig) + len(key) + 3
        return self._text[start : self._text.index("\n", start)]


@dataclass(frozen=True)
class _Places:
    """The index of one contig."""

    offsets: Sequence[int]
    firsts: Sequence[int]
    lasts: Sequence[int]


class Table:
    """Reads a table. It opens the files at once, so that a newer version can replace them. For one thread only."""

    def __init__(self, folder: Path, sections: Mapping[str, Section]) -> None:
        self._sections = sections
        self._data: IO[bytes] = (folder / TABLE).open("rb")
        try:
            self._index: IO[bytes] = (folder / BLOCKS).open("rb")
        except BaseException:
            self._data.close()
            raise
        self._contig = ""
        self._places = _Places((), (), ())
        self._blocks: dict[int, _Block] = {}  # the blocks used last, by number
        #: Number of blocks that have been unpacked.
        self.unpacked = 0

    def close(self) -> None:
        self._data.close()
        self._index.close()

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def find(self, contig: str, variants: Sequence[Variant]) -> list[str | None]:
        """Look alleles up.

        Memory does not grow with the table, except for the index of one contig.

        Args:
            contig: the contig of the alleles.
            variants: the alleles in normal form. They may be in any order; in order of position, each block is unpacked
                at most once.

        Returns:
            The tab-separated values of each allele; None if it is not in the table.

        Raises:
            EngineError: a file is damaged.
        """
        if contig not in self._sections:
            return [None] * len(variants)
        self._turn_to(contig)
        places = self._places
        firsts, lasts, count = places.firsts, places.lasts, len(places.firsts)
        blocks = self._blocks
        found: list[str | None] = []
        for pos, ref, alt in variants:
            number = bisect_left(lasts, pos)
            values: str | None = None
            while values is None and number < count and firsts[number] <= pos:
                block = blocks.get(number) or self._block(number)
                values = block.get(contig, f"{pos}\t{ref}\t{alt}")
                number += 1
            found.append(values)
        return found

    def places(self, contig: str) -> tuple[Sequence[int], Sequence[int]]:
        """Return the first and the last position of each block of a contig, for `text`."""
        if contig not in self._sections:
            return (), ()
        self._turn_to(contig)
        return self._places.firsts, self._places.lasts

    def text(self, contig: str, blocks: Sequence[int]) -> bytes:
        """Return the rows of the numbered blocks, as they are in the table.

        Raises:
            EngineError: a file is damaged.
        """
        if not blocks:
            return b""
        self._turn_to(contig)
        return b"".join(map(self._text, blocks))

    def rows(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield every row as contig, position, line with its line end."""
        for contig in self._sections:
            self._turn_to(contig)
            for number in range(len(self._places.firsts)):
                for line in self._text(number).splitlines(keepends=True):
                    yield contig, int(line.split(b"\t", 2)[1]), line

    def _turn_to(self, contig: str) -> None:
        if contig == self._contig:
            return
        section = self._sections[contig]
        self._index.seek(section.offset)
        columns = []
        for type_, count in (("Q", section.blocks + 1), ("I", section.blocks), ("I", section.blocks)):
            numbers: array[int] = array(type_)
            data = self._index.read(count * numbers.itemsize)
            if len(data) != count * numbers.itemsize:
                raise EngineError("bad-source", f"{self._index.name} is cut short")
            numbers.frombytes(data)
            columns.append(_little(numbers))
        self._contig, self._places = contig, _Places(*columns)
        self._blocks.clear()

    def _block(self, number: int) -> _Block:
        block = _Block(self._text(number))
        if len(self._blocks) == REMEMBERED:
            del self._blocks[next(iter(self._blocks))]
        self._blocks[number] = block
        return block

    def _text(self, number: int) -> bytes:
        start, end = self._places.offsets[number : number + 2]
        try:
            text = unpack_checked(os.pread(self._data.fileno(), end - start, start))
        except (ValueError, struct.error) as error:
            raise EngineError("bad-source", f"{self._data.name} is damaged: install the source again") from error
        self.unpacked += 1
        return text
