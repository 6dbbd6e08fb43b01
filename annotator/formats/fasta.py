"""Read bases of a reference from an indexed FASTA, plain or bgzip, without loading the genome."""

import os
import struct
import sys
import weakref
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from annotator.formats.bgzf import unpack

SMALL = 1024 * 1024  # bytes; a smaller plain FASTA is kept in memory
_COMPLEMENT = str.maketrans("ACGTRYKMBDHVN", "TGCAYRMKVHDBN")
BLOCKS_KEPT = 256  # unpacked blocks of a bgzip FASTA: 8 KiB each, or 64 KiB in older packs


def reverse_complement(bases: str) -> str:
    """Return the reverse complement of upper-case bases."""
    return bases.translate(_COMPLEMENT)[::-1]


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
        self._between = _Packed(fasta).between if fasta.suffix == ".gz" else _Plain(fasta).between

    @property
    def lengths(self) -> dict[str, int]:
        """Length in bases of each contig, in the file's order."""
        return {name: contig.length for name, contig in self._contigs.items()}

    def fetch(self, contig: str, start: int, end: int) -> str:
        """Return the upper-case bases from start to end (1-based, inclusive), clipped to the contig."""
        found = self._contigs[contig]
        first = max(start, 1) - 1
        last = min(end, found.length)
        if last <= first:
            return ""
        begin = found.offset + first // found.line_bases * found.line_bytes + first % found.line_bases
        tail = last - 1
        stop = found.offset + tail // found.line_bases * found.line_bytes + tail % found.line_bases + 1
        return self._between(begin, stop).replace(b"\n", b"").replace(b"\r", b"").decode("ascii").upper()


class _Plain:
    """A plain file. A small one is kept in memory; a large one is read, not mapped: a mapping would count as memory."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self._kept = os.pread(self._file, SMALL, 0) if path.stat().st_size < SMALL else b""

    def between(self, begin: int, stop: int) -> bytes:
        return self._kept[begin:stop] or os.pread(
            self._file, stop - begin, begin
        )  # pread has no file position that threads would share


class _Packed:
    """A bgzip file and its .gzi index, which has the compressed and the uncompressed offset of each block.

    https://www.htslib.org/doc/bgzip.html#GZI_FORMAT
    """

    def __init__(self, path: Path) -> None:
        index = path.with_name(path.name + ".gzi").read_bytes()
        (count,) = struct.unpack_from("<Q", index)
        numbers = array("Q", index[8 : 8 + 16 * count])
        if sys.byteorder == "big":
            numbers.byteswap()
        self._packed = array("Q", [0]) + numbers[0::2]
        self._plain = array("Q", [0]) + numbers[1::2]
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self._size = os.fstat(self._file).st_size
        self._block = lru_cache(maxsize=BLOCKS_KEPT)(self._read)

    def _read(self, number: int) -> bytes:
        begin = self._packed[number]
        end = self._packed[number + 1] if number + 1 < len(self._packed) else min(begin + 0x10000, self._size)
        return unpack(os.pread(self._file, end - begin, begin))  # pread has no file position that threads would share

    def between(self, begin: int, stop: int) -> bytes:
        number = bisect_right(self._plain, begin) - 1
        base = self._plain[number]
        found = self._block(number)[begin - base : stop - base]
        if len(found) == stop - begin:
            return found
        pieces = [found]
        missing = stop - begin - len(found)
        while missing > 0:
            number += 1
            if number >= len(self._plain):
                break
            pieces.append(self._block(number)[:missing])
            missing -= len(pieces[-1])
        return b"".join(pieces)
