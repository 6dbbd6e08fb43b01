"""Sort records by position on disk: sorted runs in temporary files, merged as they are read.

Runs of one level are merged to one of the next level, so that each record is written once for each level: twice in the
largest file that a plan allows. While runs are merged, the disk holds their records twice.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from annotator.effects.allele import Kind
from annotator.preflight.record import Record

RUN_BYTES = 16 * 1024 * 1024  # of text in memory before a run is written
MOST_RUNS = 128  # that are open at the same time
#: One record of each open run is in memory. Of files with long records, fewer runs are open.
MOST_HELD_BYTES = 64 * 1024 * 1024
CHECKED_RECORDS = 1024

_Row = tuple[int, int, int, str]  # place of the contig, position, place in the file, the record's text


def sort_records(
    records: Iterator[Record], contigs: list[str], folder: Path, check: Callable[[], None]
) -> Iterator[Record]:
    """Yield the records in the order of contigs and positions; where both are the same, in the file's order.

    Args:
        records: the records in the file's order.
        contigs: names in the order in which their records are to come.
        folder: where the runs are written.
        check: called often; may raise to stop.
    """
    place = {name: number for number, name in enumerate(contigs)}
    runs = _Runs(folder, check)
    rows: list[_Row] = []
    size = 0
    for number, record in enumerate(records):
        kinds = ",".join(record.kinds)
        text = "\t".join((str(record.line), record.contig, kinds, record.left, record.info, record.tail))
        rows.append((place[record.contig], record.pos, number, text))
        size += len(text)
        runs.longest = max(runs.longest, len(text))
        if size >= RUN_BYTES:
            rows.sort()
            runs.add(iter(rows))
            rows, size = [], 0
    rows.sort()
    for number, row in enumerate(runs.merged(rows)):
        if number % CHECKED_RECORDS == 0:
            check()
        yield _record(row[1], row[3])


class _Runs:
    """Sorted runs on disk, by how often their records have been written."""

    def __init__(self, folder: Path, check: Callable[[], None]) -> None:
        self._folder = folder
        self._check = check
        self._levels: list[list[Path]] = []
        self._made = 0
        #: Characters of the longest record.
        self.longest = 1

    @property
    def _most(self) -> int:
        return max(2, min(MOST_RUNS, MOST_HELD_BYTES // self.longest))

    def add(self, rows: Iterator[_Row], level: int = 0) -> None:
        """Write a run; merge those of its level if there are many."""
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(self._write(rows))
        if len(runs) >= self._most:
            self._levels[level] = []
            self.add(self._consumed(runs), level + 1)

    def merged(self, rows: Sequence[_Row]) -> Iterator[_Row]:
        """Yield the rows of all runs, and these, in order."""
        runs = [run for level in self._levels for run in level]  # the smallest first
        while len(runs) > self._most:
            runs = [self._write(self._consumed(runs[: self._most])), *runs[self._most :]]
        return heapq.merge(self._consumed(runs), rows)

    def _consumed(self, runs: Sequence[Path]) -> Iterator[_Row]:
        """Yield the rows of runs in order, and delete these files at the end."""
        yield from heapq.merge(*map(_read, runs))
        for run in runs:
            run.unlink()

    def _write(self, rows: Iterator[_Row]) -> Path:
        self._made += 1
        path = self._folder / f"run-{self._made}"
        with path.open("w", encoding="latin-1", newline="\n") as file:
            for written, (contig, pos, number, text) in enumerate(rows):
                if written % CHECKED_RECORDS == 0:
                    self._check()
                file.write(f"{contig}\t{pos}\t{number}\t{text}\n")
        return path


def _read(path: Path) -> Iterator[_Row]:
    with path.open(encoding="latin-1", newline="\n") as file:
        for line in file:
            contig, pos, number, text = line[:-1].split("\t", 3)
            yield int(contig), int(pos), int(number), text


def _record(pos: int, text: str) -> Record:
    # left holds seven columns and tail any number; info stands between them.
    columns = text.split("\t", 11)
    return Record(
        line=int(columns[0]),
        contig=columns[1],
        pos=pos,
        ref=columns[6],
        alts=columns[7].split(","),
        kinds=[Kind(kind) for kind in columns[2].split(",")],
        left="\t".join(columns[3:10]),
        info=columns[10],
        tail=columns[11],
    )
