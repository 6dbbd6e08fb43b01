"""Where on a transcript a change lies, and what its codons are, on a gene that is written out."""

from annotator.effects.allele import Change
from annotator.effects.effect import Effect, effect
from annotator.effects.transcript import Transcript

#: Two exons, 1-12 and 43-57: ATG AAA GCT CGT | TTA GGG TAA, and six bases of UTR.
GENOME = "ATGAAAGCTCGT" + "GT" + "C" * 26 + "AG" + "TTAGGGTAACCCCCC"
TRANSCRIPT = Transcript("T.1", "G", "protein_coding", "+", ((1, 12), (43, 57)), (1, 51))


def on(change: Change, transcript: Transcript = TRANSCRIPT) -> Effect:
    found = effect(change, transcript, lambda start, end: GENOME[start - 1 : end])
    assert found is not None
    return found


def test_a_substitution() -> None:
    found = on(Change(5, "A", "T"))

    assert (found.terms, found.impact) == (("missense_variant",), "MODERATE")
    assert (found.hgvs_c, found.hgvs_p) == ("c.5A>T", "p.Lys2Ile")
    assert (found.codons, found.amino_acids) == ("aAa/aTa", "K/I")
    assert (found.exon, found.intron) == ("1/2", "")
    assert (found.cdna, found.cds, found.protein) == ((5, 5), (5, 5), (2, 2))


def test_an_intron() -> None:
    found = on(Change(25, "C", "G"))

    assert (found.terms, found.hgvs_c) == (("intron_variant",), "c.12+13C>G")
    assert (found.exon, found.intron, found.cdna) == ("", "1/1", None)


def test_an_insertion_at_the_edge_of_an_exon_belongs_to_it() -> None:
    assert on(Change(43, "", "A")).exon == "2/2"
    assert on(Change(13, "", "A")).exon == "1/2"


def test_a_deletion_of_the_transcript() -> None:
    assert on(Change(1, GENOME, "")).terms == ("transcript_ablation",)


def test_a_coding_sequence_without_a_stop_codon_has_none_to_lose() -> None:
    """Polyadenylation completes stop codons of mitochondria, not of a gene whose model ends early."""
    bases = "ATGAAAGCTT"
    for code, known in ((1, True), (2, False)):
        partial = Transcript("T.1", "G", "protein_coding", "+", ((1, 10),), (1, 10), end_known=known, genetic_code=code)
        found = effect(Change(9, "T", ""), partial, lambda start, end: bases[start - 1 : end])
        assert found is not None
        assert "stop_lost" not in found.terms
