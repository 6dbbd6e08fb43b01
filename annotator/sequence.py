"""Bases of a reference, read from an indexed FASTA through a memory map: no genome is ever loaded."""

import mmap
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class _Contig:
    length: int
    offset: int
    line_bases: int
    line_bytes: int


class Sequence:
    """A FASTA file and its .fai index (samtools faidx format). Safe to share between threads."""

    def __init__(self, fasta: Path) -> None:
        self._contigs: dict[str, _Contig] = {}
        for line in fasta.with_name(fasta.name + ".fai").read_text().splitlines():
            name, length, offset, bases, width = line.split("\t")[:5]
            self._contigs[name] = _Contig(int(length), int(offset), int(bases), int(width))
        with fasta.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @property
    def lengths(self) -> dict[str, int]:
        """Length in bases of every contig, in the file's order."""
        return {name: contig.length for name, contig in self._contigs.items()}

    def fetch(self, contig: str, start: int, end: int) -> str:
        """Return the upper-case bases from start to end, both 1-based and included, cut at the contig's ends."""
        found = self._contigs[contig]
        first = max(start, 1) - 1
        last = min(end, found.length)
        if last <= first:
            return ""
        begin = found.offset + first // found.line_bases * found.line_bytes + first % found.line_bases
        tail = last - 1
        stop = found.offset + tail // found.line_bases * found.line_bytes + tail % found.line_bases + 1
        return self._map[begin:stop].replace(b"\n", b"").replace(b"\r", b"").decode("ascii").upper()
