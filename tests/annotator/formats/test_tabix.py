"""The index that is made while the result is written says the same as bcftools' own."""

import gzip
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pysam.bcftools
import pytest

from annotator.formats import tabix
from annotator.formats.bcftools import Tool
from annotator.reference.pack import Reference, load_reference
from annotator.run.annotate import annotate
from annotator.run.columnar import index_positions
from annotator.run.context import RunContext
from tests.annotator.packs import make_pack
from tests.support.small_vcfs import vcf


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("packs")
    rng = random.Random(3)  # noqa: S311  (nothing secret)
    return make_pack(folder, {name: "".join(rng.choices("ACGT", k=300_000)) for name in ("1", "2", "3")})


def records(reference: Reference, count: int) -> list[str]:
    """Sorted, of two contigs, some with long REFs, which reach over several bins."""
    rng = random.Random(4)  # noqa: S311  (nothing secret)
    found = []
    for contig in ("1", "3"):
        for pos in sorted(rng.randrange(1, 250_000) for _ in range(count)):
            size = rng.choice([1, 1, 1, 5, 50, 20_000 if pos < 230_000 else 1])
            ref = reference.sequence.fetch(contig, pos, pos + size - 1)
            alt = ref[0] if size > 1 else "ACGT"["ACGT".index(ref) - 1]
            found.append(f"{contig} {pos} . {ref} {alt}")
    return found


def found_by(index: Path, result: Path, folder: Path, regions: list[tuple[str, int, int]]) -> list[list[str]]:
    folder.mkdir()
    shutil.copy(result, folder / "a.vcf.gz")
    shutil.copy(index, folder / "a.vcf.gz.tbi")
    with pysam.TabixFile(str(folder / "a.vcf.gz")) as file:
        return [list(file.fetch(*region)) for region in regions]


def test_every_region_has_the_same_records(reference: Reference, tmp_path: Path) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(vcf(*records(reference, 500)))
    annotate(source, tmp_path, reference=reference)
    result = tmp_path / "annot.vcf.gz"
    theirs = tmp_path / "theirs.vcf.gz"
    shutil.copy(result, theirs)
    pysam.tabix_index(str(theirs), preset="vcf")
    rng = random.Random(5)  # noqa: S311  (nothing secret)
    starts = [rng.randrange(280_000) for _ in range(300)]
    regions = [(rng.choice(["1", "3"]), start, start + rng.choice([1, 100, 40_000])) for start in starts]
    ours = found_by(tmp_path / "annot.vcf.gz.tbi", result, tmp_path / "ours", regions)
    assert sum(map(len, ours)) > 1000
    assert ours == found_by(tmp_path / "theirs.vcf.gz.tbi", result, tmp_path / "tabix", regions)
    with pysam.TabixFile(str(tmp_path / "ours" / "a.vcf.gz")) as file:
        assert file.contigs == ["1", "3"]


def test_the_index_counts_records(reference: Reference, tmp_path: Path) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(vcf(*records(reference, 150)))
    annotate(source, tmp_path, reference=reference)

    counts = pysam.bcftools.index("--stats", str(tmp_path / "annot.vcf.gz"))
    assert [line.split("\t") for line in counts.splitlines()] == [["1", "300000", "150"], ["3", "300000", "150"]]


@pytest.mark.parametrize("record", ["MT 100 . G <DEL> . PASS END=3000", "MT 100 . G A . PASS END=3000"])
def test_what_says_its_end_otherwise_is_left_to_bcftools(tmp_path: Path, record: str) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(vcf(record, "MT 11778 . G A"))
    annotate(source, tmp_path, reference=load_reference("rCRS"))
    with pysam.TabixFile(str(tmp_path / "annot.vcf.gz")) as file:
        assert len(list(file.fetch("MT", 2000, 2001))) == 1


def test_what_is_placed_by_its_ref_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    tool = RunContext.tool

    def told(self: RunContext, command: str, *arguments: Any) -> Tool:
        started.append(command)
        return tool(self, command, *arguments)

    monkeypatch.setattr(RunContext, "tool", told)
    source = tmp_path / "in.vcf"
    source.write_text(vcf("MT 11778 . G A"))
    annotate(source, tmp_path, reference=load_reference("rCRS"))
    assert started == ["view"]
    assert gzip.decompress((tmp_path / "annot.vcf.gz.tbi").read_bytes()).startswith(b"TBI\1")


def test_columns_give_the_same_places_as_one_by_one() -> None:
    rng = random.Random(6)  # noqa: S311  (nothing secret)
    first = sorted(rng.randrange(1, 2**28) for _ in range(3000))
    last = [pos + rng.choice([0, 0, 3, 20_000, 200_000]) for pos in first]
    sizes = [rng.randrange(1, 300) for _ in first]
    begins = np.cumsum([0, *sizes])
    singly = tabix.places(zip(first, last, sizes, strict=True))
    together = index_positions.places(np.array(first), np.array(last), begins)
    assert list(together.runs) == singly.runs
    assert list(together.windows) == singly.windows
    assert together.records == singly.records == 3000
