"""Sorting on disk: every record comes back once, in order, whatever the number of runs."""

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from annotator.effects.allele import Kind
from annotator.formats.external_sort import ExternalSort
from annotator.preflight.record import Record
from annotator.run.sort_records import sort_records


def records(count: int) -> Iterator[Record]:
    rng = random.Random(5)  # noqa: S311
    for line in range(count):
        contig, pos = rng.choice("ba"), rng.randrange(1, 50)
        left = f"chr{contig}\t{pos}\tid{line}\tA\tG,<DEL>\t.\t."
        tail = "" if line % 3 else "GT:DP\t0/1:3\t1/1:4"
        kinds = [Kind.SEQUENCE, Kind.SYMBOLIC]
        yield Record(line, contig, pos, "A", ["G", "<DEL>"], kinds, left, "" if line % 2 else "X=ä", tail)


@pytest.mark.parametrize("run_bytes", [10**9, 2000, 60], ids=["one run", "some runs", "a run each"])
def test_records_come_back_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_bytes: int) -> None:
    monkeypatch.setattr("annotator.formats.external_sort.RUN_BYTES", run_bytes)
    given = list(records(300))
    found = list(sort_records(iter(given), ["b", "a"], tmp_path, lambda: None))
    assert found == sorted(given, key=lambda record: ("ba".index(record.contig), record.pos, record.line))


def test_it_can_be_stopped(tmp_path: Path) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(sort_records(records(3), ["a", "b"], tmp_path, stop))


def test_no_record_is_written_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 64 GiB has 4,096 runs. Its records must not be written again with each hundred of them."""
    monkeypatch.setattr("annotator.formats.external_sort.RUN_BYTES", 100)
    monkeypatch.setattr("annotator.formats.external_sort.MOST_RUNS", 8)
    written = peak = 0

    def watched(self: ExternalSort[Any], rows: Iterator[Any]) -> Path:
        nonlocal written, peak
        path = write(self, rows)
        written += path.stat().st_size
        peak = max(peak, sum(run.stat().st_size for run in tmp_path.iterdir()))
        return path

    write = ExternalSort._write
    monkeypatch.setattr(ExternalSort, "_write", watched)
    given = list(records(3000))
    found = list(sort_records(iter(given), ["b", "a"], tmp_path, lambda: None))
    size = sum(len(record.left) + len(record.info) + len(record.tail) + 20 for record in given)
    assert len(found) == 3000
    assert written < 6 * size  # a thousand runs are four levels of eight
    assert peak < 2.5 * size
    assert not list(tmp_path.iterdir())


def test_few_of_long_records_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line may have megabytes, and one of each run that is open is held."""
    monkeypatch.setattr("annotator.formats.external_sort.RUN_BYTES", 100_000)
    monkeypatch.setattr("annotator.formats.external_sort.MOST_HELD_BYTES", 500_000)
    long = "x" * 100_000
    given = (
        Record(n, "a", 1000 - n, "A", ["G"], [Kind.SEQUENCE], f"a\t{1000 - n}\t.\tA\tG\t.\t.", long, "")
        for n in range(100)
    )
    tracemalloc.start()
    try:
        assert [record.line for record in sort_records(given, ["a"], tmp_path, lambda: None)] == [*range(99, -1, -1)]
        assert tracemalloc.get_traced_memory()[1] < 3_000_000  # each record about three times: read, split, joined
    finally:
        tracemalloc.stop()


def test_it_can_be_stopped_while_runs_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotator.formats.external_sort.RUN_BYTES", 60)
    monkeypatch.setattr("annotator.formats.external_sort.MOST_RUNS", 2)
    calls: list[int] = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 3:  # two runs, and what they are merged to
            raise InterruptedError

    with pytest.raises(InterruptedError):
        list(sort_records(records(100), ["a", "b"], tmp_path, stop))
    assert len(list(tmp_path.iterdir())) == 3
