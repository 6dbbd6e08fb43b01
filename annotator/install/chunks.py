"""Which rows of a contig's GFF3 belong to which gene, and the index of where they are written: annotator.regions."""

import re
import struct
from array import array
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from annotator.features import GENE_TYPES
from annotator.regions import FORWARD, NO_GENE, REVERSE, ROWS, GeneIndex

_ID = re.compile(rb"(?:^|;)ID=([^;]+)").search
_PARENT = re.compile(rb"(?:^|;)Parent=([^;,]+)").search
#: Beginnings of biotypes that csq knows for certain. https://github.com/samtools/bcftools/blob/develop/gff.c
_KNOWN = re.compile(
    rb"(?:^|;)biotype=(?:protein_coding|lncRNA|lincRNA|nonsense_mediated_decay|retained_intron|processed_transcript|"
    rb"processed_pseudogene|unprocessed_pseudogene|misc_RNA|miRNA|snRNA|snoRNA|rRNA)"
).search
_DEEPEST = 8  # levels of parents


class _Row(NamedTuple):
    start: int
    end: int
    gene: bytes
    line: bytes
    transcripts: int
    unknown: int
    is_head: bool


class Genes:
    """The genes of one contig, made of its rows: start and line, in the order of the source.

    lines: sorted by position, parents in front of their children, as tabix wants them.
    """

    def __init__(self, rows: Iterable[tuple[int, bytes]], heads: Container[str]) -> None:
        told = [(start, line, line.split(b"\t")) for start, line in rows]
        self._parents: dict[bytes, bytes] = {}
        for _, _, columns in told:
            if columns[2] not in {b"CDS", b"exon"} and (identity := _ID(columns[8])):
                parent = _PARENT(columns[8])
                self._parents[identity[1]] = parent[1] if parent else b""
        found = [self._row(start, line, columns, columns[2].decode() in heads) for start, line, columns in told]
        #: The genes of the rows of these kinds, in the order of the source.
        self.heads = [row.gene for row in found if row.is_head]
        found.sort(key=lambda row: row.start)
        self._rows = found
        self._numbers: dict[bytes, int] = {}
        for row in found:
            self._numbers.setdefault(row.gene, len(self._numbers))
        self.lines = [row.line for row in found]

    def _row(self, start: int, line: bytes, columns: list[bytes], is_head: bool) -> _Row:
        identity, parent = _ID(columns[8]), _PARENT(columns[8])
        above = parent or identity
        gene = self._root(above[1]) if above else line
        transcripts = unknown = 0
        if identity and identity[1].startswith(b"transcript:"):
            transcripts, unknown = 1, not _KNOWN(columns[8])
        elif parent and parent[1] not in self._parents:
            unknown = 1  # csq gives a number to what has exons, be there a transcript or not
        return _Row(start, int(columns[4]), gene, line, transcripts, int(unknown), is_head)

    def _root(self, name: bytes) -> bytes:
        for _ in range(_DEEPEST):
            above = self._parents.get(name)
            if not above:
                break
            name = above
        return name

    def of_transcript(self, name: str) -> bytes:
        """The gene of a transcript."""
        return self._root(b"transcript:" + name.encode().partition(b",")[0])

    def ordered(self, rows: Iterable[tuple[bytes, str]]) -> list[tuple[int, str]]:
        """Rows of the table with their genes, sorted by the genes' numbers, those of one gene in the order given."""
        return sorted(((self._numbers[gene], row) for gene, row in rows), key=lambda pair: pair[0])

    def index(self, table: Iterable[tuple[int, str]], coding: Iterable[str]) -> GeneIndex | None:
        """Where everything is, but for the blocks; table: of `ordered`; coding: the names of coding transcripts.

        None where a number has more than 32 bits.
        """
        count = len(self._numbers)
        starts, ends, transcripts, unknown, sizes = ([0] * count for _ in range(5))
        runs: list[list[int]] = [[] for _ in range(count)]
        at, before = 0, -1
        own: list[list[tuple[bytes, int, int, bytes]]] = [[] for _ in range(count)]
        for row in self._rows:
            number, size = self._numbers[row.gene], len(row.line) + 1
            starts[number] = starts[number] or row.start
            ends[number] = max(ends[number], row.end)
            if row.is_head:
                columns = row.line.split(b"\t", 7)
                own[number].append((columns[2], row.start, row.end, columns[6]))
            transcripts[number] += row.transcripts
            unknown[number] += row.unknown
            if number == before:
                runs[number][-1] += size
            else:
                runs[number] += [at, size]
            at, before = at + size, number
        for number, text in table:
            sizes[number] += len(text.encode()) + 1
        named = sorted((crc32(name.encode()), self._numbers[self.of_transcript(name)]) for name in coding)
        try:
            return GeneIndex(
                starts=array("I", starts),
                ends=array("I", ends),
                rows=_ends(sizes),
                first_runs=_ends(len(some) // 2 for some in runs),
                runs=array("I", (number for some in runs for number in some)),
                transcripts=array("I", transcripts),
                unknown=array("I", unknown),
                names=array("I", (key for key, _ in named)),
                owners=array("I", (number for _, number in named)),
                table_blocks=array("I"),
                gff_blocks=array("I"),
                heads=array("I", map(_head, starts, ends, own)),
            )
        except OverflowError:
            return None


def _head(start: int, end: int, own: Iterable[tuple[bytes, int, int, bytes]]) -> int:
    """See GeneIndex.heads; own: a gene's own rows, as kind, start, end and strand."""
    genes = [row for row in own if row[0].decode() in GENE_TYPES]
    if not genes:
        return NO_GENE
    if [row[1:3] for row in genes] != [(start, end)]:
        return ROWS
    return REVERSE if genes[0][3] == b"-" else FORWARD


def _ends(sizes: Iterable[int]) -> "array[int]":
    found = array("I", [0])
    for size in sizes:
        found.append(found[-1] + size)
    return found


Places = Mapping[str, tuple[int, int]]


def write_indexes(
    target: Path, indexes: Mapping[str, GeneIndex], gff: tuple[Path, Places], table: tuple[Path, Places]
) -> dict[str, tuple[int, int]]:
    """Write the indexes, one behind the other, when both files are there: each with its first byte by contig and the
    number of bytes. Returns the same of the indexes.
    """
    places: dict[str, tuple[int, int]] = {}
    with target.open("wb") as out:
        for contig, index in indexes.items():
            if contig not in gff[1] or contig not in table[1]:
                continue  # without a gene there is nothing to look up
            found = replace(
                index, gff_blocks=_blocks(gff[0], *gff[1][contig]), table_blocks=_blocks(table[0], *table[1][contig])
            )
            data = found.to_bytes()
            places[contig] = out.tell(), len(data)
            out.write(data)
    return places


def _blocks(path: Path, offset: int, size: int) -> "array[int]":
    """Where the blocks of a slice begin, and behind them its end."""
    found = array("I", [0])
    with path.open("rb") as file:
        while found[-1] < size:
            file.seek(offset + found[-1])
            # The size of a block, less one, is in the first extra field of its header: SAM specification, section 4.1.
            found.append(found[-1] + struct.unpack("<H", file.read(18)[16:])[0] + 1)
    return found
