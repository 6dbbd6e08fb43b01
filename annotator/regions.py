"""The genes of a pack by where they lie, so that a small file is annotated with those near its records alone.

The pack's GFF3 and its table of features hold a slice of text for each contig, in bgzip blocks that are all of the same
number of bytes, unpacked, but for the last. Its index, a section for each contig, says where in that text the rows of
each gene are: together in the table, and in the GFF3, whose rows are sorted by position, in runs between those of other
genes. A gene here is what belongs together: its own row, its transcripts, and all of theirs; or a row that has no gene.
"""

import os
import sys
import weakref
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Self
from zlib import crc32

from annotator.bgzf import BLOCK
from annotator.slices import Slice, unpack

#: Positions of records by contig: (first, last), 1-based and included.
Places = Mapping[str, Sequence[tuple[int, int]]]

#: csq looks 8 bases beyond an exon; what is further from a record than this it is not told of.
MARGIN = 100
#: Of exons from these bases on, which its index then holds under a number below 0, csq speaks on all of the contig.
FIRST = 8
#: Beyond this share of the text of all genes, they are cheaper to have all.
MOST = 0.25
#: What is known of a gene's own row: nothing, its strand, or that there is none, see GeneIndex.
ROWS, FORWARD, REVERSE, NO_GENE = range(4)
BLOCKS_KEPT = 256  # of each file, unpacked
CONTIGS_KEPT = 64  # indexes; of a human chromosome some hundred kilobytes
#: A transcript for csq's table of them to grow by, see `filler`.
_FILLER = "no_contig\t.\ttranscript\t1\t3\t.\t+\t.\tID=transcript:filler{};Parent=gene:none;biotype=misc_RNA\n"


@dataclass(frozen=True)
class GeneIndex:
    """Of one contig. Genes are numbered from 0 in order of their first base. Every array is of 32-bit numbers.

    starts, ends: of each gene, with all that belongs to it; rows: the first byte of each gene's rows in the table's
    text, and behind them the text's end; first_runs: of each gene among runs, and behind them their number; runs: first
    byte in the GFF3's text and number of bytes, in turn; transcripts, unknown: how many of a gene, and how many of them
    csq may not know; names, owners: crc32 of each coding transcript's name, sorted, and its gene; table_blocks,
    gff_blocks: the first byte of each block in its slice, and behind them the slice's end; heads: of each gene, FORWARD
    or REVERSE if its own row lies there from its start to its end, NO_GENE if it has none, else ROWS. An index that was
    made without heads is read too.
    """

    starts: "array[int]"
    ends: "array[int]"
    rows: "array[int]"
    first_runs: "array[int]"
    runs: "array[int]"
    transcripts: "array[int]"
    unknown: "array[int]"
    names: "array[int]"
    owners: "array[int]"
    table_blocks: "array[int]"
    gff_blocks: "array[int]"
    heads: "array[int]" = field(default_factory=lambda: array("I"))

    def to_bytes(self) -> bytes:
        """The number of each array's members, then the arrays, all in little-endian order."""
        parts = [getattr(self, one.name) for one in fields(self)]
        return b"".join(_little(part).tobytes() for part in [array("I", map(len, parts)), *parts])

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """The other way round. Raises ValueError if there is more or less of it."""
        numbers = _little(array("I", data))
        for count in (len(fields(cls)), len(fields(cls)) - 1):
            ends = list(accumulate(numbers[:count], initial=count))
            if ends[-1] == len(numbers):
                return cls(*(numbers[begin:end] for begin, end in pairwise(ends)))
        raise ValueError("the index of genes is damaged")

    def head(self, gene: int) -> int:
        """One of FORWARD, REVERSE, NO_GENE and ROWS."""
        return self.heads[gene] if self.heads else ROWS

    @property
    def first(self) -> range:
        """The genes that begin within FIRST."""
        return range(bisect_right(self.starts, FIRST))

    @cached_property
    def _reaches(self) -> "array[int]":
        """The greatest end of each gene and all in front of it."""
        return array("I", accumulate(self.ends, max))

    def overlapping(self, first: int, last: int) -> list[int]:
        """The genes that share a base with first to last (1-based, included)."""
        ends = self.ends
        return [number for number in self._between(first, last) if ends[number] >= first]

    def near(self, places: Iterable[tuple[int, int]], margin: int = MARGIN) -> list[int]:
        """The genes within margin bases of any of the places, which come in any order."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(places):
            if merged and first - margin <= merged[-1][1] + 1:
                merged[-1] = merged[-1][0], max(merged[-1][1], last + margin)
            else:
                merged.append((first - margin, last + margin))
        if not merged:
            return []
        firsts, lasts = zip(*merged, strict=True)
        found = []
        place = 0
        between = self._between(firsts[0], lasts[-1])
        # Gene by gene and not place by place, as a gene may be as long as the contig; both are in order.
        for number, start, end in zip(between, self.starts[between.start :], self.ends[between.start :], strict=False):
            while lasts[place] < start:
                place += 1
            if firsts[place] <= end:
                found.append(number)
        return found

    def _between(self, first: int, last: int) -> range:
        return range(bisect_left(self._reaches, first), bisect_right(self.starts, last))

    def runs_of(self, genes: Iterable[int]) -> list[tuple[int, int]]:
        """Where in the GFF3's text their rows are: first byte and the one behind, sorted, neighbours as one."""
        found = sorted(
            (self.runs[2 * run], self.runs[2 * run + 1])
            for gene in genes
            for run in range(self.first_runs[gene], self.first_runs[gene + 1])
        )
        joined: list[tuple[int, int]] = []
        for begin, size in found:
            if joined and joined[-1][1] == begin:
                joined[-1] = joined[-1][0], begin + size
            else:
                joined.append((begin, begin + size))
        return joined

    def with_transcript(self, name: str) -> list[int]:
        """The genes that may have a coding transcript of this name."""
        key = crc32(name.encode())
        return list(dict.fromkeys(self.owners[bisect_left(self.names, key) : bisect_right(self.names, key)]))


def _little(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


class Texts:
    """The text of a file's slices, piece by piece. Safe to share between threads, and with a forked process."""

    def __init__(self, path: Path, slices: Mapping[str, Slice], block: int = BLOCK) -> None:
        """block: bytes in each block, unpacked."""
        self._slices = slices
        self.block = block
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self._block = lru_cache(maxsize=BLOCKS_KEPT)(self._read)
        #: How many blocks have been unpacked.
        self.blocks_read = 0

    def between(self, contig: str, blocks: Sequence[int], begin: int, end: int) -> bytes:
        """The bytes of a contig's text from begin on, without end; blocks: where they begin, see GeneIndex."""
        if end <= begin:
            return b""
        first, last = begin // self.block, (end - 1) // self.block
        text = self._block(contig, blocks[first], blocks[first + 1])
        if last > first:
            more = range(first + 1, last + 1)
            text += b"".join(self._block(contig, blocks[number], blocks[number + 1]) for number in more)
        return text[begin - first * self.block : end - first * self.block]

    def _read(self, contig: str, begin: int, end: int) -> bytes:
        self.blocks_read += 1
        return unpack(os.pread(self._file, end - begin, self._slices[contig].offset + begin))


class Genes:
    """The indexed genes of a pack; index, gff, table: each file and its slices by contig; block: bytes in each block of
    both texts. Read as they are needed.
    """

    def __init__(
        self,
        index: tuple[Path, Mapping[str, Slice]],
        gff: tuple[Path, Mapping[str, Slice]],
        table: tuple[Path, Mapping[str, Slice]],
        block: int = BLOCK,
    ) -> None:
        self._index, self._sections = index
        self._with_genes = gff[1]
        self.gff = Texts(*gff, block)
        self.table = Texts(*table, block)
        # Of this object alone, and gone with it.
        self.of = lru_cache(maxsize=CONTIGS_KEPT)(self._of)

    def _of(self, contig: str) -> GeneIndex | None:
        """The index of a contig; None if it has none, as a contig without genes."""
        place = self._sections.get(contig)
        if place is None:
            return None
        with self._index.open("rb") as file:
            file.seek(place.offset)
            return GeneIndex.of_bytes(file.read(place.size))

    def rows(self, contig: str, index: GeneIndex, gene: int) -> str:
        """The table's rows of a gene."""
        return self.table.between(contig, index.table_blocks, index.rows[gene], index.rows[gene + 1]).decode()

    def write_gff(self, places: Places, target: Path, more: bytes = b"") -> bool:
        """Write the genes near the places as plain GFF3, in the order of the pack's, and more text behind them.

        False, and nothing is written, if that is so much of the text of these contigs that all of it is quicker.
        """
        found: list[tuple[str, GeneIndex, list[tuple[int, int]]]] = []
        size = whole = transcripts = unknown = 0
        for contig, some in places.items():
            index = self.of(contig)
            if index is None:
                if contig in self._with_genes:
                    return False
                continue
            genes = list(dict.fromkeys((*index.first, *index.near(some))))
            runs = index.runs_of(genes)
            found.append((contig, index, runs))
            size += sum(end - begin for begin, end in runs)
            whole += len(index.gff_blocks) * self.gff.block
            transcripts += sum(index.transcripts[gene] for gene in genes)
            unknown += sum(index.unknown[gene] for gene in genes)
        if size > max(MOST * whole, 4 * BLOCK):
            return False
        with target.open("wb", buffering=1024 * 1024) as out:
            out.write(b"##gff-version 3\n")
            for contig, index, runs in found:
                for begin, end in runs:
                    out.write(self.gff.between(contig, index.gff_blocks, begin, end))
            out.write(more + filler(transcripts, unknown))
        return True

    def filler(self, contigs: Iterable[str]) -> bytes:
        """See `filler`; of all genes of these contigs."""
        indexes = [index for contig in contigs if (index := self.of(contig))]
        return filler(sum(sum(one.transcripts) for one in indexes), sum(sum(one.unknown) for one in indexes))


def filler(transcripts: int, unknown: int) -> bytes:
    """Rows for csq, such that it names transcripts in the same order whatever other genes it is given.

    Of two with the same coding segment it names the one first that comes first in its hash table: a number's place is
    the number modulo the table's size. Transcripts of kinds that csq passes over have numbers too but take no place, so
    where they are many numbers are beyond the size, and the order is another one. The table is at most 0.77 full: with
    five sixths of all numbers in it, all are below its size. With all genes of Ensembl's that is so of itself.
    """
    return "".join(map(_FILLER.format, range(6 * unknown - transcripts))).encode()
