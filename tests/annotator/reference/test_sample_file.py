"""The sample VCF is real: it belongs to the pack, has known variants, and is small enough to upload."""

from pathlib import Path

from annotator.reference.pack import Reference
from annotator.reference.sample_file import write_sample
from tests.support.small_vcfs import Annotate


def test_the_sample_is_annotated_without_a_remark(run: Annotate, sample: bytes) -> None:
    assert len(sample) <= 150 * 1024
    result = run(sample)
    assert (result.report.records_out, result.report.skipped, result.report.repairs) == (1200, 0, [])
    found = {row["change"] for row in result.report.summary["known"]}
    assert {"m.11778G>A", "m.3243A>G", "m.8344A>G", "m.1555A>G", "m.8993T>G"} <= found
    assert len(result.report.summary["genes"]) >= 37
    assert result.report.summary["titv"]["ratio"] > 5


def test_a_seed_gives_one_file(tmp_path: Path, sample: bytes, rcrs: Reference) -> None:
    for name, seed in (("a", 20), ("b", 21)):
        write_sample(tmp_path / name, seed=seed, reference=rcrs)
    assert (tmp_path / "a").read_bytes() == sample
    assert (tmp_path / "b").read_bytes() != sample


def test_any_number_of_records(tmp_path: Path, run: Annotate) -> None:
    write_sample(tmp_path / "x.vcf", records=37)
    assert run(tmp_path / "x.vcf").report.records_out == 37
