"""What structural alleles do to transcripts, by overlap."""

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.effects.allele import Change
from annotator.effects.effect import Effect, effect
from annotator.effects.structural import MOST_TRANSCRIPTS, Touched, most_severe, structural_effect
from annotator.effects.structural_alleles import StructuralAllele, StructuralKind, end_is_elsewhere, parse
from annotator.effects.transcript import Transcript
from annotator.run.annotate import annotate
from tests.annotator.packs import make_pack

#: Three exons of 100 bases, introns of 100; coding from the middle of the first exon to the middle of the last one.
EXONS = ((1001, 1100), (1201, 1300), (1401, 1500))
FORWARD = Transcript("T.1", "G", "protein_coding", "+", EXONS, (1051, 1451))
REVERSE = Transcript("R.1", "G", "protein_coding", "-", EXONS, (1051, 1451))
SILENT = Transcript("N.1", "G", "lncRNA", "+", EXONS)
DECAYING = Transcript("D.1", "G", "nonsense_mediated_decay", "+", EXONS, (1051, 1451))
SINGLE = Transcript("S.1", "G", "protein_coding", "+", ((1001, 1300),), (1051, 1251))
SPLICE = "splice_acceptor_variant splice_donor_variant"
ACROSS = "splice_donor_5th_base_variant"


def on(kind: str, start: int, end: int, transcript: Transcript = FORWARD) -> Effect:
    found = structural_effect(StructuralAllele(StructuralKind(kind), start, end), transcript)
    assert found is not None
    return found


CASES = {
    "all of it": ("DEL", 900, 1600, FORWARD, "transcript_ablation"),
    "just all of it": ("DEL", 1001, 1500, SILENT, "transcript_ablation"),
    "deletion of 5' UTR": ("DEL", 900, 1010, FORWARD, "feature_truncation 5_prime_UTR_variant"),
    "the same end, reverse": ("DEL", 900, 1010, REVERSE, "feature_truncation 3_prime_UTR_variant"),
    "inner exon": (
        "DEL", 1150, 1350, FORWARD,
        f"{SPLICE} feature_truncation {ACROSS} coding_sequence_variant intron_variant",
    ),
    "frame kept": ("DEL", 1210, 1215, FORWARD, "feature_truncation inframe_deletion"),
    "frame lost": ("DEL", 1210, 1216, REVERSE, "frameshift_variant feature_truncation"),
    "start codon": (
        "DEL", 1040, 1055, SINGLE,
        "start_lost feature_truncation coding_sequence_variant 5_prime_UTR_variant",
    ),
    "stop codon": (
        "DEL", 1050, 1055, REVERSE,
        "stop_lost feature_truncation coding_sequence_variant 3_prime_UTR_variant",
    ),
    "within an intron": ("DEL", 1140, 1150, FORWARD, "intron_variant"),
    "splice site alone": ("DEL", 1101, 1102, FORWARD, "splice_donor_variant"),
    "part of no coding transcript": ("DEL", 900, 1010, SILENT, "feature_truncation non_coding_transcript_exon_variant"),
    "intron of no coding transcript": ("DEL", 1140, 1150, SILENT, "intron_variant non_coding_transcript_variant"),
    "nonsense-mediated decay": ("DEL", 1140, 1150, DECAYING, "intron_variant NMD_transcript_variant"),
    "all of it twice": ("DUP", 1001, 1500, REVERSE, "transcript_amplification"),
    "part of an exon twice": ("DUP", 1210, 1220, FORWARD, "feature_elongation coding_sequence_variant"),
    "an exon twice": ("DUP", 1150, 1350, FORWARD, "feature_elongation coding_sequence_variant intron_variant"),
    "splice site twice": ("DUP", 1101, 1102, FORWARD, "intron_variant"),
    "part twice, out of the transcript": ("DUP", 900, 1210, SINGLE, "coding_sequence_variant 5_prime_UTR_variant"),
    "insertion into coding bases": ("INS", 1211, 1210, FORWARD, "feature_elongation coding_sequence_variant"),
    "insertion into the 3' UTR": ("INS", 1481, 1480, FORWARD, "feature_elongation 3_prime_UTR_variant"),
    "insertion into an intron": ("INS", 1151, 1150, FORWARD, "intron_variant"),
    "insertion into a donor site": ("INS", 1102, 1101, FORWARD, "splice_donor_variant"),
    "inversion of all": ("INV", 900, 1600, FORWARD, "coding_transcript_variant"),
    "inversion of all, decay": ("INV", 900, 1600, DECAYING, "NMD_transcript_variant"),
    "inversion of all, not coding": ("INV", 900, 1600, SILENT, "non_coding_transcript_variant"),
    "inversion in an exon": ("INV", 1210, 1216, FORWARD, "coding_sequence_variant"),
    "copies of part": ("CNV", 1210, 1350, FORWARD, "coding_sequence_variant intron_variant"),
    "copies of all": ("CNV", 900, 1600, FORWARD, "coding_transcript_variant"),
    "breakend in an intron": ("BND", 1151, 1150, FORWARD, "feature_truncation intron_variant"),
    "breakend in an exon": ("BND", 1211, 1210, REVERSE, "feature_truncation coding_sequence_variant"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "start", "end", "transcript", "terms"), CASES.values(), ids=CASES.keys())
def test_terms(kind: str, start: int, end: int, transcript: Transcript, terms: str) -> None:
    found = on(kind, start, end, transcript)
    assert found.terms == tuple(terms.split())
    assert (found.hgvs_c, found.hgvs_p) == ("", "")


def test_numbers_and_positions() -> None:
    across = on("DEL", 1150, 1450, FORWARD)
    assert (across.exon, across.intron, across.cdna) == ("2-3/3", "1-2/2", None)
    assert (on("DEL", 1150, 1450, REVERSE).exon, on("DEL", 1, 9999).exon) == ("1-2/3", "1-3/3")
    within = on("DUP", 1210, 1410)
    assert (within.cdna, within.cds, within.protein) == ((110, 210), (60, 160), (20, 54))
    assert on("DEL", 1101, 1102).impact == "HIGH"


@pytest.mark.parametrize(("start", "end"), [(900, 1000), (1501, 1600), (1001, 1000), (1501, 1500)])
def test_what_lies_beside_a_transcript_does_nothing(start: int, end: int) -> None:
    for transcript in (FORWARD, REVERSE):
        assert structural_effect(StructuralAllele(StructuralKind.INSERTION, start, end), transcript) is None


@pytest.mark.parametrize("transcript", [FORWARD, REVERSE, SILENT])
@pytest.mark.parametrize("alt", ["", "T", "TTTT"])
def test_bases_that_hold_a_transcript_are_an_ablation_when_written_out(transcript: Transcript, alt: str) -> None:
    for first, last in ((1001, 1500), (900, 1600)):
        found = effect(
            Change(first, "A" * (last - first + 1), alt), transcript, lambda start, end: "A" * (end - start + 1)
        )
        assert found is not None
        assert (found.terms, found.exon, found.intron) == (("transcript_ablation",), "1-3/3", "1-2/2")


def test_the_most_severe_of_many_transcripts_are_kept_in_their_order() -> None:
    flagged = Transcript("M.1", "G", "protein_coding", "+", EXONS, (1051, 1451), flags=("MANE_Select",))
    intron, gone = on("DEL", 1140, 1150), on("DEL", 1, 9999)
    many = [Touched(SILENT, intron), Touched(FORWARD, intron), Touched(FORWARD, gone), Touched(flagged, intron)]
    assert most_severe(many, 4) == many
    assert most_severe(many, 3) == many[1:]
    assert most_severe(many, 2) == many[2:]
    assert len(most_severe([Touched(FORWARD, gone)] * 5000)) == MOST_TRANSCRIPTS == 200


def test_of_very_many_genes_some_are_named_and_the_others_counted(tmp_path: Path) -> None:
    """The genes of the entries in CSQ come first: the last of these genes alone codes for a protein."""
    rows = []
    for number in range(260):
        span = f"{10 * number + 10}\t{10 * number + 15}\t.\t+\t"
        kind, biotype = ("mRNA", "protein_coding") if number == 259 else ("tRNA", "tRNA")
        rows += [
            f"gene\t{span}.\tID=gene:G{number};biotype={biotype}",
            f"{kind}\t{span}.\tID=transcript:T{number};Parent=gene:G{number};biotype={biotype}",
        ]
    rows.append(f"CDS\t{span}0\tParent=transcript:T259")
    reference = make_pack(tmp_path, {"1": "ACGT" * 700}, genes="".join(f"1\tt\t{row}\n" for row in rows))
    source, out = tmp_path / "in.vcf", tmp_path / "out"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    source.write_text(f"##fileformat=VCFv4.2\n{columns}\n1\t1\t.\tA\t<DEL>\t.\t.\tEND=2790\n")
    out.mkdir()

    report = annotate(source, out, reference=reference)

    record = gzip.decompress((out / "annot.vcf.gz").read_bytes()).decode().splitlines()[-1]
    tags = dict(part.split("=", 1) for part in record.split("\t")[7].split(";"))
    *named, more = tags["GAS_GENE"].split("&")
    assert (len(named), more) == (200, "and_60_more")
    assert {entry.split("|")[3] for entry in tags["CSQ"].split(",")} <= set(named)
    assert "G259" in named
    assert len(report.summary["genes"]) == 260


def plain(kind: str, start: int, end: int, one: Transcript) -> set[str]:
    """Say base by base what the definitions say; for intervals, without splice sites."""
    exonic = {base for first, last in one.exons for base in range(first, last + 1)}
    touched = set(range(start, end + 1))
    whole = set(range(one.start, one.end + 1))
    if whole <= touched and kind in ("DEL", "DUP"):
        return {"transcript_ablation" if kind == "DEL" else "transcript_amplification"}
    if whole <= touched:
        return {"coding_transcript_variant" if one.coding else "non_coding_transcript_variant"}
    found = set()
    if (kind == "DEL" or (kind == "DUP" and touched <= whole)) and touched & exonic:
        found.add("feature_truncation" if kind == "DEL" else "feature_elongation")
    for (_, left), (right, _) in zip(one.exons, one.exons[1:], strict=False):
        if touched & set(range(left + 3, right - 2)):
            found.add("intron_variant")
    if one.coding is None:
        return found | {"non_coding_transcript_exon_variant" if touched & exonic else "non_coding_transcript_variant"}
    coding = sorted(base for base in exonic if one.coding[0] <= base <= one.coding[1])
    sides = ["5_prime_UTR_variant", "3_prime_UTR_variant"][:: -1 if one.strand == "-" else 1]
    found |= {sides[0]} if any(base < coding[0] for base in touched & exonic) else set()
    found |= {sides[1]} if any(base > coding[-1] for base in touched & exonic) else set()
    ordered = coding[:: -1 if one.strand == "-" else 1]
    if kind == "DEL" and touched & set(ordered[:3]):
        found.add("start_lost")
    if kind == "DEL" and len(coding) % 3 == 0 and touched & set(ordered[-3:]):
        found.add("stop_lost")
    if touched & set(coding):
        in_frame = "frameshift_variant" if len(touched) % 3 else "inframe_deletion"
        found.add(in_frame if kind == "DEL" and touched <= set(coding) else "coding_sequence_variant")
    return found


def random_cases(count: int) -> Iterator[tuple[str, int, int, Transcript]]:
    rng = random.Random(8)  # noqa: S311  (nothing secret)
    for _ in range(count):
        edges = sorted(rng.sample(range(100, 400, 20), 2 * rng.randrange(1, 5)))
        exons = tuple(zip(edges[::2], edges[1::2], strict=True))
        inside = [base for first, last in exons for base in range(first, last + 1)]
        at = rng.randrange(len(inside) - 8)
        coding = (inside[at], inside[rng.randrange(at + 7, len(inside))]) if rng.random() < 0.8 else None
        one = Transcript("T", "G", "protein_coding" if coding else "lncRNA", rng.choice("+-"), exons, coding)
        start, end = sorted(rng.choices(range(80, 420), k=2) if rng.random() < 0.6 else [*rng.choices(inside, k=2)])
        yield rng.choice(["DEL", "DUP", "INV", "CNV"]), start, end, one


def test_intervals_against_a_plain_reading_of_the_definitions() -> None:
    for kind, start, end, one in random_cases(4000):
        found = structural_effect(StructuralAllele(StructuralKind(kind), start, end), one)
        if end < one.start or start > one.end:
            assert found is None
            continue
        assert found is not None
        terms = {term for term in found.terms if not term.startswith("splice_")}
        assert terms == plain(kind, start, end, one), (kind, start, end, one)
        if kind in ("DUP", "CNV"):
            assert terms == set(found.terms)


@pytest.mark.parametrize("coding", [None, (8, 39)])
@pytest.mark.parametrize("strand", ["+", "-"])
def test_every_touched_transcript_has_a_term(strand: str, coding: tuple[int, int] | None) -> None:
    """Of two introns, the first one is too short to be spliced."""
    one = Transcript("T", "G", "protein_coding", strand, ((5, 10), (19, 24), (38, 42)), coding)
    for kind in StructuralKind:
        is_point = kind in (StructuralKind.INSERTION, StructuralKind.BREAKEND)
        for start in range(1, 46):
            for end in [start - 1] if is_point else range(start, 46):
                found = structural_effect(StructuralAllele(kind, start, end), one)
                assert (found is not None) == (start <= 42 and end >= 5)
                assert found is None or found.terms, (kind, start, end)


READ = {
    "END": ("A", "<DEL>", "SVTYPE=DEL;END=300", ("DEL", 101, 300)),
    "SVLEN": ("A", "<DEL>", "SVLEN=-200", ("DEL", 101, 300)),
    "positive SVLEN": ("A", "<DUP:TANDEM>", "SVLEN=200", ("DUP", 101, 300)),
    "END before SVLEN": ("A", "<DEL>", "SVLEN=-9;END=300", ("DEL", 101, 300)),
    "END at POS": ("A", "<DEL>", "SVLEN=-200;END=100", ("DEL", 101, 300)),
    "mobile element": ("A", "<DEL:ME:ALU>", "END=300", ("DEL", 101, 300)),
    "insertion": ("A", "<INS:ME:L1>", "SVLEN=6000;END=6100", ("INS", 101, 100)),
    "inversion": ("A", "<INV>", "END=300", ("INV", 101, 300)),
    "copies": ("A", "<CNV>", "END=300", ("CNV", 101, 300)),
    "no copy": ("A", "<CN0>", "END=300", ("DEL", 101, 300)),
    "two copies": ("A", "<CN=2>", "END=300", ("DUP", 101, 300)),
    "many copies": ("A", "<CN7>", "END=300", ("CNV", 101, 300)),
    "by SVTYPE": ("A", "<ID12>", "SVTYPE=INV;END=300", ("INV", 101, 300)),
    "complex": ("A", "<CPX>", "END=300", ("other", 101, 300)),
    "REF": ("ACGT", "<DEL>", "", ("DEL", 101, 103)),
    "nothing": ("A", "<DEL>", "SVLEN=.;END=.", ("DEL", 101, 101)),
    "sequence goes on to the left": ("A", "A[2:50[", "SVTYPE=BND;END=300", ("BND", 101, 100)),
    "sequence goes on to the right": ("A", "]2:50]A", "", ("BND", 100, 99)),
    "single, left": ("A", "AT.", "", ("BND", 101, 100)),
    "single, right": ("A", ".TA", "", ("BND", 100, 99)),
    "translocation": ("A", "<TRA>", "CHR2=2;END=300", ("BND", 101, 100)),
    "other contig": ("A", "<INV>", "SVTYPE=INV;CHR2=2;END=300", ("INV", 101, 100)),
    "own contig": ("A", "<DEL>", "CHR2=chr1;END=300", ("DEL", 101, 300)),
}


@pytest.mark.parametrize(("ref", "alt", "info", "expected"), READ.values(), ids=READ.keys())
def test_reading(ref: str, alt: str, info: str, expected: tuple[str, int, int]) -> None:
    found = parse("1", 100, ref, alt, 0, info, {"chr1": "1", "1": "1", "2": "2"}.get)
    assert found is not None
    assert (found.kind, found.start, found.end) == expected


def test_each_allele_has_its_own_length() -> None:
    found = [parse("1", 100, "A", "<DEL>", at, "SVLEN=-10,-20", {}.get) for at in (0, 1, 2)]
    assert [one and one.end for one in found] == [110, 120, 110]


@pytest.mark.parametrize("alt", ["ACG", "N", ".", "*"])
def test_what_is_not_structural(alt: str) -> None:
    assert parse("1", 100, "A", alt, 0, "END=300", {}.get) is None


@pytest.mark.parametrize(
    ("alt", "info", "expected"),
    [
        ("<DEL>", "SVTYPE=DEL;END=9", False),
        ("<TRA>", "END=9", True),
        ("A[2:9[", "END=9", True),
        ("<INV>", "CHR2=2;END=9", True),
        ("<INV>", "CHR2=chr1;END=9", False),
        ("<INV>", "CHR2=elsewhere;END=9", True),
        ("<X>", "SVTYPE=BND;END=9", True),
    ],
)
def test_whose_end_is_elsewhere(alt: str, info: str, expected: bool) -> None:
    assert end_is_elsewhere("1", [alt], info, {"chr1": "1", "2": "2"}.get) is expected
