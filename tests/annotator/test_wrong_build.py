"""A file on another build than the chosen one ends with a sentence that names both; none is annotated in silence."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.errors import InputError
from annotator.preflight.build import WRONG_BUILD
from annotator.references import Reference, installed_references
from tests.annotator.conftest import COLUMNS, Annotate, vcf
from tests.annotator.packs import make_pack

Refused = Callable[..., InputError]
OTHER = {"A": "C", "C": "G", "G": "T", "T": "A"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two packs, whose contigs have the same names, other lengths and other bases."""
    rng = random.Random(11)  # noqa: S311
    folder = tmp_path_factory.mktemp("packs")
    for pack_id, sizes in {"GRCh37": (6000, 900), "GRCh38": (5000, 800)}.items():
        contigs = dict(zip(("1", "MT"), ("".join(rng.choices("ACGT", k=size)) for size in sizes), strict=True))
        make_pack(folder, contigs, pack_id=pack_id, aliases={"1": ["chr1"], "MT": ["chrM"]})
    return folder


@pytest.fixture(scope="module")
def packs(folder: Path) -> dict[str, Reference]:
    return {pack.id: pack for pack in installed_references(folder)}


def records(pack: Reference, count: int, *, name: str = "1", start: int = 100, wrong: int = 0) -> list[str]:
    """Records whose REF is that of the pack, but of the last `wrong` ones."""
    lines = []
    for number in range(count):
        pos = start + 20 * number
        ref = pack.sequence.fetch(pack.canonical(name) or name, pos, pos)
        if number >= count - wrong:
            ref = OTHER[ref]
        lines.append(f"{name} {pos} . {ref} {OTHER[ref]}")
    return lines


def header(*lines: str) -> str:
    return "\n".join(["##fileformat=VCFv4.2", *lines, COLUMNS, ""])


NEW = {"1": 5000, "MT": 800}
OLD = {"1": 6000, "MT": 900}


def contigs(lengths: dict[str, int], prefix: str = "") -> list[str]:
    return [f"##contig=<ID={prefix}{name},length={length}>" for name, length in lengths.items()]


def test_a_header_with_the_lengths_of_a_well_known_build(refused: Refused, packs: dict[str, Reference]) -> None:
    chosen = packs["GRCh38"]
    # Every REF agrees, as it may by chance: the lengths decide.
    text = vcf(*records(chosen, 3), header=header("##contig=<ID=1,length=249250621>"))
    error = refused(text, reference=chosen)
    assert error.code == WRONG_BUILD
    assert error.message == "This file is on GRCh37 (its contig 1 has 249,250,621 bases); you chose GRCh38."
    assert error.advice.startswith("Choose GRCh37 if it is installed, or lift the file over")


def test_a_contig_that_both_builds_share_does_not_hide_it(refused: Refused, packs: dict[str, Reference]) -> None:
    """As the mitochondrion of GRCh37 and GRCh38."""
    chosen = packs["GRCh38"]
    lengths = contigs({"1": 249250621, "MT": NEW["MT"]})
    text = vcf(*records(chosen, 3), *records(chosen, 20, name="MT", start=10), header=header(*lengths))
    assert refused(text, reference=chosen).message.startswith("This file is on GRCh37 (its contig 1 has 249,250,621")


def test_a_header_with_the_lengths_of_another_installed_reference(
    refused: Refused, packs: dict[str, Reference]
) -> None:
    text = vcf(*records(packs["GRCh38"], 30), header=header(*contigs(OLD, "chr")))
    error = refused(text, reference=packs["GRCh38"], installed=lambda: list(packs.values()))
    assert error.message == "This file is on GRCh37 (its contig chr1 has 6,000 bases); you chose GRCh38."
    assert error.advice.startswith("Choose GRCh37, or lift the file over")


def test_ref_alleles_name_the_installed_reference_that_they_fit(refused: Refused, packs: dict[str, Reference]) -> None:
    text = vcf(*records(packs["GRCh37"], 60), header=header())
    error = refused(text, reference=packs["GRCh38"], installed=lambda: list(packs.values()))
    assert error.code == WRONG_BUILD
    assert error.message.startswith("This file is on GRCh37 (")
    assert error.message.endswith(" records that do not fit GRCh38 fit it); you chose GRCh38.")


def test_positions_past_the_end_count_as_well(refused: Refused, packs: dict[str, Reference]) -> None:
    text = vcf(*records(packs["GRCh37"], 40, start=5001), header=header())
    error = refused(text, reference=packs["GRCh38"], installed=lambda: list(packs.values()))
    reason = "40 of 40 records that do not fit GRCh38 fit it"
    assert error.message == f"This file is on GRCh37 ({reason}); you chose GRCh38."
    error = refused(text, reference=packs["GRCh38"])
    assert error.message.startswith("Line 3: POS 5001 is past the end of 1")
    assert "build" in error.advice


def test_without_a_name_for_the_other_build_the_first_record_is_named(
    refused: Refused, packs: dict[str, Reference]
) -> None:
    error = refused(vcf(*records(packs["GRCh37"], 60), header=header()), reference=packs["GRCh38"])
    assert error.code == "reference-mismatch"
    assert "records do not fit" in error.message


@pytest.mark.parametrize(("wrong", "ends"), [(6, False), (7, True)])
def test_the_threshold(run: Annotate, packs: dict[str, Reference], wrong: int, *, ends: bool) -> None:
    """One in ten may not fit: these are listed. With one more the job ends."""
    text = vcf(*records(packs["GRCh38"], 60, wrong=wrong), header=header(*contigs(NEW)))
    if ends:
        with pytest.raises(InputError, match="7 of 60 records do not fit"):
            run(text, reference=packs["GRCh38"])
        return
    result = run(text, reference=packs["GRCh38"])
    assert result.report.summary["skipped_reasons"] == {"reference-mismatch": 6}
    assert result.report.records_out == 54
    assert "GRCh38 has" in result.log


@pytest.mark.parametrize("count", [3, 40])
def test_a_header_that_names_another_build_needs_alleles_enough_to_be_overruled(
    run: Annotate, packs: dict[str, Reference], count: int
) -> None:
    text = vcf(*records(packs["GRCh38"], count), header=header("##reference=file:///ref/hg19.fa"))
    if count == 3:
        with pytest.raises(InputError) as caught:
            run(text, reference=packs["GRCh38"])
        assert caught.value.code == WRONG_BUILD
        assert caught.value.message.startswith("This file is on GRCh37 (its header has file:///ref/hg19.fa")
        return
    result = run(text, reference=packs["GRCh38"])
    assert result.report.records_out == 40
    assert result.repaired("The header names GRCh37")
    assert result.repaired("40 of 40 REF alleles agree with GRCh38")


def test_a_header_that_names_another_build_and_alleles_that_do_not_fit(
    refused: Refused, packs: dict[str, Reference]
) -> None:
    text = vcf(*records(packs["GRCh37"], 40), header=header("##reference=hg19.fa"))
    error = refused(text, reference=packs["GRCh38"])
    assert error.message.startswith("This file is on GRCh37 (its header has hg19.fa, and ")
    assert error.message.endswith("records do not fit GRCh38); you chose GRCh38.")


def test_accessions_of_another_build(refused: Refused, packs: dict[str, Reference]) -> None:
    error = refused(vcf("NC_000001.10 100 . A C", header=header()), reference=packs["GRCh38"])
    assert error.message == 'This file is on GRCh37 (it has contig "NC_000001.10"); you chose GRCh38.'


def test_contigs_that_the_reference_lacks_are_listed_and_the_others_annotated(
    run: Annotate, packs: dict[str, Reference]
) -> None:
    chosen = packs["GRCh38"]
    lengths = contigs({**NEW, "2": 242193529, "GL000194.1": 191469})
    text = vcf(*records(chosen, 20), "2 100 . A C", "GL000194.1 5 . A C", header=header(*lengths))
    result = run(text, reference=chosen)
    assert result.report.records_out == 20
    assert result.report.summary["skipped_reasons"] == {"unknown-contig": 2}
    assert not result.report.repairs


def test_a_contig_that_is_another_sequence_is_listed_and_the_others_annotated(
    run: Annotate, packs: dict[str, Reference]
) -> None:
    """As chrM of UCSC's hg19 is, of which all else is GRCh37."""
    chosen = packs["GRCh38"]
    lengths = contigs({"1": NEW["1"], "M": 902}, "chr")
    text = vcf(*records(chosen, 20, name="chr1"), *records(chosen, 5, name="chrM", start=10), header=header(*lengths))
    result = run(text, reference=chosen)
    assert {columns[0] for columns in result.records} == {"chr1"}
    assert result.report.summary["skipped_reasons"] == {"contig-length": 5}
    assert 'contig "chrM" has 902 bases by the header, and 800 in GRCh38: it is another sequence' in result.log


def test_lengths_of_nothing_known_are_told_and_alleles_decide(run: Annotate, packs: dict[str, Reference]) -> None:
    text = vcf(*records(packs["GRCh38"], 12), header=header("##contig=<ID=1,length=123456>"))
    result = run(text, reference=packs["GRCh38"], installed=lambda: list(packs.values()))
    assert result.report.records_out == 12
    assert result.repaired(
        "Its contig 1 has 123,456 bases by the header and 5,000 in GRCh38; 12 of 12 REF alleles agree"
    )


@pytest.mark.parametrize("count", [1, 9, 10])
def test_a_header_that_says_nothing_is_told_of_while_few_alleles_speak(
    run: Annotate, packs: dict[str, Reference], count: int
) -> None:
    result = run(vcf(*records(packs["GRCh38"], count), header=header()), reference=packs["GRCh38"])
    assert result.repaired(f"only {count} of {count} REF alleles agree") == (count < 10)


def test_records_whose_ref_says_nothing(run: Annotate, packs: dict[str, Reference]) -> None:
    """Callers of structural variants write N for a base: it fits any, and tells nothing of the build."""
    chosen = packs["GRCh38"]
    lines = ["1 100 . N <DEL> . . SVTYPE=DEL;END=400", "1 600 . N N]MT:20] . . SVTYPE=BND"]
    silent = run(vcf(*lines, header=header()), reference=chosen)
    assert [columns[3] for columns in silent.records] == ["N", "N"]
    assert silent.repaired("Nothing in the file tells the build: make sure that it is on GRCh38")
    known = run(vcf(*lines, header=header(*contigs(NEW))), reference=chosen)
    assert not any("build" in repair for repair in known.report.repairs)


def test_n_in_ref_of_a_variant_in_bases_does_not_fit(run: Annotate, packs: dict[str, Reference]) -> None:
    chosen = packs["GRCh38"]
    result = run(vcf(*records(chosen, 20), "1 700 . N C", header=header(*contigs(NEW))), reference=chosen)
    assert result.report.summary["skipped_reasons"] == {"reference-mismatch": 1}


def test_a_file_that_fits_asks_for_no_other_reference(run: Annotate, packs: dict[str, Reference]) -> None:
    def installed() -> list[Reference]:
        raise AssertionError

    chosen = packs["GRCh38"]
    text = vcf(*records(chosen, 30, wrong=2), header=header(*contigs(NEW)))
    assert run(text, reference=chosen, installed=installed).report.skipped == 2


def test_the_command_line_names_both_builds(folder: Path, packs: dict[str, Reference], tmp_path: Path) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(vcf(*records(packs["GRCh37"], 5), header=header(*contigs(OLD))))
    program = [sys.executable, "-m", "annotator", str(source), str(tmp_path / "out.vcf.gz")]
    ended = subprocess.run(
        [*program, "--reference", "GRCh38", "--references-dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "This file is on GRCh37 (its contig 1 has 6,000 bases); you chose GRCh38." in ended.stderr
    assert not (tmp_path / "out.vcf.gz").exists()
