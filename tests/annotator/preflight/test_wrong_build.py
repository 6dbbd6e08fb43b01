"""A file on another build than the chosen one ends with a sentence that names both; none is annotated in silence."""

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from annotator.errors import InputError
from annotator.preflight.build_detection.header_build import judge
from annotator.preflight.build_detection.known_builds import BUILDS
from annotator.preflight.build_detection.record_match import ReferenceMatch
from annotator.preflight.build_detection.refusals import WRONG_BUILD
from annotator.reference.pack import Contig, Reference, ReferenceInfo, installed_references
from tests.annotator.packs import make_pack
from tests.support.builds import info
from tests.support.small_vcfs import COLUMNS, Annotate, vcf

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


def test_n_in_ref_of_a_variant_in_bases_fits_and_tells_nothing_of_the_build(
    run: Annotate, packs: dict[str, Reference]
) -> None:
    chosen = packs["GRCh38"]
    result = run(vcf(*records(chosen, 20), "1 700 . N C", header=header(*contigs(NEW))), reference=chosen)
    assert result.report.skipped == 0
    assert result.records[-1][3:5] == ["N", "C"]
    silent = run(vcf("1 700 . N C", header=header()), reference=chosen)
    assert silent.repaired("Nothing in the file tells the build")


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


# --- A file of another build that shares contigs with the chosen one


def of(build: str, *, chromosomes: int = 24) -> dict[str, int]:
    """A well-known build's sequences by RefSeq's names: accession → length."""
    found = next(one for one in BUILDS if one.name == build)
    names = [name for name in found.accessions if name.startswith("NC_")]
    return {name: found.lengths[found.accessions[name]] for name in names[:chromosomes]}


MITO = {"NC_012920.1": 16569}
WHOLE = info(next(build for build in BUILDS if build.name == "GRCh38"))
OLDER = info(next(build for build in BUILDS if build.name == "GRCh37"))
PART = ReferenceInfo("mito", "Mitochondrion", "", "", "", WHOLE.contigs[-1:], "")
VIRUS = ReferenceInfo("virus", "Virus", "", "", "", (Contig("chrEBV", 171823, "ebv", "v", False, ()),), "")
OAK = ReferenceInfo(
    "oak-2",
    "Oak",
    "",
    "",
    "",
    (Contig("1b", 900_000, "b", "b", False, ()), Contig("Pltd", 9000, "p", "p", False, ())),
    "",
)
OLD_OAK = replace(OAK, id="oak-1", contigs=(Contig("1a", 800_000, "a", "a", False, ()), OAK.contigs[1]))


@pytest.mark.parametrize(
    ("lines", "chosen", "installed", "message"),
    [
        pytest.param(
            contigs(of("GRCh37") | MITO),
            WHOLE,
            [],
            "This file is on GRCh37 (its contig NC_000001.10 has 249,250,621 bases); you chose GRCh38.",
            id="RefSeq's names",
        ),
        pytest.param(
            [f"##contig=<ID={name}>" for name in of("GRCh37") | MITO],
            WHOLE,
            [OLDER],
            "This file is on GRCh37 (it has contig NC_000001.10); you chose GRCh38.",
            id="without lengths, and installed",
        ),
        pytest.param(contigs(of("GRCh37")), WHOLE, [], "This file is on GRCh37 (", id="nothing that both have"),
        pytest.param(
            contigs(of("GRCh38") | MITO),
            OLDER,
            [],
            "This file is on GRCh38 (its contig NC_000001.11 has 248,956,422 bases); you chose GRCh37.",
            id="the other way",
        ),
        pytest.param(
            contigs({"1a": 800_000, "Pltd": 9000}),
            OAK,
            [OAK, OLD_OAK],
            "This file is on oak-1 (its contig 1a has 800,000 bases); you chose oak-2.",
            id="no well-known build",
        ),
    ],
)
def test_a_shared_contig_does_not_hide_a_build_that_has_all_others(
    lines: list[str], chosen: ReferenceInfo, installed: list[ReferenceInfo], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        judge(lines, chosen, lambda: installed)
    assert caught.value.code == WRONG_BUILD
    assert caught.value.message.startswith(message)


LARGER = replace(WHOLE, id="GRCh38-all", contigs=(*WHOLE.contigs, Contig("KI270442.1", 392061, "k", "k", False, ())))
NAMELESS = replace(WHOLE, contigs=tuple(replace(contig, aliases=()) for contig in WHOLE.contigs))


@pytest.mark.parametrize(
    ("lines", "chosen", "installed"),
    [
        pytest.param(contigs({"22": 50818468}, "chr"), WHOLE, [OLDER], id="a panel of one chromosome"),
        pytest.param(contigs({"chrM": 16569}), WHOLE, [OLDER, PART], id="a panel of the mitochondrion"),
        pytest.param(contigs({"chrM": 16569, "chrEBV": 171823}), WHOLE, [OLDER, VIRUS], id="and a virus"),
        pytest.param(contigs({"chr22": 50818468, "chrEBV": 171823}), WHOLE, [OLDER, VIRUS], id="decoys in a panel"),
        pytest.param(contigs({"MT": 16569, "spike_in": 10**9}), WHOLE, [OLDER], id="contigs of one's own"),
        pytest.param(contigs(of("GRCh38") | MITO | {"KI270442.1": 392061}), WHOLE, [OLDER, LARGER], id="alts"),
        pytest.param(contigs({"MT": 16569, "KI270442.1": 392061}), WHOLE, [LARGER], id="two packs of one build"),
        pytest.param(
            contigs(of("GRCh38") | {"MT": 16569}), NAMELESS, [OLDER, WHOLE], id="a pack without RefSeq's names"
        ),
        pytest.param(contigs(of("GRCh37") | {"NC_001807.4": 16571}), OLDER, [WHOLE], id="hg19"),
        pytest.param(contigs({"chr21": 48129895, "chrM": 16571}), OLDER, [WHOLE], id="a panel of hg19"),
        pytest.param(["##contig=<ID=chr1>", *contigs({"NC_001807.4": 16571})], OLDER, [WHOLE], id="hg19's alone"),
        pytest.param(contigs(of("GRCh38") | MITO), PART, [WHOLE, OLDER], id="a genome for its mitochondrion"),
        pytest.param(["##contig=<ID=chrM>", *contigs(of("GRCh38"))], PART, [WHOLE], id="that without a length"),
        pytest.param(contigs(of("GRCh38", chromosomes=3)), WHOLE, [OLDER], id="a subset"),
        pytest.param(contigs({"1b": 900_000, "Pltd": 9000, "1a": 800_000}), OAK, [OLD_OAK], id="two genomes in one"),
        pytest.param([], WHOLE, [OLDER], id="nothing"),
    ],
)
def test_a_file_of_the_chosen_build_is_not_refused_for_what_others_have(
    lines: list[str], chosen: ReferenceInfo, installed: list[ReferenceInfo]
) -> None:
    verdict = judge(lines, chosen, lambda: installed)
    assert (verdict.remark, verdict.doubt) == ("", "")


def test_a_small_shared_contig_does_not_silence_the_build_that_the_header_names() -> None:
    lines = ["##reference=hg19.fa", *contigs({"MT": 16569, "hg19_chr1": 249250621})]
    verdict = judge(lines, WHOLE, lambda: [OLDER])
    assert (verdict.build, verdict.doubt) == ("GRCh37", "its header has hg19.fa")
    # Tools that lift a file over may keep the words, but not the lengths.
    lines = ["##reference=hg19.fa", *contigs({"MT": 16569, "chr1": 248956422, "spike_in": 10**9})]
    assert not judge(lines, WHOLE, lambda: [OLDER]).doubt


# --- A contig of another build than the rest of its file


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, rcrs: Reference) -> dict[str, Reference]:
    """Three packs: one with rCRS, one with another contig "2", and one whose contig "2" is masked at its begin."""
    rng = random.Random(13)  # noqa: S311
    folder = tmp_path_factory.mktemp("mixed")
    one, two, other = ("".join(rng.choices("ACGT", k=size)) for size in (40_000, 4000, 4000))
    mito = rcrs.sequence.fetch("MT", 1, 16569)
    aliases = {"MT": ["chrM"]}
    return {
        "new": make_pack(folder, {"1": one, "2": two, "MT": mito}, pack_id="new", aliases=aliases),
        "old": make_pack(folder, {"1": one, "2": other}, pack_id="old"),
        "masked": make_pack(folder, {"1": one, "2": "N" * 2000 + two[2000:]}, pack_id="masked"),
    }


def shifted(pack: Reference, count: int, by: int) -> list[str]:
    """Records on chrM at positions that are higher by so much than those of the pack."""
    lines = []
    for pos in range(4000, 4000 + 100 * count, 100):
        ref = pack.sequence.fetch("MT", pos, pos)
        lines.append(f"chrM {pos + by} . {ref} {OTHER[ref]}")
    return lines


def test_a_mitochondrion_of_another_build_is_not_annotated_where_chance_agrees(
    refused: Refused, mixed: dict[str, Reference]
) -> None:
    """As chrM of hg19, whose positions are two higher, in a file of which all else fits."""
    chosen = mixed["new"]
    text = vcf(*records(chosen, 499), *shifted(chosen, 38, 2), header=header())
    error = refused(text, reference=chosen)
    assert error.code == WRONG_BUILD
    assert error.message.startswith('Contig "chrM" of this file is on UCSC hg19\'s chrM (NC_001807): ')
    assert ' of 38 records on contig "chrM" do not fit new, but ' in error.message
    assert error.message.endswith(" of these would, shifted by 1 or 2 bases.")
    assert error.line is not None
    assert error.line > 501


def test_a_contig_of_another_installed_reference_is_named(refused: Refused, mixed: dict[str, Reference]) -> None:
    chosen = mixed["new"]
    text = vcf(*records(chosen, 499), *records(mixed["old"], 38, name="2"), header=header())
    error = refused(text, reference=chosen, installed=lambda: list(mixed.values()))
    assert error.code == WRONG_BUILD
    assert error.message.startswith('Contig "2" of this file is on old: ')
    error = refused(text, reference=chosen)
    assert error.code == "reference-mismatch"
    assert ' of 38 records on contig "2" do not fit new.' in error.message
    assert 'Contig "2" was probably made on another genome build' in error.advice


def test_a_long_contig_ends_the_job_while_it_is_read(mixed: dict[str, Reference]) -> None:
    """At its 1,000th record: not only when the rest of a large file is done."""
    match = ReferenceMatch(mixed["new"])
    for _ in range(20_000):
        match.compare(1, "1", "1", 1, mixed["new"].sequence.fetch("1", 1, 1))
    for number in range(1, 1000):
        assert match.compare(number, "2", "2", number, OTHER[mixed["new"].sequence.fetch("2", number, number)])
    with pytest.raises(InputError, match='1,000 of 1,000 records on contig "2" do not fit'):
        match.compare(1000, "2", "2", 1000, OTHER[mixed["new"].sequence.fetch("2", 1000, 1000)])


@pytest.mark.parametrize(
    ("count", "wrong", "ends"), [(10, 2, False), (10, 3, True), (9, 5, False), (40, 8, False), (40, 9, True)]
)
def test_the_threshold_of_a_contig(
    run: Annotate, mixed: dict[str, Reference], count: int, wrong: int, *, ends: bool
) -> None:
    """More than one in five of 10 records or more."""
    chosen = mixed["new"]
    text = vcf(*records(chosen, 200), *records(chosen, count, name="2", wrong=wrong), header=header())
    if ends:
        with pytest.raises(InputError, match=f'{wrong} of {count} records on contig "2" do not fit new'):
            run(text, reference=chosen)
        return
    assert run(text, reference=chosen).report.summary["skipped_reasons"] == {"reference-mismatch": wrong}


def test_positions_past_a_contigs_end_count_for_it(refused: Refused, mixed: dict[str, Reference]) -> None:
    chosen = mixed["new"]
    past = [f"2 {pos} . A C" for pos in range(4001, 4021)]
    error = refused(vcf(*records(chosen, 499), *past, header=header()), reference=chosen)
    assert error.code == "position-past-end"
    assert '20 of 20 records on contig "2" do not fit new' in error.message


def test_masked_bases_are_not_held_against_a_contig(run: Annotate, mixed: dict[str, Reference]) -> None:
    """As the ends of chrY are masked in some genomes, and called on in others: such records are skipped."""
    text = vcf(*records(mixed["new"], 400), *records(mixed["new"], 30, name="2"), header=header())
    result = run(text, reference=mixed["masked"])
    assert result.report.summary["skipped_reasons"] == {"reference-mismatch": 30}


def test_the_lengths_of_a_reference_are_not_gathered_for_each_record(
    mixed: dict[str, Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A genome may have a hundred thousand contigs, and a file as many records that are skipped."""
    match = ReferenceMatch(mixed["new"])
    match.read_header(contigs({"1": 40_000, "2": 999}))

    def gathered(_: Reference) -> dict[str, int]:
        raise AssertionError

    monkeypatch.setattr(Reference, "lengths", property(gathered))
    assert "999 bases by the header, and 4,000 in new" in (match.other_sequence("2") or "")
    match.checked = 100
    assert "POS 4001 is past the end of 2, which has 4,000 bases" in match.past_end(1, "2", 4001, "2", "A")
