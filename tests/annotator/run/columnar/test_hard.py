"""Files that are hard for blocks come out as they do one by one, and none of them hangs."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.reference.pack import Reference
from annotator.run import splitter
from annotator.run.annotate import annotate
from annotator.run.columnar import plain
from annotator.run.options import Limits
from tests.annotator.packs import make_pack

SIZE = 60_000
ROW = "1\tmade\t{}\t{}\t{}\t.\t+\t{}\t{}\n"
#: A gene with a long intron, and one without rows of exons whose transcript is wider than what codes.
GENES = (
    ROW.format("gene", 10_000, 30_299, ".", "ID=gene:g;Name=g;biotype=protein_coding")
    + ROW.format("mRNA", 10_000, 30_299, ".", "ID=transcript:gT;Parent=gene:g;biotype=protein_coding")
    + "".join(
        ROW.format("exon", start, start + 299, ".", "Parent=transcript:gT")
        + ROW.format("CDS", start, start + 299, "0", "ID=CDS:g;Parent=transcript:gT")
        for start in (10_000, 30_000)
    )
    + ROW.format("gene", 40_000, 50_000, ".", "ID=gene:h;Name=h;biotype=protein_coding")
    + ROW.format("mRNA", 40_000, 50_000, ".", "ID=transcript:hT;Parent=gene:h;biotype=protein_coding")
    + ROW.format("CDS", 41_000, 41_299, "0", "ID=CDS:h;Parent=transcript:hT")
)
HEADER = (
    f"##fileformat=VCFv4.2\n##contig=<ID=1,length={SIZE}>\n"
    '##INFO=<ID=S,Number=1,Type=String,Description="Anything">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    '##FORMAT=<ID=BCSQ,Number=.,Type=Integer,Description="Of bcftools csq">\n'
)
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
OTHER = {"A": "C", "C": "A", "G": "T", "T": "G"}
Annotate = Callable[[str], tuple[bytes, bytes]]


@pytest.fixture(scope="module")
def bases() -> str:
    made = random.Random(1).choices("ACGT", k=SIZE)  # noqa: S311  (nothing secret)
    made[20_000:20_300] = "A" * 300
    return "".join(made)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, bases: str) -> Reference:
    return make_pack(tmp_path_factory.mktemp("packs"), {"1": bases}, genes=GENES)


@pytest.fixture
def both_ways(reference: Reference, tmp_path: Path) -> Annotate:
    """Annotates a file one by one and in blocks; a hang ends with the time limit."""

    def annotated(text: str) -> tuple[bytes, bytes]:
        source = tmp_path / "in.vcf"
        source.write_text(text)
        found = []
        for blocks in (False, True):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(splitter, "HEAD", 2000 if blocks else 10**9)
                patch.setattr(splitter, "HEAD_IN_COLUMNS", 2000 if blocks else 10**9)
                patch.setattr(splitter, "PREVIEW", 0)
                patch.setattr(splitter, "SIZE", 100_000)
                patch.setattr(plain, "LEAST", 0)
                annotate(source, tmp_path, reference=reference, limits=Limits(seconds=60))
            found.append(gzip.decompress((tmp_path / "annot.vcf.gz").read_bytes()))
        return found[0], found[1]

    return annotated


def snv(bases: str, pos: int, tail: str = "") -> str:
    base = bases[pos - 1]
    return f"1\t{pos}\t.\t{base}\t{OTHER[base]}\t.\t.\tS=x{tail}\n"


def test_a_change_of_length_in_an_intron_says_nothing_of_others(both_ways: Annotate, bases: str) -> None:
    """They are described one by one, next to others of the same stretch."""
    lines = [snv(bases, pos) for pos in range(1, 9000, 9)]
    for pos in range(12_000, 19_000, 7):
        if pos % 5 == 0:
            ref = bases[pos - 1 : pos + 1 + pos % 9]
            alt = OTHER[ref[0]] + "AA" * (pos % 4) + OTHER[ref[-1]]
            lines.append(f"1\t{pos}\t.\t{ref}\t{alt}\t.\t.\tS=x\n")
        else:
            lines.append(snv(bases, pos))
    one_by_one, in_blocks = both_ways(HEADER + COLUMNS + "\n" + "".join(lines))
    assert b"delins" in one_by_one
    assert in_blocks == one_by_one


def test_outside_of_its_exons_nothing_is_numbered_on_a_transcript(both_ways: Annotate, bases: str) -> None:
    lines = [snv(bases, pos) for pos in (*range(1, 9000, 9), *range(40_100, 49_900, 5))]
    one_by_one, in_blocks = both_ways(HEADER + COLUMNS + "\n" + "".join(lines))
    assert b"hT:c." in one_by_one
    assert in_blocks == one_by_one


def test_annotations_of_another_program_get_another_name_in_all_records(both_ways: Annotate, bases: str) -> None:
    lines = [snv(bases, pos).replace("S=x", "CSQ=a|b,c|d;S=x;ANN=e") for pos in range(1, 30_000, 7)]
    one_by_one, in_blocks = both_ways(HEADER + COLUMNS + "\n" + "".join(lines))
    assert in_blocks.count(b"\tORIGINAL_CSQ=a|b,c|d;S=x;ORIGINAL_ANN=e;CSQ=") == len(lines)
    assert in_blocks == one_by_one


@pytest.mark.parametrize(("records", "size"), [(700, 12_000), (8, 1_300_000)])
def test_what_has_one_position_does_not_wait_for_itself(
    both_ways: Annotate, bases: str, records: int, size: int
) -> None:
    """Many records, and long ones, go through."""
    lines = [snv(bases, pos) for pos in range(1, 9000, 9)]
    lines += [snv(bases, 15_000).replace("S=x", f"S={'x' * size}") for _ in range(records)]
    lines.append(snv(bases, 15_001))
    one_by_one, in_blocks = both_ways(HEADER + COLUMNS + "\n" + "".join(lines))
    assert in_blocks == one_by_one
    assert one_by_one.count(b"\n1\t15000\t") == records


def test_what_has_one_normal_form_does_not_wait_for_itself_either(both_ways: Annotate, bases: str) -> None:
    lines = [snv(bases, pos) for pos in range(1, 9000, 9)]
    text = "x" * 40_000
    lines += [f"1\t{pos}\t.\tAA\tA\t.\t.\tS={text}\n" for pos in range(20_005, 20_285)]
    lines.append(snv(bases, 21_000))
    one_by_one, in_blocks = both_ways(HEADER + COLUMNS + "\n" + "".join(lines))
    assert in_blocks == one_by_one
    assert one_by_one.count(b"GAS_HGVSG=g.20300del") == 280
