"""Sorts records by position on disk: sorted runs in temporary files, merged as they are read."""

import heapq
from collections.abc import Callable, Iterator
from pathlib import Path

from annotator.alleles import kind_of
from annotator.preflight.records import Record

RUN_BYTES = 16 * 1024 * 1024  # of text in memory before a run is written
MOST_RUNS = 64  # that are open at the same time

_Row = tuple[int, int, int, str]  # place of the contig, position, place in the file, the record's text


def sort_records(
    records: Iterator[Record], contigs: list[str], folder: Path, check: Callable[[], None]
) -> Iterator[Record]:
    """Yield the records in the order of contigs and positions; where both are the same, in the file's order."""
    place = {name: number for number, name in enumerate(contigs)}
    runs: list[Path] = []
    made = 0
    rows: list[_Row] = []
    size = 0
    for number, record in enumerate(records):
        text = "\t".join((str(record.line), record.contig, record.left, record.info, record.tail))
        rows.append((place[record.contig], record.pos, number, text))
        size += len(text)
        if size >= RUN_BYTES:
            made += 1
            runs.append(_write(folder / f"run-{made}", iter(sorted(rows))))
            rows, size = [], 0
            if len(runs) == MOST_RUNS:
                made += 1
                merged = _write(folder / f"run-{made}", _merge(runs, []))
                for run in runs:
                    run.unlink()
                runs = [merged]
    for number, row in enumerate(_merge(runs, sorted(rows))):
        if number % 1024 == 0:
            check()
        yield _record(row[1], row[3])


def _write(path: Path, rows: Iterator[_Row]) -> Path:
    with path.open("w", encoding="latin-1", newline="\n") as file:
        for contig, pos, number, text in rows:
            file.write(f"{contig}\t{pos}\t{number}\t{text}\n")
    return path


def _read(path: Path) -> Iterator[_Row]:
    with path.open(encoding="latin-1", newline="\n") as file:
        for line in file:
            contig, pos, number, text = line[:-1].split("\t", 3)
            yield int(contig), int(pos), int(number), text


def _merge(runs: list[Path], rows: list[_Row]) -> Iterator[_Row]:
    return heapq.merge(*(_read(run) for run in runs), iter(rows))


def _record(pos: int, text: str) -> Record:
    # left holds seven columns and tail any number; info stands between them.
    columns = text.split("\t", 10)
    ref, alts = columns[5], columns[6].split(",")
    return Record(
        line=int(columns[0]),
        contig=columns[1],
        pos=pos,
        ref=ref,
        alts=alts,
        kinds=[kind_of(alt) for alt in alts],
        left="\t".join(columns[2:9]),
        info=columns[9],
        tail=columns[10],
    )
