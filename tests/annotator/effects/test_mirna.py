"""Changes in the hairpin of a microRNA: in a mature product or next to one, on both strands."""

from dataclasses import replace

import pytest

from annotator.effects.allele import Change
from annotator.effects.effect import Effect, effect
from annotator.effects.structural import structural_effect
from annotator.effects.structural_alleles import StructuralAllele, StructuralKind
from annotator.effects.transcript import Transcript
from annotator.formats.fasta import reverse_complement
from tests.annotator.effects import plain
from tests.support.random_genes import bases_of

#: Without repeats, so that each change here has one place only.
CONTIG = "ACTGATCGTACTCAGTCTAGCATGCACGATGTCATCGCTGATGAGCTACTGCAGATACGTCACTAGTCGATCACGTAGCTCAGATGACTGCTAGATCG"
#: The hairpin takes bases 21 to 80, its products 26 to 47 and 56 to 77.
FORWARD = Transcript("T.1", "MIR1", "miRNA", "+", ((21, 80),), mature=((26, 47), (56, 77)))
SIZE = len(CONTIG)
REVERSE = replace(
    FORWARD, strand="-", exons=((SIZE - 79, SIZE - 20),), mature=((SIZE - 76, SIZE - 55), (SIZE - 46, SIZE - 25))
)
HAIRPIN, MATURE = "non_coding_transcript_exon_variant", "mature_miRNA_variant"


def both(change: Change) -> list[Effect | None]:
    """Return the effect of a change on the forward strand, and of the mirrored one on the reverse strand."""
    mirrored = Change(SIZE + 1 - change.end, reverse_complement(change.ref), reverse_complement(change.alt))
    return [
        effect(change, FORWARD, bases_of(CONTIG)),
        effect(mirrored, REVERSE, bases_of(reverse_complement(CONTIG))),
    ]


def replacing(first: int, last: int, alt: str) -> Change:
    return Change(first, CONTIG[first - 1 : last], alt)


@pytest.mark.parametrize(
    ("first", "last", "alt", "term"),
    [
        (25, 25, "T", HAIRPIN),
        (26, 26, "T", MATURE),
        (47, 47, "T", MATURE),
        (48, 48, "G", HAIRPIN),
        (55, 55, "T", HAIRPIN),
        (77, 77, "C", MATURE),
        # Over an edge of a product, of both products, and between them.
        (47, 48, "TG", MATURE),
        (45, 50, "", MATURE),
        (40, 60, "", MATURE),
        (49, 54, "", HAIRPIN),
        # Inserted between a product's last two bases, and after its last base.
        (47, 46, "G", MATURE),
        (48, 47, "G", HAIRPIN),
        # Over an end of the hairpin.
        (15, 27, "", MATURE),
        (15, 24, "", HAIRPIN),
        (10, 90, "", "transcript_ablation"),
    ],
)
def test_a_mature_product_comes_before_the_rest_of_the_hairpin(first: int, last: int, alt: str, term: str) -> None:
    change = replacing(first, last, alt)
    assert [found and found.terms for found in both(change)] == [(term,), (term,)]
    if first > 21 and last < 80:
        gene = plain.Gene("+", FORWARD.exons, None, 1, FORWARD.mature)
        assert plain.Transcript(gene, CONTIG).effect(change.pos, change.ref, change.alt) == ({term}, "")


def test_the_rest_of_the_effect_is_that_of_any_non_coding_transcript() -> None:
    found = effect(replacing(26, 26, "T"), FORWARD, bases_of(CONTIG))
    assert found is not None
    assert (found.impact, found.hgvs_c, found.exon, found.cdna, found.cds) == (
        "MODIFIER",
        "n.6A>T",
        "1/1",
        (6, 6),
        None,
    )


@pytest.mark.parametrize(
    ("kind", "first", "last", "terms"),
    [
        (StructuralKind.DELETION, 30, 60, ("feature_truncation", MATURE)),
        (StructuralKind.DELETION, 48, 55, ("feature_truncation", HAIRPIN)),
        (StructuralKind.INSERTION, 31, 30, ("feature_elongation", MATURE)),
        (StructuralKind.INSERTION, 48, 47, ("feature_elongation", HAIRPIN)),
        (StructuralKind.INVERSION, 47, 55, (MATURE,)),
    ],
)
def test_structural_alleles_touch_products_by_overlap(
    kind: StructuralKind, first: int, last: int, terms: tuple[str, ...]
) -> None:
    found = structural_effect(StructuralAllele(kind, first, last), FORWARD)
    mirrored = structural_effect(StructuralAllele(kind, SIZE + 1 - last, SIZE + 1 - first), REVERSE)
    assert found is not None
    assert mirrored is not None
    assert (found.terms, mirrored.terms) == (terms, terms)
