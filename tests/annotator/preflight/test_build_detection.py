"""Which build a file is on, told from what its header and its first records say."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.preflight.build_detection.detect import Detection, Fit, detect
from annotator.preflight.build_detection.evidence import agree, evidence, known_build
from annotator.preflight.build_detection.known_builds import BUILDS, Build, named_in
from annotator.reference.pack import Contig, Reference, ReferenceInfo
from tests.annotator.packs import make_pack
from tests.support.builds import info

KNOWN = {build.name: build for build in BUILDS}


def lines(lengths: dict[str, int], prefix: str = "", extra: str = "") -> list[str]:
    return [f"##contig=<ID={prefix}{name},length={length}{extra}>" for name, length in lengths.items()]


GRCH37, GRCH38 = info(KNOWN["GRCh37"]), info(KNOWN["GRCh38"])
MITO = ReferenceInfo("rCRS", "Mitochondrion", "", "", "", GRCH38.contigs[-1:], "")
SCAFFOLDS = ReferenceInfo("oak", "Oak", "", "", "", (Contig("scaffold_1", 70, "oak", "s", False, ()),), "")
EVERY = [GRCH37, GRCH38, MITO]
ONE = {"1": 249250621}
ONE_CONTIG = (Contig("1", 70, "oak", "1", False, ()),)


@pytest.mark.parametrize(
    ("name", "total"),  # of the chromosomes, as NCBI and UCSC publish it
    [
        ("NCBI36", 3080419480),
        ("GRCh37", 3095677412),
        ("GRCh38", 3088269832),
        ("T2T-CHM13v2.0", 3117292070 - 16569),
        ("GRCm38", 2725521370),
        ("GRCm39", 2723431143 - 16299),
    ],
)
def test_the_lengths_are_the_published_ones(name: str, total: int) -> None:
    assert sum(KNOWN[name].lengths.values()) == total


def test_no_two_builds_share_a_length_or_an_accession_of_one_chromosome() -> None:
    """Otherwise one of them would be mistaken for the other."""
    seen: dict[object, str] = {}
    for build in BUILDS:
        for key in [*((name, length) for name, length in build.lengths.items()), *build.accessions]:
            assert seen.setdefault(key, build.name) == build.name, key


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("file:///data/hs37d5.fa.gz", "GRCh37"),
        ("human_g1k_v37_decoy.fasta", "GRCh37"),
        ("/ref/ucsc.hg19.fasta", "GRCh37"),
        ("Homo_sapiens.GRCh37.75.dna.fa", "GRCh37"),
        ("GCA_000001405.1", "GRCh37"),
        ("b37", "GRCh37"),
        ("GCA_000001405.15_GRCh38_no_alt_analysis_set.fna", "GRCh38"),
        ("GRCh38.p14", "GRCh38"),
        ("Homo_sapiens_assembly38.fasta", "GRCh38"),
        ("1000GenomesPilot-NCBI36", "NCBI36"),
        ("B36", "NCBI36"),
        ("chm13v2.0.fa", "T2T-CHM13v2.0"),
        ("mm10.fa", "GRCm38"),
        ("mm39.fa", "GRCm39"),
        ("hg19ToHg38.fa", ""),
        ("ghs1x.fa", ""),
        ("", ""),
    ],
)
def test_a_build_is_told_from_words(text: str, build: str) -> None:
    assert [found.name for found in named_in(text)] == ([build] if build else [])


@pytest.mark.parametrize(
    ("header", "references", "fit", "reference", "build"),
    [
        pytest.param(lines(ONE), EVERY, Fit.CERTAIN, "GRCh37", "GRCh37", id="one length"),
        pytest.param(lines(ONE, "chr"), EVERY, Fit.CERTAIN, "GRCh37", "GRCh37", id="with chr"),
        pytest.param(lines(ONE, extra=",assembly=b37"), EVERY, Fit.CERTAIN, "GRCh37", "GRCh37", id="GATK's"),
        pytest.param(["##contig=<ID=NC_000001.11>"], EVERY, Fit.CERTAIN, "GRCh38", "GRCh38", id="accession"),
        pytest.param(["##contig=<ID=X,md5=0123>"], EVERY, Fit.UNCLEAR, "", "", id="an md5 of nothing"),
        pytest.param(lines({"MT": 16569}), [GRCH38, MITO], Fit.CERTAIN, "rCRS", "rCRS", id="the smallest that fits"),
        pytest.param(lines(ONE), [GRCH38, MITO], Fit.NONE, "", "GRCh37", id="not installed"),
        pytest.param(lines(dict(KNOWN["GRCm39"].lengths)), EVERY, Fit.NONE, "", "GRCm39", id="a mouse"),
        pytest.param(lines({"chrM": 16571}), [MITO], Fit.NONE, "", "UCSC hg19's chrM (NC_001807)", id="hg19's chrM"),
        pytest.param(lines({**ONE, "MT": 16569}), [MITO], Fit.UNCLEAR, "rCRS", "GRCh37", id="a part is installed"),
        pytest.param(lines({"1": 12345}), EVERY, Fit.UNCLEAR, "", "", id="a length of nothing"),
        pytest.param(
            [*lines(ONE), "##reference=hg38.fa"], EVERY, Fit.UNCLEAR, "GRCh37", "GRCh37", id="words against lengths"
        ),
        pytest.param(
            lines({"1": 249250621, "2": 242193529}), EVERY, Fit.UNCLEAR, "GRCh37", "GRCh37", id="length against length"
        ),
        pytest.param(["##reference=hg19.fa"], EVERY, Fit.LIKELY, "GRCh37", "GRCh37", id="words alone"),
        pytest.param(["##reference=hg18.fa"], [GRCH37, GRCH38], Fit.NONE, "", "NCBI36", id="words, not installed"),
        pytest.param(["##contig=<ID=1>"], EVERY, Fit.UNCLEAR, "", "", id="a name of several"),
        pytest.param(["##contig=<ID=1>"], [GRCH38], Fit.UNCLEAR, "GRCh38", "", id="a name alone is no proof"),
        pytest.param(["##contig=<ID=scaffold_7>"], [*EVERY, SCAFFOLDS], Fit.NONE, "", "", id="a name of none"),
        pytest.param(["##contig=<ID=scaffold_1,length=70>"], [SCAFFOLDS], Fit.CERTAIN, "oak", "oak", id="no human"),
        pytest.param(["##reference=oak.fa"], [*EVERY, SCAFFOLDS], Fit.LIKELY, "oak", "oak", id="its own name"),
        pytest.param([], EVERY, Fit.UNCLEAR, "", "", id="nothing"),
        pytest.param(lines(ONE), [], Fit.NONE, "", "GRCh37", id="nothing installed"),
        pytest.param([], [], Fit.UNCLEAR, "", "", id="nothing at all"),
        pytest.param(["##contig=<ID=1,length=9e9>", "##contig=<", "##contig"], EVERY, Fit.UNCLEAR, "", "", id="broken"),
    ],
)
def test_detection(
    header: list[str], references: Sequence[ReferenceInfo], fit: Fit, reference: str, build: str
) -> None:
    for order in (references, list(reversed(references))):
        found = detect(header, order)
        assert (found.fit, found.reference, found.build) == (fit, reference, build), found.reason
        assert found.reason[0].isupper()
        assert found.reason.endswith(".")
        assert "\n" not in found.reason


def test_the_reason_names_the_contig_and_its_length() -> None:
    assert detect(lines(ONE), EVERY).reason == "This file is on GRCh37 (its contig 1 has 249,250,621 bases)."
    reason = detect(lines(ONE, "chr"), [GRCH38]).reason
    assert reason == "This file is on GRCh37 (its contig chr1 has 249,250,621 bases), which is not installed here."


def test_a_shared_mitochondrion_does_not_make_one_build_the_other() -> None:
    header = lines({**KNOWN["GRCh37"].lengths, "MT": 16569, "GL000194.1": 191469})
    found = detect(header, [GRCH38])
    assert (found.fit, found.build, found.reference) == (Fit.NONE, "GRCh37", "")
    found = detect(header, [GRCH38, MITO])
    assert (found.fit, found.build, found.reference) == (Fit.UNCLEAR, "GRCh37", "rCRS")
    assert "rCRS has its MT, and records elsewhere will be left out" in found.reason
    assert detect(header, EVERY).reference == "GRCh37"


def test_an_md5_without_a_length_decides() -> None:
    contig = replace(SCAFFOLDS.contigs[0], md5="0" * 31 + "a")
    assert (
        detect([f"##contig=<ID=scaffold_1,md5={'0' * 31}A>"], [replace(SCAFFOLDS, contigs=(contig,))]).reference
        == "oak"
    )


def test_of_two_packs_of_one_build_both_fit() -> None:
    later = replace(GRCH38, id="GRCh38-later")
    found = detect(lines(dict(KNOWN["GRCh38"].lengths)), [GRCH37, later, GRCH38])
    assert found.fit is Fit.CERTAIN
    assert set(found.fits) == {"GRCh38", "GRCh38-later"}


def test_ucscs_hg19_is_grch37_but_for_its_mitochondrion() -> None:
    found = detect(lines({**KNOWN["GRCh37"].lengths, "M": 16571}, "chr"), EVERY)
    assert (found.fit, found.reference) == (Fit.LIKELY, "GRCh37")
    assert "its contig chrM has 16,571 bases" in found.reason


@pytest.mark.parametrize("build", [build for build in BUILDS if "chrM" not in build.name], ids=lambda build: build.name)
def test_every_well_known_build_is_found_by_any_of_its_chromosomes(build: Build) -> None:
    packs = [info(one) for one in BUILDS if "chrM" not in one.name]
    for name, length in build.lengths.items():
        assert detect(lines({name: length}, "chr"), packs).reference == build.name
    for accession in build.accessions:
        assert detect([f"##contig=<ID={accession}>"], [MITO]).build == build.name
    assert known_build(info(build, "mine")) == build.name


def test_a_key_of_a_contig_line_stands_behind_a_comma() -> None:
    line = (
        '##contig=<ID=1, length=70,x="a,length=5,\\"md5=9",url=http://x?length=6,m5=ABC,y.length=8,species="Homo, x">'
    )
    found = evidence([line])
    assert (found.lengths, found.md5, list(found.texts)) == ({"1": 70}, {"1": "abc"}, ["http://x?length=6"])


@pytest.mark.parametrize(
    "text", ["[,{}", "{}", '"{}', "[{}", "[ {}"], ids=["behind a comma", "bare", "quoted", "in brackets", "spaced"]
)
def test_a_long_line_is_read_in_the_time_of_its_length(text: str) -> None:
    """With a search from each letter on, a megabyte would take hours: the square of a thousandth takes milliseconds."""
    started = time.process_time()
    for letters in ("a", ",", '"', "a,", " ", "\\", "=", '="', ">"):
        run = letters * (1_000_000 // len(letters))
        assert evidence([f"##contig=<ID=1,x={text.format(run)}>"]).names in ({"1": None}, {})
    assert time.process_time() - started < 10


def test_lines_of_nothing_but_letters_are_read_in_the_time_of_their_length() -> None:
    started = time.process_time()
    evidence([f"##contig=<ID=1,x=[,{'a' * 900}>"] * 10_000)
    assert time.process_time() - started < 10  # of what took 100 s


def test_of_a_line_too_long_to_be_read_whole_the_beginning_counts() -> None:
    filler = "x=" + "y" * 9_980
    assert evidence([f"##contig=<ID=1,length=70,{filler * 9}>"]).lengths == {"1": 70}
    cut = evidence([f"##contig=<ID=1,{filler},length=123456789>"])
    assert (list(cut.names), cut.lengths) == (["1"], {})  # not the half of a number


def test_a_header_is_searched_for_names_of_builds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def search(text: str) -> list[Build]:
        searched.append(text)
        return named_in(text)

    monkeypatch.setattr("annotator.preflight.build_detection.evidence.named_in", search)
    header = [f"##contig=<ID=1,assembly=word{number}>" for number in range(50)]
    packs = [replace(SCAFFOLDS, id=f"oak{number}", contigs=ONE_CONTIG) for number in range(6)]
    detect(header, packs)
    assert len(searched) == 50 + 6  # each word of the header, and each reference's own


# --- REF alleles


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> list[Reference]:
    """Two genomes of the same contig names, other lengths and other bases, and the first one again by another name."""
    rng = random.Random(3)  # noqa: S311
    folder = tmp_path_factory.mktemp("packs")
    old, new = ("".join(rng.choices("ACGT", k=size)) for size in (5000, 5200))
    return [
        make_pack(folder, {"1": old}, pack_id="old", aliases={"1": ["chr1"]}),
        make_pack(folder, {"1": new}, pack_id="new", aliases={"1": ["chr1"]}),
        make_pack(folder, {"1": old}, pack_id="again"),
    ]


def sites(reference: Reference, count: int, *, name: str = "1", start: int = 100) -> list[tuple[str, int, str]]:
    places = range(start, start + 20 * count, 20)
    return [(name, pos, reference.sequence.fetch("1", pos, pos)) for pos in places]


def test_ref_alleles_tell_what_the_header_does_not(packs: list[Reference]) -> None:
    old, new, _ = packs
    found = detect([], [old, new], sites(new, 30, name="chr1"))
    assert (found.fit, found.reference) == (Fit.LIKELY, "new")
    assert found.reason == "30 of 30 REF alleles agree with new."


def test_a_few_faulty_records_do_not_change_it(packs: list[Reference]) -> None:
    old, new, _ = packs
    sample = [("1", 100, "GGGGG"), *sites(old, 20)]
    assert detect([], [new, old], sample).reference == "old"


def test_few_alleles_are_not_enough_between_two(packs: list[Reference]) -> None:
    old, new, _ = packs
    assert detect([], [old, new], sites(new, 3)).fit is Fit.UNCLEAR


def test_with_one_reference_one_record_that_fits_it_is_enough(packs: list[Reference]) -> None:
    assert detect([], packs[:1], sites(packs[0], 1)).fit is Fit.LIKELY


def test_alleles_of_another_build_are_told(packs: list[Reference]) -> None:
    found = detect([], packs[:1], sites(packs[1], 40))
    assert found.fit is Fit.NONE
    assert "another build" in found.reason


def test_the_same_sequence_in_two_packs_is_no_doubt(packs: list[Reference]) -> None:
    old, new, again = packs
    found = detect([], [old, new, again], sites(old, 20))
    assert found.fit is Fit.LIKELY
    assert set(found.fits) == {"old", "again"}


def test_words_against_alleles_are_unclear(packs: list[Reference]) -> None:
    named = [replace(packs[0], title="GRCh37"), replace(packs[1], title="GRCh38")]
    assert detect(["##reference=hg19.fa"], named, sites(packs[1], 30)).fit is Fit.UNCLEAR
    assert detect(["##reference=hg19.fa"], named, sites(packs[0], 3)).reference == "old"


def test_a_reference_whose_fasta_is_elsewhere_leaves_it_open(packs: list[Reference]) -> None:
    elsewhere = ReferenceInfo("far", "Far", "", "", "", packs[1].contigs, "")
    assert detect([], [packs[0], elsewhere], sites(packs[0], 30)).fit is Fit.UNCLEAR


def test_what_says_nothing_is_not_counted(packs: list[Reference]) -> None:
    old = packs[0]
    sample = [("2", 5, "A"), ("1", 5, "N"), ("1", 5, ""), ("1", 0, "A"), ("1", 9999, "A"), *sites(old, 2)]
    counted = agree(sample, old)
    assert (counted.checked, counted.agreeing) == (3, 2)


TEXT = st.text(st.characters(codec="latin-1"), max_size=30)
HEADER = st.lists(
    st.one_of(
        st.builds(
            "##contig=<ID={},length={}>".format,
            st.sampled_from(["1", "chr1", "MT", "NC_000001.10", "scaffold_1", ""]),
            st.one_of(st.sampled_from([249250621, 248956422, 16569, 16571, 5000, 5200]), st.integers(-9, 10**30), TEXT),
        ),
        st.builds("##{}={}".format, st.sampled_from(["reference", "assembly", "contig"]), TEXT),
        TEXT,
    ),
    max_size=8,
)
SAMPLE = st.lists(st.tuples(st.sampled_from(["1", "chr1", "MT", ""]), st.integers(-5, 10**20), TEXT), max_size=12)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=HEADER, sample=SAMPLE, data=st.data())
def test_whatever_a_file_says_the_answer_is_sound(
    packs: list[Reference], header: list[str], sample: list[tuple[str, int, str]], data: st.DataObject
) -> None:
    references = data.draw(st.lists(st.sampled_from([*packs, *EVERY, SCAFFOLDS]), unique_by=lambda one: one.id))
    found: Detection = detect(header, references, sample)
    assert found.reference in {"", *(one.id for one in references)}
    assert set(found.fits) <= {one.id for one in references}
    if found.fit in (Fit.CERTAIN, Fit.LIKELY):
        assert found.reference == found.fits[0]
    if found.fit is Fit.NONE:
        assert not found.reference
    if found.fit is Fit.CERTAIN:
        # Nothing that the header gives a length for is another sequence.
        chosen = next(one for one in references if one.id == found.reference)
        lengths = {name: one.length for one in chosen.contigs for name in (one.name, *one.aliases)}
        declared = evidence(header).lengths
        assert all(lengths[name] == length for name, length in declared.items() if name in lengths)
    assert found.reason.endswith(".")
    assert found.reason.isprintable()


def test_the_reference_that_is_named_comes_first_of_those_that_fit() -> None:
    """The mitochondrion fits both; the other contig has the name of one, and a length that none has."""
    header = ["##contig=<ID=MT,length=16569>", "##contig=<ID=NC_000001.10,length=0>"]
    found = detect(header, EVERY, [])
    assert found.reference == found.fits[0]


def test_a_genome_without_lengths_is_not_taken_for_its_mitochondrion(tmp_path: Path) -> None:
    """Its first records are on the mitochondrion, as in UCSC's order, and fit; nearly all others are elsewhere."""
    rng = random.Random(5)  # noqa: S311
    mito = "".join(rng.choices("ACGT", k=400))
    small = make_pack(tmp_path, {"chrM": mito}, pack_id="small")
    large = make_pack(tmp_path, {"chrM": mito, "chr1": "".join(rng.choices("ACGT", k=5000))}, pack_id="large")
    sample = [("chrM", pos, mito[pos - 1]) for pos in range(10, 22)]
    on_chr1 = [("chr1", pos, large.sequence.fetch("chr1", pos, pos)) for pos in range(10, 198)]
    assert detect([], [small], sample).fit == Fit.LIKELY
    found = detect([], [small], sample + on_chr1)
    assert (found.fit, found.reference) == (Fit.UNCLEAR, "small")
    assert found.reason == "188 of the first 200 records lie on contigs that small does not have."
    found = detect([], [small, large], sample + on_chr1)
    assert (found.fit, found.reference) == (Fit.LIKELY, "large")
    assert detect([], [small, large], sample).fit == Fit.LIKELY  # the same bases, whichever
    assert "The header does not tell" in detect(["##contig=<ID=chrM>"], [small], on_chr1[:9]).reason  # too few to say
    few = sample + on_chr1[: 9 * len(sample)]
    assert detect([], [small], few).fit == Fit.LIKELY  # nine in ten may be elsewhere
