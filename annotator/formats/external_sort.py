"""Sort rows on disk: sorted runs in temporary files, merged as they are read.

The runs of one level are merged into one run of the next level. So each row is written once per level: twice in the
largest file that a plan allows. During a merge, the disk holds the merged rows twice.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

RUN_BYTES = 16 * 1024 * 1024  # bytes of rows in memory before a run is written
MOST_RUNS = 128  # maximum number of open runs
#: One row of each open run is in memory, so fewer runs are open if rows are long.
MOST_HELD_BYTES = 64 * 1024 * 1024
CHECKED_ROWS = 1024

Row = TypeVar("Row", bound=tuple[Any, ...])


class ExternalSort(Generic[Row]):
    """Sorts rows with constant memory.

    Args:
        folder: where the runs are written.
        encode: returns a row as one line of Latin-1, without its line end.
        decode: inverse of `encode`.
        check: called often; may raise to stop.
    """

    def __init__(
        self,
        folder: Path,
        encode: Callable[[Row], str],
        decode: Callable[[str], Row],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._encode, self._decode = encode, decode
        self._check = check
        self._rows: list[Row] = []
        self._size = 0
        self._longest = 1
        self._levels: list[list[Path]] = []
        self._made = 0

    def add(self, row: Row, size: int) -> None:
        """Add a row that has about `size` bytes in memory."""
        self._rows.append(row)
        self._size += size
        self._longest = max(self._longest, size)
        if self._size >= RUN_BYTES:
            self._rows.sort()
            self._add_run(iter(self._rows))
            self._rows, self._size = [], 0

    def sorted(self) -> Iterator[Row]:
        """Yield all rows in order, once."""
        runs = [run for level in self._levels for run in level]  # the smallest level first
        while len(runs) > self._most:
            runs = [self._write(self._consumed(runs[: self._most])), *runs[self._most :]]
        self._rows.sort()
        for number, row in enumerate(heapq.merge(self._consumed(runs), self._rows)):
            if number % CHECKED_ROWS == 0:
                self._check()
            yield row

    @property
    def _most(self) -> int:
        return max(2, min(MOST_RUNS, MOST_HELD_BYTES // self._longest))

    def _add_run(self, rows: Iterator[Row], level: int = 0) -> None:
        """Write a run; merge the runs of its level if there are many."""
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(self._write(rows))
        if len(runs) >= self._most:
            self._levels[level] = []
            self._add_run(self._consumed(runs), level + 1)

    def _consumed(self, runs: Sequence[Path]) -> Iterator[Row]:
        """Yield the rows of runs in order; delete the runs' files at the end."""
        yield from heapq.merge(*map(self._read, runs))
        for run in runs:
            run.unlink()

    def _write(self, rows: Iterator[Row]) -> Path:
        self._made += 1
        path = self._folder / f"run-{self._made}"
        with path.open("w", encoding="latin-1", newline="\n") as file:
            for number, row in enumerate(rows):
                if number % CHECKED_ROWS == 0:
                    self._check()
                file.write(f"{self._encode(row)}\n")
        return path

    def _read(self, path: Path) -> Iterator[Row]:
        with path.open(encoding="latin-1", newline="\n") as file:
            for line in file:
                yield self._decode(line[:-1])
