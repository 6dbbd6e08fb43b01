"""Where the records of a region are in a bgzip file, by its tabix index.

Source: https://samtools.github.io/hts-specs/tabix.pdf. A place in the file is a virtual offset: the place of a block in
the file, shifted by 16 bits, and the place in the text of the block.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from annotator.formats.bgzf import unpack

_MAGIC = b"TBI\1"
#: No position is larger.
END_OF_CONTIG = 2**29
_WINDOW_BITS = 14
#: First bin of each level, and the bits of a position within a bin of the level.
_LEVELS = ((0, 29), (1, 26), (9, 23), (73, 20), (585, 17), (4681, 14))


@dataclass(frozen=True)
class Chunk:
    """Records that stand together in the file. `begin` and `end` are virtual offsets; `end` is not included."""

    begin: int
    end: int


@dataclass(frozen=True)
class Contig:
    """The part of an index on one contig.

    bins: number of the bin → its chunks.
    windows: for each 16 kb the virtual offset of the first record that reaches into it.
    """

    bins: dict[int, list[Chunk]]
    windows: tuple[int, ...]

    def chunks(self, start: int, end: int) -> list[Chunk]:
        """Return where the records are that overlap the bases from `start` to `end`, 0-based, `end` not included.

        Other records may be there, too: those of the same bins.
        """
        end = min(end, END_OF_CONTIG)
        if start >= end:
            return []
        first = self.windows[start >> _WINDOW_BITS] if start >> _WINDOW_BITS < len(self.windows) else 0
        found = [
            Chunk(max(chunk.begin, first), chunk.end)
            for number in _bins(start, end)
            for chunk in self.bins.get(number, ())
            if chunk.end > first
        ]
        return joined(found)


def parse(index: bytes) -> dict[str, Contig]:
    """Parse a tabix index, and return what it says of each contig, in the file's order.

    Args:
        index: the file, compressed.

    Raises:
        ValueError: this is no tabix index.
    """
    data = b"".join(unpack(index[at:]) for at in _blocks(index))
    if data[:4] != _MAGIC:
        raise ValueError("not a tabix index")
    count, *_, names_size = struct.unpack_from("<8i", data, 4)
    names = data[36 : 36 + names_size].rstrip(b"\0").decode().split("\0") if names_size else []
    if len(names) != count:
        raise ValueError("the names in the tabix index do not fit their number")
    at = 36 + names_size
    contigs = {}
    for name in names:
        contigs[name], at = _contig(data, at)
    return contigs


def _blocks(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        yield at
        at += block_size(data[at:])


def block_size(block: bytes) -> int:
    """Return the bytes of the bgzip block at the beginning of these."""
    size: int = struct.unpack_from("<H", block, 16)[0]
    return size + 1


def _contig(data: bytes, at: int) -> tuple[Contig, int]:
    bins: dict[int, list[Chunk]] = {}
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(count):
        number, chunks = struct.unpack_from("<Ii", data, at)
        offsets = struct.unpack_from(f"<{2 * chunks}Q", data, at + 8)
        at += 8 + 16 * chunks
        bins[number] = [Chunk(begin, end) for begin, end in zip(offsets[::2], offsets[1::2], strict=True)]
    (count,) = struct.unpack_from("<i", data, at)
    windows = struct.unpack_from(f"<{count}Q", data, at + 4)
    return Contig(bins, windows), at + 4 + 8 * count


def _bins(start: int, end: int) -> Iterator[int]:
    for first, bits in _LEVELS:
        yield from range(first + (start >> bits), first + ((end - 1) >> bits) + 1)


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """Join chunks that overlap or meet, so that no record is sent twice."""
    joined: list[Chunk] = []
    for chunk in sorted(chunks, key=lambda one: one.begin):
        if joined and chunk.begin <= joined[-1].end:
            joined[-1] = Chunk(joined[-1].begin, max(joined[-1].end, chunk.end))
        else:
            joined.append(chunk)
    return joined
