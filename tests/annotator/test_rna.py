"""Where in a transcript that codes for nothing a variant lies: csq only says that it does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.features import Features
from annotator.rna import Rna, of_row, row, worst

FORWARD = Rna("LNC", "1", "+", ((101, 200), (301, 400), (501, 600)))
REVERSE = Rna("LNC", "1", "-", FORWARD.exons)

GFF3 = """\
##gff-version 3
1\tx\tncRNA_gene\t101\t600\t.\t+\t.\tID=gene:G1;Name=LNC;biotype=lncRNA
1\tx\tlnc_RNA\t101\t600\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;biotype=lncRNA
1\tx\texon\t101\t200\t.\t+\t.\tParent=transcript:T1
1\tx\texon\t301\t400\t.\t+\t.\tParent=transcript:T1
1\tx\texon\t501\t600\t.\t+\t.\tParent=transcript:T1
1\tx\tgene\t1001\t2000\t.\t-\t.\tID=gene:G2;Name=CODES;biotype=protein_coding
1\tx\tmRNA\t1001\t2000\t.\t-\t.\tID=transcript:T2;Parent=gene:G2;biotype=protein_coding
1\tx\texon\t1001\t1300\t.\t-\t.\tParent=transcript:T2
1\tx\texon\t1701\t2000\t.\t-\t.\tParent=transcript:T2
1\tx\tCDS\t1001\t1300\t.\t-\t0\tID=CDS:P2;Parent=transcript:T2
1\tx\tCDS\t1701\t2000\t.\t-\t0\tID=CDS:P2;Parent=transcript:T2
1\tx\ttranscript\t1001\t1500\t.\t-\t.\tID=transcript:T3;Parent=gene:G2;biotype=retained_intron
1\tx\texon\t1001\t1500\t.\t-\t.\tParent=transcript:T3
2\tx\tncRNA_gene\t11\t90\t.\t+\t.\tID=gene:G4;Name=TRNA;biotype=tRNA
2\tx\ttRNA\t11\t90\t.\t+\t.\tID=transcript:T4;Parent=gene:G4;biotype=tRNA
"""


@pytest.mark.parametrize(
    ("start", "end", "forward", "reverse"),
    [
        (100, 100, "", ""),
        (101, 101, "non_coding", "non_coding"),  # where it begins there is nothing to splice
        (197, 197, "non_coding", "non_coding"),
        (198, 198, "splice_region", "splice_region"),
        (200, 200, "splice_region", "splice_region"),
        (201, 202, "splice_donor", "splice_acceptor"),
        (203, 203, "splice_region", "splice_region"),
        (208, 208, "splice_region", "splice_region"),
        (209, 209, "intron", "intron"),
        (292, 292, "intron", "intron"),
        (293, 293, "splice_region", "splice_region"),
        (299, 300, "splice_acceptor", "splice_donor"),
        (301, 303, "splice_region", "splice_region"),
        (304, 304, "non_coding", "non_coding"),
        (210, 320, "splice_acceptor", "splice_donor"),  # a deletion over the whole end of an intron
        (190, 310, "splice_acceptor", "splice_acceptor"),  # over all of it: the graver of both sites
        (600, 600, "non_coding", "non_coding"),
        (601, 601, "", ""),
    ],
)
def test_a_place_in_a_transcript(start: int, end: int, forward: str, reverse: str) -> None:
    assert (FORWARD.word(start, end), REVERSE.word(start, end)) == (forward, reverse)


def test_of_several_transcripts_the_gravest_counts_and_those_of_the_gene_alone() -> None:
    short = Rna("LNC", "1", "+", ((101, 600),))
    other = Rna("OTHER", "1", "+", ((240, 250), (253, 600)))
    assert worst([FORWARD, short], "LNC", 250, 250) == "non_coding"
    assert worst([FORWARD, other], "LNC", 251, 251) == "intron"
    assert worst([], "LNC", 251, 251) == ""


def whole(path: Path) -> Features:
    return Features(path)


def sliced(path: Path) -> Features:
    """By way of the rows that an installed pack has."""
    found = Features(path)
    rows = [row(one) for one in found._rnas if one.contig == "1"]
    return Features.of_table("1", rows)


@pytest.mark.parametrize("read", [whole, sliced])
def test_they_are_read_from_a_gff3_and_from_a_packs_table(read: Callable[[Path], Features], tmp_path: Path) -> None:
    path = tmp_path / "genes.gff3"
    path.write_text(GFF3)
    features = read(path)
    assert features.in_rna("1", "LNC", 250, 250) == "intron"
    assert features.in_rna("1", "CODES", 1400, 1400) == "non_coding"  # the one transcript that codes for nothing
    assert features.in_rna("1", "CODES", 1600, 1600) == ""  # an intron of the other one, which csq knows
    if read is whole:
        assert features.in_rna("2", "TRNA", 40, 40) == "non_coding"  # without exons, it is one


def test_a_row_says_all_of_it() -> None:
    kind, _, _, strand, rest = row(REVERSE).split("\t", 4)
    assert (kind, of_row("1", strand, rest)) == ("RNA", REVERSE)
