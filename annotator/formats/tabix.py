"""The index of a result, made while it is written, so that it need not be read again for it.

The format is that of tabix (https://samtools.github.io/hts-specs/tabix.pdf): for each contig the records by bins of
16 kb to 512 Mb, and where the records of each 16 kb begin. A place in the file is that of a bgzip block, and one in its
text. What is harder to place, a record that says by END or by a symbolic allele how far it reaches, is left to
bcftools.
"""

import struct
from array import array
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from annotator.formats.bgzf import BLOCK, END, BgzfWriter

WINDOW = 14  # bits of a position within the smallest bin
LAST = 2**29  # bases, more than which no position can be
#: Where the bins of each size begin, the smallest first, and the bits of a position within one.
LEVELS = ((4681, 14), (585, 17), (73, 20), (9, 23), (1, 26), (0, 29))
#: The bin of each contig that holds no records: where they begin and end, and how many there are.
COUNTS_BIN = 37450
#: VCF, CHROM in column 1, POS in column 2, no END column, header lines begin with #, none is to be skipped.
_LAYOUT = (2, 1, 2, 0, ord("#"), 0)


class Places(NamedTuple):
    """Where lines of one contig are in the text of a piece.

    runs: lines in one bin, as (bin, begin, end), in order.
    windows: the 16 kb windows that are reached for the first time, as (window, begin of the line), in order.
    records: how many lines there are.
    """

    runs: Sequence[tuple[int, int, int]]
    windows: Sequence[tuple[int, int]]
    records: int


def bin_of(first: int, last: int) -> int:
    """The smallest bin that holds all bases from first to last, 1-based and included."""
    for start, bits in LEVELS:
        if (first - 1) >> bits == (last - 1) >> bits:
            return start + ((first - 1) >> bits)
    return 0


def places(lines: Iterable[tuple[int, int, int]]) -> Places:
    """Of lines in order: each one's first and last base, and its size in bytes."""
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
        self.windows = array("Q")  # where each begins; of one without records, where the one before it does
        self.records = 0


class Index:
    """Gathers where the records of a file are. One thread only."""

    def __init__(self) -> None:
        #: Whether it knows of all records.
        self.complete = True
        self._contigs: list[_Contig] = []
        self._size = 0

    def add(self, name: bytes, found: Places | None, size: int) -> None:
        """Add a piece of the file.

        name: the contig's name in the file; found: where its records are, None if unknown; size: bytes of the piece.
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

        blocks: the start of each bgzip block of the records, and the end of the last one, relative to the first record;
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
