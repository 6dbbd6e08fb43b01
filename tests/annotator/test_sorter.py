"""Sorting on disk: every record comes back once, in order, whatever the number of runs."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.alleles import Kind
from annotator.preflight.records import Record
from annotator.sorter import sort_records


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
    monkeypatch.setattr("annotator.sorter.RUN_BYTES", run_bytes)
    given = list(records(300))
    found = list(sort_records(iter(given), ["b", "a"], tmp_path, lambda: None))
    assert found == sorted(given, key=lambda record: ("ba".index(record.contig), record.pos, record.line))


def test_it_can_be_stopped(tmp_path: Path) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(sort_records(records(3), ["a", "b"], tmp_path, stop))
