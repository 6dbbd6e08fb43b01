"""Brings the rows of a source into the order of its table, in constant memory.

Sources are sorted, but by the position that they write: left-shifting moves some rows forward, most of them by a few
bases. Rows are therefore held back until the source is HELD bases ahead. A row that belongs further forward still, as
all of them may in a source that is not sorted, is a straggler: stragglers are sorted on disk, and merged in afterwards.
"""

import heapq
from collections.abc import Iterator
from pathlib import Path

HELD = 2_000  # bases
RUN_BYTES = 16 * 1024 * 1024  # of stragglers in memory before they are written
MOST_RUNS = 64  # files that are open at the same time

#: Rank of the contig, position, REF, ALT, number of the row in the source, values (tab-separated).
Row = tuple[int, int, str, str, int, str]


class Ordering:
    """Give it rows in the source's order; it gives back those that are `due`, the `rest`, and the `stragglers`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[Row] = []
        self._passed: Row = (-1, 0, "", "", 0, "")
        self._late: list[Row] = []
        self._late_size = 0
        self._runs: list[Path] = []
        self._made = 0
        #: Where the source has come to: rank of the contig, and position.
        self.place = (0, 0)
        self.late = 0  # stragglers so far

    def add(self, row: Row) -> None:
        if row < self._passed:
            self._late.append(row)
            self._late_size += 200 + len(row[2]) + len(row[3]) + len(row[5])
            self.late += 1
            if self._late_size >= RUN_BYTES:
                self._spill()
        else:
            heapq.heappush(self._held, row)

    def due(self) -> Iterator[Row]:
        """Yield the rows, in order, that the source has left behind; to be called every few records."""
        rank, pos = self.place
        held = self._held
        while held and (held[0][0] != rank or held[0][1] < pos - HELD):
            self._passed = heapq.heappop(held)
            yield self._passed

    def rest(self) -> Iterator[Row]:
        """Yield what is still held back when the source has ended."""
        while self._held:
            yield heapq.heappop(self._held)

    def stragglers(self) -> Iterator[Row]:
        """Yield all stragglers in order. Call once the source has ended."""
        yield from heapq.merge(*(_read(run) for run in self._runs), iter(sorted(self._late)))

    def _spill(self) -> None:
        self._runs.append(self._write(iter(sorted(self._late))))
        self._late, self._late_size = [], 0
        if len(self._runs) == MOST_RUNS:
            merged = self._write(heapq.merge(*(_read(run) for run in self._runs)))
            for run in self._runs:
                run.unlink()
            self._runs = [merged]

    def _write(self, rows: Iterator[Row]) -> Path:
        self._made += 1
        path = self._folder / f"stragglers-{self._made}"
        with path.open("w", encoding="latin-1", newline="\n") as file:
            for rank, pos, ref, alt, number, values in rows:
                file.write(f"{rank}\t{pos}\t{ref}\t{alt}\t{number}\t{values}\n")
        return path


def _read(path: Path) -> Iterator[Row]:
    with path.open(encoding="latin-1", newline="\n") as file:
        for line in file:
            rank, pos, ref, alt, number, values = line[:-1].split("\t", 5)
            yield int(rank), int(pos), ref, alt, int(number), values
