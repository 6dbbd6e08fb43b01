"""What lies outside of genes is told apart as VEP and SnpEff do: upstream, downstream, or between them."""

from pathlib import Path

import pytest

from annotator.features import NEARBY, Features

GFF3 = """\
##gff-version 3
1\tx\tgene\t20001\t21000\t.\t+\t.\tID=gene:A;Name=A;biotype=protein_coding
1\tx\tgene\t50001\t51000\t.\t-\t.\tID=gene:B;Name=B;biotype=protein_coding
1\tx\tgene\t54001\t55000\t.\t-\t.\tID=gene:C;Name=C;biotype=protein_coding
2\tx\tgene\t101\t200\t.\t+\t.\tID=gene:D;Name=D;biotype=protein_coding
"""


@pytest.fixture
def features(tmp_path: Path) -> Features:
    path = tmp_path / "genes.gff3"
    path.write_text(GFF3)
    return Features(path)


@pytest.mark.parametrize(
    ("contig", "start", "end", "place"),
    [
        ("1", 20_000, 20_000, "upstream"),
        ("1", 20_001 - NEARBY, 20_001 - NEARBY, "upstream"),
        ("1", 20_000 - NEARBY, 20_000 - NEARBY, "intergenic"),
        ("1", 19_990 - NEARBY, 20_001 - NEARBY, "upstream"),  # its last base is near
        ("1", 21_001, 21_001, "downstream"),
        ("1", 21_000 + NEARBY, 21_000 + NEARBY, "downstream"),
        ("1", 21_001 + NEARBY, 21_001 + NEARBY, "intergenic"),
        ("1", 50_000, 50_000, "downstream"),  # the reverse strand's end
        ("1", 53_000, 53_000, "upstream"),  # of B, and downstream of C: the graver one
        ("1", 60_000, 60_000, "upstream"),
        ("1", 60_001, 60_001, "intergenic"),
        ("2", 50, 50, "upstream"),
        ("3", 50, 50, "intergenic"),
    ],
)
def test_a_place_outside_of_genes(features: Features, contig: str, start: int, end: int, place: str) -> None:
    assert features.beside(contig, start, end) == place
