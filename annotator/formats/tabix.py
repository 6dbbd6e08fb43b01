"""Build the index of a result while it is written, so that it need not be read again.

This is the tabix format (https://samtools.github.io/hts-specs/tabix.pdf). For each contig it has the records by bins of
16 kb to 512 Mb, and the first record of each 16 kb window. A position in the file consists of the offset of a bgzip
block and an offset in the block's text. Records whose end is given by END or by a symbolic allele are left to bcftools.
"""

import struct
from array import array
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from annotator.formats.bgzf import BLOCK, END, BgzfWriter

WINDOW = 14  # bits of a position within the smallest bin
LAST = 2**29  # maximum position in bases
#: The first bin of each size, smallest size first, and the bits of a position within a bin of that size.
LEVELS = ((4681, 14), (585, 17), (73, 20), (9, 23), (1, 26), (0, 29))
#: The bin of each contig that has no records but their begin, end and number.
COUNTS_BIN = 37450
#: VCF, CHROM in column 1, POS in column 2, no END column, header lines begin with #, no lines to skip.
_LAYOUT = (2, 1, 2, 0, ord("#"), 0)


class Places(NamedTuple):
    """Offsets of the lines of one contig in the text of a piece.

    runs: consecutive lines in one bin, as (bin, begin, end), in order.
    windows: the 16 kb windows that are reached for the first time, as (window, begin of the line), in order.
    records: the number of lines.
    """

    runs: Sequence[tuple[int, int, int]]
    windows: Sequence[tuple[int, int]]
    records: int


def bin_of(first: int, last: int) -> int:
    """Return the smallest bin that contains all bases from first to last (1-based, inclusive)."""
    for start, bits in LEVELS:
        if (first - 1) >> bits == (last - 1) >> bits:
            return start + ((first - 1) >> bits)
    return 0


def places(lines: Iterable[tuple[int, int, int]]) -> Places:
    """Return the places of lines, given in order as (first base, last base, size in bytes)."""
    runs: list[tuple[int, int, int]] = []
    windows: list[tuple[int, int]] = []
    begin, reached, records = 0, -1, 0
    for first, last, size in lines:
        number = bin_of(first, last)
        if runs and runs[-1][0] == number:
            runs[-1] = number, runs[-1][1], begin + size
        else:
            runs.append((number, begin, begin + size))
        for window in range(max(reached + 1, (first - 1) >> WINDOW), ((last - 1) >> WINDOW) + 1):
            windows.append((window, begin))
            reached = window
        begin += size
        records += 1
    return Places(runs, windows, records)


class _Contig:
    def __init__(self, name: bytes) -> None:
        self.name = name
        self.bins = array("I")
        self.begins, self.ends = array("Q"), array("Q")
        self.windows = array("Q")  # offset of each window; a window without records has that of the previous one
        self.records = 0


class Index:
    """Collects the places of a file's records. For one thread only."""

    def __init__(self) -> None:
        #: Whether the places of all records are known.
        self.complete = True
        self._contigs: list[_Contig] = []
        self._size = 0

    def add(self, name: bytes, found: Places | None, size: int) -> None:
        """Add a piece of the file.

        Args:
            name: the file's name of the contig.
            found: the places of its records; None if they are unknown.
            size: bytes of the piece.
        """
        if found is None:
            self.complete = False
            return
        if not self._contigs or self._contigs[-1].name != name:
            self._contigs.append(_Contig(name))
        contig = self._contigs[-1]
        contig.records += found.records
        for number, begin, end in found.runs:
            contig.bins.append(number)
            contig.begins.append(self._size + begin)
            contig.ends.append(self._size + end)
        windows = contig.windows
        for window, begin in found.windows:
            if window >= len(windows):
                before = windows[-1] if windows else self._size + begin
                windows.extend([before] * (window - len(windows)))
                windows.append(self._size + begin)
        self._size += size

    def write(self, target: Path, blocks: Sequence[int], shift: int) -> None:
        """Write the index.

        Args:
            target: the file to write.
            blocks: the offset of each bgzip block of records, and the end of the last one, relative to the first
                record.
            shift: bytes of the file before the first record.
        """

        def place(offset: int) -> int:
            return (blocks[offset // BLOCK] + shift) << 16 | offset % BLOCK

        with target.open("wb") as file:
            writer = BgzfWriter(file)
            names = b"".join(contig.name + b"\0" for contig in self._contigs)
            writer.write(b"TBI\1" + struct.pack("<8i", len(self._contigs), *_LAYOUT, len(names)) + names)
            for contig in self._contigs:
                order = sorted(range(len(contig.bins)), key=contig.bins.__getitem__)
                bins = [(number, list(runs)) for number, runs in groupby(order, key=contig.bins.__getitem__)]
                writer.write(struct.pack("<i", len(bins) + 1))
                for number, runs in bins:
                    writer.write(struct.pack("<Ii", number, len(runs)))
                    for run in runs:
                        writer.write(struct.pack("<QQ", place(contig.begins[run]), place(contig.ends[run])))
                span = place(contig.begins[0]), place(contig.ends[-1])
                writer.write(struct.pack("<IiQQQQ", COUNTS_BIN, 2, *span, contig.records, 0))
                writer.write(struct.pack("<i", len(contig.windows)))
                writer.write(b"".join(struct.pack("<Q", place(offset)) for offset in contig.windows))
            writer.finish()
            file.write(END)
