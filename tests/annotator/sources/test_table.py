"""The table against a dict: whatever is asked, in whatever order, and how little of it is read."""

import random
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from annotator.errors import EngineError
from annotator.sources.table import BLOCK, BLOCKS, TABLE, Table, TableWriter

Rows = dict[str, dict[tuple[int, str, str], str]]


def make(folder: Path, rows: Rows) -> Callable[[], Table]:
    with TableWriter(folder) as writer:
        for contig, alleles in rows.items():
            for (pos, ref, alt), value in sorted(alleles.items()):
                writer.write(contig, pos, f"{contig}\t{pos}\t{ref}\t{alt}\t{value}\n".encode())
    assert writer.rows == sum(map(len, rows.values()))
    return lambda: Table(folder, writer.sections)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Two contigs; sparse, dense, and hundreds of alleles at one position, so that it fills several blocks."""
    dice = random.Random(3)  # noqa: S311
    found: Rows = {"1": {}, "HLA*1": {}}
    for contig in found:
        for _ in range(4000):
            pos = dice.choice((dice.randint(1, 90_000), dice.randint(100_000, 100_900)))
            found[contig][pos, dice.choice("AC"), dice.choice("GT")] = f"v{pos}|{contig}\tx"
        for number in range(700):
            found[contig][95_000, "A", "A" + format(number, "b").replace("0", "C").replace("1", "T") * 6] = str(number)
    return found


@pytest.mark.parametrize("order", ["sorted", "shuffled", "backwards"])
@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_every_row_is_found_and_nothing_else(tmp_path: Path, rows: Rows, order: str, batch: int) -> None:
    dice = random.Random(order)  # noqa: S311
    with make(tmp_path, rows)() as table:
        for contig, alleles in rows.items():
            missing = [(pos, ref, alt + "A") for pos, ref, alt in dice.sample(sorted(alleles), 200)]
            missing += [(pos + 1, "G", "GG") for pos, _, _ in dice.sample(sorted(alleles), 200)]
            asked = sorted([*alleles, *missing, (1, "A", "N"), (2**31 - 1, "A", "C")])
            if order == "shuffled":
                asked = dice.sample(asked, len(asked))[:1500]
            elif order == "backwards":
                asked = asked[::-1][:1500]
            for start in range(0, len(asked), batch):
                part = asked[start : start + batch]
                answers = table.find(contig, part)
                expected = [alleles.get(variant) for variant in part]
                assert answers == expected


def test_a_contig_that_it_does_not_have_is_empty(tmp_path: Path, rows: Rows) -> None:
    with make(tmp_path, rows)() as table:
        assert table.find("X", [(1, "A", "C")]) == [None]


def test_a_sparse_file_reads_a_block_or_two_for_each_allele_and_a_dense_one_each_block_once(tmp_path: Path) -> None:
    rows: Rows = {"1": {(pos, "A", "C"): "value" * 5 for pos in range(1, 200_000, 2)}}
    opened = make(tmp_path, rows)
    with opened() as table:
        blocks = sum(len(line) for _, _, line in table.rows()) // BLOCK
    assert blocks > 200
    with opened() as table:
        assert table.find("1", [(50_001, "A", "C"), (50_003, "A", "C"), (150_001, "A", "C")]).count(None) == 0
        assert table.unpacked <= 4
    with opened() as table:
        asked = sorted(rows["1"])
        for start in range(0, len(asked), 1000):
            assert None not in table.find("1", asked[start : start + 1000])
        assert blocks <= table.unpacked <= 1.2 * blocks


def test_rows_come_back_in_order_and_tabix_reads_the_same(tmp_path: Path, rows: Rows) -> None:
    with make(tmp_path, rows)() as table:
        lines = [line.decode() for _, _, line in table.rows()]
    assert len(lines) == sum(map(len, rows.values()))
    pysam.tabix_index(str(tmp_path / TABLE), seq_col=0, start_col=1, end_col=1, force=True)
    with pysam.TabixFile(str(tmp_path / TABLE)) as file:
        assert [line + "\n" for contig in rows for line in file.fetch(contig)] == lines
        inside = [line for line in lines if line.startswith("1\t") and 100_100 <= int(line.split("\t")[1]) <= 100_200]
        assert [line + "\n" for line in file.fetch("1", 100_099, 100_200)] == inside


def test_damage_is_not_taken_for_an_answer(tmp_path: Path, rows: Rows) -> None:
    opened = make(tmp_path, rows)
    asked = sorted(rows["1"])
    data = bytearray((tmp_path / TABLE).read_bytes())
    data[len(data) // 4] ^= 0xFF
    (tmp_path / TABLE).write_bytes(data)
    with opened() as table, pytest.raises(EngineError, match="damaged"):
        table.find("1", asked)
    index = (tmp_path / BLOCKS).read_bytes()
    (tmp_path / BLOCKS).write_bytes(index[:20])
    with opened() as table, pytest.raises(EngineError, match="cut short"):
        table.find("1", asked)
