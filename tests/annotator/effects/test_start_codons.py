"""A start is lost only where there is one: gene models whose first codon is no start codon of their genetic code."""

from pathlib import Path

import pytest

from annotator.effects.allele import shortest
from annotator.effects.effect import Effect, effect
from annotator.effects.transcript import Transcript
from annotator.formats.fasta import reverse_complement
from annotator.run.annotate import annotate
from tests.annotator.packs import make_pack

SIZE = 60


def contig(first: str) -> str:
    """Return 20 bases of UTR, a coding sequence of 9 codons from base 21 to 47, and UTR."""
    return "GATCCGATCCGATCCGATCC" + first + "GCTGATAAACCCGGGTTTGAC" + "TAA" + "GATCCGATCCGAT"


def effect_of(first: str, pos: int, ref: str, alt: str, *, strand: str = "+") -> Effect:
    """Tell what a change of the forward strand's text does; on the reverse strand all of it is turned round."""
    bases = contig(first)
    assert bases[pos - 1 : pos - 1 + len(ref)] == ref
    span = 21, 47
    if strand == "-":
        bases, ref, alt = map(reverse_complement, (bases, ref, alt))
        pos, span = SIZE + 2 - pos - len(ref), (SIZE + 1 - 47, SIZE + 1 - 21)
    model = Transcript("T.1", "G", "protein_coding", strand, ((1, SIZE),), span)
    found = effect(shortest(pos, ref, alt), model, lambda start, end: bases[max(start, 1) - 1 : end])
    assert found is not None
    return found


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize(
    ("first", "pos", "ref", "alt", "terms", "hgvs_p"),
    [
        ("CTG", 22, "T", "C", {"missense_variant"}, "p.Leu1Pro"),
        ("CTG", 21, "C", "T", {"synonymous_variant"}, "p.Leu1="),
        ("CTG", 21, "C", "A", {"missense_variant"}, "p.Leu1Met"),
        ("CTG", 22, "T", "", {"frameshift_variant"}, "p.Leu1ArgfsTer?"),
        ("CTG", 19, "CCC", "", {"coding_sequence_variant", "5_prime_UTR_variant"}, ""),
        ("ATG", 22, "T", "C", {"start_lost"}, "p.Met1?"),
        ("ATG", 19, "CCA", "", {"start_lost", "5_prime_UTR_variant"}, "p.Met1?"),
    ],
)
def test_changes_in_bases(first: str, pos: int, ref: str, alt: str, terms: set[str], hgvs_p: str, strand: str) -> None:
    found = effect_of(first, pos, ref, alt, strand=strand)

    assert (set(found.terms), found.hgvs_p) == (terms, hgvs_p)


@pytest.mark.parametrize(("first", "term"), [("CTG", "feature_truncation"), ("ATG", "start_lost")])
def test_a_symbolic_deletion(tmp_path: Path, first: str, term: str) -> None:
    rows = (
        "gene\t1\t60\t.\t+\t.\tID=gene:G;Name=G;biotype=protein_coding",
        "mRNA\t1\t60\t.\t+\t.\tID=transcript:T;Parent=gene:G;biotype=protein_coding",
        "exon\t1\t60\t.\t+\t.\tParent=transcript:T",
        "CDS\t21\t47\t.\t+\t0\tParent=transcript:T",
    )
    reference = make_pack(tmp_path, {"1": contig(first)}, genes="".join(f"1\tt\t{row}\n" for row in rows))
    source = tmp_path / "in.vcf"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    source.write_text(f"##fileformat=VCFv4.2\n{columns}\n1\t9\t.\tC\t<DEL>\t.\t.\tEND=25\n")
    (tmp_path / "out").mkdir()

    (row,) = annotate(source, tmp_path / "out", reference=reference).preview

    assert row["consequence"] == term
