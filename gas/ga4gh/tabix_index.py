"""Where the records of a region are in a bgzip file, by its tabix index.

Source: https://samtools.github.io/hts-specs/tabix.pdf. A place in the file is a virtual offset: the place of a block in
the file, shifted by 16 bits, and the place in the text of the block.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from annotator.formats.bgzf import block_size, unpack
from annotator.formats.tabix import COUNTS_BIN, LAST, LEVELS, WINDOW

_MAGIC = b"TBI\1"
_BIN = struct.Struct("<Ii")
_COUNT = struct.Struct("<i")


@dataclass(frozen=True)
class Chunk:
    """Records that stand together in the file. `begin` and `end` are virtual offsets; `end` is not included."""

    begin: int
    end: int


class TabixIndex:
    """An index, decompressed. Contigs are parsed when they are asked for: all of a genome's take much memory.

    Attributes:
        names: of the contigs, in the order of the file.
    """

    def __init__(self, compressed: bytes) -> None:
        """Read the names, and find where each contig begins. Raises ValueError if this is no tabix index."""
        self._data = data = b"".join(unpack(compressed[at:]) for at in _blocks(compressed))
        if data[:4] != _MAGIC:
            raise ValueError("not a tabix index")
        count, *_, names_size = struct.unpack_from("<8i", data, 4)
        self.names = data[36 : 36 + names_size].rstrip(b"\0").decode().split("\0") if names_size else []
        if len(self.names) != count:
            raise ValueError("the names in the tabix index do not match their number")
        self._begins, at = {}, 36 + names_size
        for name in self.names:
            self._begins[name] = at
            at = self._end_of(at)

    def first_record(self) -> int | None:
        """Return the virtual offset of the first record; None if the file has none."""
        for name in self.names:
            bins, _ = self._contig(name)
            begins = [chunk.begin for number, chunks in bins.items() if number != COUNTS_BIN for chunk in chunks]
            if begins:
                return min(begins)
        return None

    def chunks(self, name: str, start: int, end: int) -> list[Chunk]:
        """Return where the records are that overlap the bases from `start` to `end`, 0-based, `end` not included.

        Other records may be there, too: those of the same bins.
        """
        end = min(end, LAST)
        if start >= end:
            return []
        bins, windows = self._contig(name)
        window = start >> WINDOW
        first = windows[window] if window < len(windows) else 0
        return [
            Chunk(max(chunk.begin, first), chunk.end)
            for number in _bins(start, end)
            for chunk in bins.get(number, ())
            if chunk.end > first
        ]

    def _contig(self, name: str) -> tuple[dict[int, list[Chunk]], tuple[int, ...]]:
        """Return the chunks of each bin, and for each 16 kb the offset of the first record that reaches into them."""
        data, at = self._data, self._begins[name]
        (count,) = _COUNT.unpack_from(data, at)
        at += 4
        bins = {}
        for _ in range(count):
            number, chunks = _BIN.unpack_from(data, at)
            offsets = struct.unpack_from(f"<{2 * chunks}Q", data, at + 8)
            at += 8 + 16 * chunks
            bins[number] = [Chunk(begin, end) for begin, end in zip(offsets[::2], offsets[1::2], strict=True)]
        (count,) = _COUNT.unpack_from(data, at)
        return bins, struct.unpack_from(f"<{count}Q", data, at + 4)

    def _end_of(self, at: int) -> int:
        """Return where the contig ends that begins at `at`."""
        data = self._data
        (count,) = _COUNT.unpack_from(data, at)
        at += 4
        for _ in range(count):
            at += 8 + 16 * _BIN.unpack_from(data, at)[1]
        return int(at + 4 + 8 * _COUNT.unpack_from(data, at)[0])


def _blocks(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        yield at
        at += block_size(data, at)


def _bins(start: int, end: int) -> Iterator[int]:
    for first, bits in LEVELS:
        yield from range(first + (start >> bits), first + ((end - 1) >> bits) + 1)


def joined(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Join chunks that overlap or share a block, so that no record is sent and no block is read twice."""
    found: list[Chunk] = []
    for chunk in sorted(chunks, key=lambda one: one.begin):
        if found and chunk.begin >> 16 <= found[-1].end >> 16:
            found[-1] = Chunk(found[-1].begin, max(found[-1].end, chunk.end))
        else:
            found.append(chunk)
    return found
