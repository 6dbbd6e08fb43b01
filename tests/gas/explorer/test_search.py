"""What the search box leads to."""

import pytest

from gas.explorer import query, search
from gas.explorer.keys import VariantKey
from tests.support.annotated_vcf import Allele
from tests.support.explored import Explored


@pytest.fixture(scope="module")
def one(explored: Explored) -> Allele:
    """A variant of bases with all kinds of descriptions."""
    return next(one for one in explored.alleles if all(one.hgvs) and one.contig == "chr1" and one.alt.isalpha())


def test_a_variant_is_found_however_it_is_written(explored: Explored, one: Allele) -> None:
    wanted = VariantKey(one.contig, one.pos, one.ref, one.alt)
    genomic, coding, protein = one.hgvs
    texts = [
        f"chr1-{one.pos}-{one.ref}-{one.alt}",
        f"1-{one.pos}-{one.ref.lower()}-{one.alt}",
        f"chr1:{one.pos} {one.ref}>{one.alt}",
        f" chr1:{one.pos}:{one.ref}:{one.alt} ",
        f"chr1:{genomic}",
    ]
    for text in texts:
        assert wanted in search.find(explored.database, text).variants, text
    assert coding
    assert protein


def test_what_is_no_variant_becomes_a_filter_or_a_sentence(explored: Explored) -> None:
    database = explored.database
    assert search.find(database, "alpha").parameters == [("gene", "ALPHA")]
    assert search.find(database, "7:1-600").parameters == [("region", "7:1-600")]
    assert search.find(database, "LHON").parameters == [("q", "LHON")]
    absent = search.find(database, "chr1-1-A-T")
    assert (absent.kind, absent.sentence) == (search.Kind.NOTHING, "This result does not have chr1-1-A-T.")
    assert "p.Nowhere1X" in search.find(database, "ALPHA:p.Nowhere1X").sentence
    assert search.find(database, " ").kind == search.Kind.NOTHING


def test_a_variant_has_all_its_transcripts(explored: Explored) -> None:
    both = next(one for one in explored.alleles if len(one.genes) == 2 and one.alt)
    (variant, *_) = query.variants(explored.database, VariantKey("1", both.pos, both.ref, both.alt))
    assert [one["gene"] for one in variant.transcripts] == both.genes
    assert {term for one in variant.transcripts for term in (one["terms"] or "").split("&")} == both.terms
    assert variant.row["qual"] == both.qual
