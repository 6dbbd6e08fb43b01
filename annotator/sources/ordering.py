"""Sort the rows of a source for its table, with constant memory.

Sources are sorted by the positions that they write. Left-shifting moves some rows toward the start, most of them by a
few bases. Rows are therefore held back until the source is HELD bases ahead. A row that moves farther is called a
straggler; if a source is not sorted, all of its rows may be stragglers. Stragglers are sorted on disk, and merged in
afterwards.
"""

import heapq
from collections.abc import Iterator
from pathlib import Path

from annotator.formats.external_sort import ExternalSort

HELD = 2_000  # bases

#: Rank of the contig, position, REF, ALT, number of the row in the source, values (tab-separated).
Row = tuple[int, int, str, str, int, str]


class Ordering:
    """Sorts rows that are added in the source's order. Yields `due` rows, then the `rest`, then the `stragglers`."""

    def __init__(self, folder: Path) -> None:
        self._held: list[Row] = []
        self._passed: Row = (-1, 0, "", "", 0, "")
        self._late = ExternalSort(folder, _encode, _decode)
        #: The latest position in the source: rank of the contig, and position.
        self.place = (0, 0)
        self.late = 0  # number of stragglers so far

    def add(self, row: Row) -> None:
        if row < self._passed:
            self._late.add(row, 200 + len(row[2]) + len(row[3]) + len(row[5]))
            self.late += 1
        else:
            heapq.heappush(self._held, row)

    def due(self) -> Iterator[Row]:
        """Yield the rows, in order, that the source has passed by HELD bases. Call it every few records."""
        rank, pos = self.place
        held = self._held
        while held and (held[0][0] != rank or held[0][1] < pos - HELD):
            self._passed = heapq.heappop(held)
            yield self._passed

    def rest(self) -> Iterator[Row]:
        """Yield the rows that are still held back at the end of the source."""
        while self._held:
            yield heapq.heappop(self._held)

    def stragglers(self) -> Iterator[Row]:
        """Yield all stragglers in order. Call it after the end of the source."""
        return self._late.sorted()


def _encode(row: Row) -> str:
    return "\t".join(map(str, row))


def _decode(line: str) -> Row:
    rank, pos, ref, alt, number, values = line.split("\t", 5)
    return int(rank), int(pos), ref, alt, int(number), values
