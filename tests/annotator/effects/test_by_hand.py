"""Changes whose right answer follows from the definitions by hand, each on both strands.

A text shows a transcript in its own direction: exons in upper case, introns in lower case, the coding sequence in
braces, and the change in brackets as REF>ALT. The plain implementation says the same where it can be asked.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from annotator.effects.allele import Change, shortest
from annotator.effects.effect import Effect, effect
from annotator.effects.transcript import Transcript
from tests.annotator.effects import plain
from tests.support.random_genes import left_aligned

FLANK = "CATTACGCATTCAGGCATTA"
#: The last part of an intron, its polypyrimidine tract and acceptor site.
TRACT = "tcttttctctttcctcccag"
INTRON = f"gtaagtccatcgataccaatcgat{TRACT}"
MITOCHONDRIAL = {"genetic_code": 2}


@dataclass(frozen=True)
class Drawn:
    """A transcript and a change on a contig; exons and coding as in Transcript."""

    contig: str
    exons: tuple[tuple[int, int], ...]
    coding: tuple[int, int] | None
    change: Change
    strand: str = "+"

    @property
    def mirrored(self) -> "Drawn":
        """The same on the reverse strand."""
        after = len(self.contig) + 1
        contig, ref, alt = (
            "".join(plain.PAIRS[letter] for letter in reversed(text))
            for text in (self.contig, self.change.ref, self.change.alt)
        )
        change = left_aligned(Change(after - self.change.end, ref, alt), contig)
        exons = tuple((after - last, after - first) for first, last in reversed(self.exons))
        coding = (after - self.coding[1], after - self.coding[0]) if self.coding else None
        return Drawn(contig, exons, coding, change, "-")

    def effect(self, model: dict[str, Any]) -> Effect | None:
        biotype = "protein_coding" if self.coding else "lncRNA"
        transcript = Transcript("T.1", "G", biotype, self.strand, self.exons, self.coding, **model)
        return effect(self.change, transcript, lambda start, end: self.contig[start - 1 : end])

    def plainly(self, code: int) -> tuple[set[str], str]:
        gene = plain.Gene(self.strand, self.exons, self.coding, code)
        change = self.change
        return plain.Transcript(gene, self.contig).effect(change.pos, change.ref, change.alt)


def drawn(text: str) -> Drawn:
    """Read a text; "intron" and "tract" in it stand for INTRON and TRACT."""
    text = FLANK + text.replace("intron", INTRON).replace("tract", TRACT).replace(" ", "") + FLANK
    before, change, after = text.replace("[", "]").split("]")
    ref, alt = change.split(">")
    letters = before + ref + after
    bases = letters.replace("{", "").replace("}", "")
    exons: list[tuple[int, int]] = []
    for at in range(len(FLANK) + 1, len(bases) - len(FLANK) + 1):
        if bases[at - 1].isupper():
            exons = [*exons[:-1], (exons[-1][0], at)] if exons and exons[-1][1] == at - 1 else [*exons, (at, at)]
    coding = (letters.index("{") + 1, letters.index("}") - 1) if "{" in letters else None
    pos = len(before.replace("{", "")) - before.count("}") + 1
    written = shortest(pos, ref.replace("{", "").replace("}", "").upper(), alt.upper())
    return Drawn(bases.upper(), tuple(exons), coding, left_aligned(written, bases.upper()))


def check(text: str, terms: str, hgvs_p: str, model: dict[str, Any], *, asks_plain: bool = True) -> None:
    for one in (drawn(text), drawn(text).mirrored):
        found = one.effect(model)
        assert found is not None
        assert ("&".join(found.terms), found.hgvs_p) == (terms, hgvs_p)
        if asks_plain:
            assert one.plainly(model.get("genetic_code", 1)) == (set(terms.split("&")), hgvs_p)


@pytest.mark.parametrize(
    ("text", "terms", "hgvs_p"),
    [
        # The new frame goes on in the 3' UTR, over an intron, and in a codon that an intron splits.
        ("GGC{ATGGCTAAAC[A>]GGTTTGA}CCA intron GTAGTAACC", "frameshift_variant", "p.Gln4ArgfsTer5"),
        ("GGC{ATGGCTAAACAG[G>]TTTGA}CCATC intron AAACC", "frameshift_variant", "p.Val5PhefsTer?"),
        ("GGC{ATGGCTAAA[T>C]GA}CCATC intron ATAACC", "stop_lost", "p.Ter4ArgextTer3"),
        ("GGC{ATGGCTAAA[T>C]GA}CCATCG", "stop_lost", "p.Ter4ArgextTer?"),
        # The stop codon.
        ("GGC{ATGGCTAAA[TGA>]}CCATCTAACC", "stop_lost&inframe_deletion", "p.Ter4ProextTer?"),
        ("GGC{ATGGCTCAG[T>]AA}TGAGCATAACCG", "frameshift_variant&stop_lost", "p.Ter4AsnextTer?"),
        ("GGC{ATGGCTCAGT[A>]A}GCATAACCG", "stop_retained_variant", "p.Ter4="),
        ("GGC{ATGGCTAAATA[>G]A}CCATCG", "stop_retained_variant", "p.Ter4="),
        ("GGC{ATGGCTCAGT[>C]AA}GCATAACCG", "frameshift_variant&stop_lost", "p.Ter4SerextTer?"),
        ("GGC{ATGGCTCAGT[>CCC]AA}GCATAACCG", "stop_lost&protein_altering_variant", "p.Ter4SerextTer3"),
        ("GGC{ATGGCTCAGTA[>CTA]A}GCATAACCG", "inframe_insertion", "p.Gln3_Ter4insTyr"),
        ("GGC{ATGGCT[CAGTAA>]}GCATAACCG", "stop_lost&inframe_deletion", "p.Gln3AlafsTer2"),
        ("GGC{ATGGCTCA[GT>TC]AA}GCATAACCG", "stop_lost", "p.Gln3HisfsTer4"),
        ("GGC{ATGGCTCA[GTAA>CTAG]}GCATAACCG", "missense_variant&stop_retained_variant", "p.Gln3His"),
        ("GGC{ATGGCTAAAT intron [A>C]G}CATAACCG", "stop_lost&splice_region_variant", "p.Ter4SerextTer?"),
        # Over an end of the coding sequence.
        ("GGC{ATGGCTGAATA[G}C>CT]CATAACCG", "stop_lost&3_prime_UTR_variant", "p.Ter4TyrextTer2"),
        ("GGC{ATGGCTGA[ATAG}AGC>]CATAACCG", "stop_lost&3_prime_UTR_variant", "p.Glu3AspfsTer?"),
        ("GG[C{ATG>]GCTGAATAG}CATAACCG", "start_lost&5_prime_UTR_variant", "p.Met1?"),
        ("GG[C{A>GTA]TGGCTCAGTAA}GCATAACCG", "5_prime_UTR_variant", ""),
        ("GG[C{AT>GTC]GGCTCAGTAA}GCATAACCG", "start_lost&5_prime_UTR_variant", "p.Met1?"),
        # The start codon.
        ("GGC{A intron T[G>A]GCTGAATAG}CATAACCG", "start_lost&splice_region_variant", "p.Met1?"),
        ("GGC{AT[>T]GGCTGAATAG}CATAACCG", "frameshift_variant&start_lost", "p.Met1?"),
        ("GGC[>AA]{ATGGCTGAATAG}CATAACCG", "5_prime_UTR_variant", ""),
        ("GGC{[ATGGCT>ATGGCC]CAATAA}GCATAACCG", "synonymous_variant", "p.Ala2="),
        # A codon that an intron splits.
        ("GGC{ATGGCT[A>G] intron AATACTAG}CATAACCG", "missense_variant&splice_region_variant", "p.Lys3Glu"),
        ("GGC{ATGGCTA intron A[A>T]TACTAG}CATAACCG", "missense_variant&splice_region_variant", "p.Lys3Asn"),
        ("GGC{ATGGCTA[A>G] intron ATACTAG}CATAACCG", "missense_variant&splice_region_variant", "p.Lys3Arg"),
        # Insertions with a stop codon; residues that stand unchanged after it are not replaced.
        ("GGC{ATGGCT[>TAA]AAATACTAG}CATAACCG", "stop_gained&inframe_insertion", "p.Lys3Ter"),
        ("GGC{ATGGCT[>CGTTAACCC]AAATACTAG}CATAACCG", "stop_gained&inframe_insertion", "p.Ala2_Lys3insArgTer"),
        ("GGC{ATGGCTT[>GCTTGTTTTAGT]CCGTTTAA}GCATAACCG", "stop_gained&inframe_insertion",
         "p.Ala2_Ser3insCysLeuPheTer"),
        ("GGC{ATGGCTA[>TTTGACA]AATACTAG}CATAACCG", "stop_gained&frameshift_variant", "p.Lys3IlefsTer2"),
        ("GGC{ATGGCT[AAATAC>GGCTGACCTTAC]CCCTAG}CATAACCG", "stop_gained&protein_altering_variant",
         "p.Lys3delinsGlyTer"),
        ("GGC{ATGGCTC[>TTT]AGTACTAG}CATAACCG", "stop_gained&protein_altering_variant", "p.Gln3delinsLeuTer"),
        # Residues.
        ("GGC{ATGGCT[AAATAC>GGCCAC]CCCTAG}CATAACCG", "missense_variant", "p.Lys3_Tyr4delinsGlyHis"),
        ("GGC{ATGGCT[AAATAC>GGT]CCCTAG}CATAACCG", "protein_altering_variant", "p.Lys3_Tyr4delinsGly"),
        ("GGC{ATGGCT[AAAAAGTAC>AAGTAT]CCCTAG}CATAACCG", "protein_altering_variant", "p.Lys4del"),
        ("GGC{ATGGCTAAA[>AAG]TACCCCTAG}CATAACCG", "inframe_insertion", "p.Lys3dup"),
        ("GGC{ATGGCT[CAG>]CAACAGTACTAG}CATAACCG", "inframe_deletion", "p.Gln5del"),
        ("GGC{ATGGCTC[AGT>]ACTAG}CATAACCG", "inframe_deletion", "p.Gln3_Tyr4delinsHis"),
        ("GGC{ATGGCT[CAG>GTCTTC]TAA}GCATAACCG", "protein_altering_variant", "p.Gln3delinsValPhe"),
        # Splice sites: of replaced bases only those that differ count.
        ("GGC{ATGGCTAAAgt[aaga>tagt]cccgataccaatcgat tract CAGTAA}GC",
         "splice_donor_region_variant&intron_variant", ""),
        ("GGC{ATGGCTAAAgtaagt[ccatcg>gtatcc]ataccaatcgat tract CAGTAA}GC", "splice_region_variant&intron_variant", ""),
        ("GGC{ATGG[CTAAA>AGAAC] intron CAGTAA}GCATAACCG", "missense_variant&splice_region_variant",
         "p.Ala2_Lys3delinsGluAsn"),
        # Bases replaced by another number of bases, aligned so that the site stays whole, if they can be.
        ("GGC{ATGGCTA[AAgtaag>CCgt]tccatcgataccaatcgat tract CAGTAA}GC",
         "splice_donor_5th_base_variant&coding_sequence_variant&intron_variant", ""),
        ("GGC{ATGGCTAAA[gtaa>tatgtat]gtccatcgataccaatcgat tract CAGTAA}GC",
         "splice_donor_region_variant&intron_variant", ""),
        ("GGC{ATGGCTAAA gtaagtccatcgataccaatcgattcttttctctttcct[cccagC>agT]AGTAA}GC",
         "splice_region_variant&coding_sequence_variant&intron_variant", ""),
        ("GGC{ATGGCTAAA gtaagtccatcgataccaatcgattcttttctctttcct[cccagC>gtT]AGTAA}GC",
         "splice_acceptor_variant&coding_sequence_variant&intron_variant", ""),
        # Over the end of an intron: no polypyrimidine tract, also if bases in between stay.
        ("GGC{ATGGCTAAA gtaagtccatcgataccaatcgattcttttctcttt[cctcccagCAGTAGAC>acacgtacCAGTAGAG]TAA}GC",
         "splice_acceptor_variant&coding_sequence_variant&intron_variant", ""),
        # Insertions next to exons, into a site, and at both edges of the polypyrimidine tract.
        ("GGC{ATGGCTAAA[>CC]gtaagtccatcgataccaatcgat tract CAGTAA}GC", "frameshift_variant&splice_region_variant",
         "p.Gln4ProfsTer?"),
        ("GGC{ATGGCTAAA gtaagtccatcgataccaatcgat tract [>TT]CAGTAA}GC", "frameshift_variant&splice_region_variant",
         "p.Gln4PhefsTer?"),
        ("GGC{ATGGCTAAAg[>c]taagtccatcgataccaatcgat tract CAGTAA}GC", "splice_donor_variant", ""),
        ("GGC{ATGGCTAAA gtaagtccatcgataccaatcgatctc[>g]ttttctctttcctcccag CAGTAA}GC", "intron_variant", ""),
        ("GGC{ATGGCTAAA gtaagtccatcgataccaatcgattct[>g]tttctctttcctcccag CAGTAA}GC",
         "splice_polypyrimidine_tract_variant&intron_variant", ""),
        ("GGC{ATGGCTAAA gtaagtccatcgataccaatcgattcttttctctttcctccc[>g]ag CAGTAA}GC",
         "splice_region_variant&splice_polypyrimidine_tract_variant&intron_variant", ""),
        # No coding sequence.
        ("GGCATG[G>A]CTAA intron GCTGCTTAA", "non_coding_transcript_exon_variant", ""),
        ("GGCATGGCTAA gtaagtccatcga[t>c]accaatcgat tract GCTGCTTA", "intron_variant&non_coding_transcript_variant", ""),
    ],
)  # fmt: skip
def test_the_standard_code(text: str, terms: str, hgvs_p: str) -> None:
    check(text, terms, hgvs_p, {})


@pytest.mark.parametrize(
    ("text", "terms", "hgvs_p"),
    [
        ("GGC{ATGGCTTG[A>G]CAGTAA}GCATAACCG", "synonymous_variant", "p.Trp3="),
        ("GGC{ATGGCTTGACAGA[G>T]A}GCATAACCG", "stop_lost", "p.Ter5MetextTer2"),
        ("GGC{ATGGCTTGACAAAG[A>G]}GCATAACCG", "stop_retained_variant", "p.Ter5="),
        ("GGC{ATGGCTTGA[C>A]GATAA}GCATAACCG", "stop_gained", "p.Arg4Ter"),
        ("GGC{AT[T>C]GCTTGACAATAA}GCATAACCG", "start_retained_variant", "p.Met1="),
        ("GGC{[G>A]TGGCTTGACAATAA}GCATAACCG", "start_retained_variant", "p.Met1="),
        ("GGC{[A>C]TGGCTTGACAATAA}GCATAACCG", "start_lost", "p.Met1?"),
        ("GGC{A[T>G]AGCTTGACAATAA}GCATAACCG", "stop_gained&start_lost", "p.Met1?"),
        ("GGC{[ATG>TAG]GCTTGACAATAA}GCATAACCG", "stop_gained&start_lost", "p.Met1?"),
        ("GGC{A[T>]GGCTTGACAATAA}GCATAACCG", "frameshift_variant&start_lost", "p.Met1?"),
        ("GGC{ATGGCTAT[A>C]CAATAA}GCATAACCG", "missense_variant", "p.Met3Ile"),
        ("GGC{ATGGCTAT[A>]CAACAGATAA}GCATAACCG", "frameshift_variant", "p.Met3IlefsTer3"),
        ("GGC{ATGGCTTGA[CC>]AGACCAATAA}GCATAACCG", "frameshift_variant", "p.Pro4Ter"),
    ],
)
def test_the_code_of_mitochondria(text: str, terms: str, hgvs_p: str) -> None:
    check(text, terms, hgvs_p, MITOCHONDRIAL)


@pytest.mark.parametrize(
    ("text", "terms", "hgvs_p"),
    [
        ("GGC{ATGGCTTG[A>C]CAGTAA}GCATAACCG", "missense_variant", "p.Sec3Cys"),
        ("GGC{ATGGCTT[G>A]ACAGTAA}GCATAACCG", "stop_gained", "p.Sec3Ter"),
        ("GGC{ATGGCT[TGA>]CAGTAA}GCATAACCG", "inframe_deletion", "p.Sec3del"),
        # Duplications of its codon and of codons next to it.
        ("GGC{ATGGCT[>TGA]TGACAGTAA}GCATAACCG", "inframe_insertion", "p.Sec3dup"),
        ("GGC{ATGGCTTGA[>GCTTGA]CAGTAA}GCATAACCG", "inframe_insertion", "p.Ala2_Sec3dup"),
        ("GGC{ATGGCTTGA[>CAG]CAGTAA}GCATAACCG", "inframe_insertion", "p.Gln4dup"),
        ("GGC{ATGGCTTGA intron [>GCTTGA]CAGTAA}GCATAACCG", "inframe_insertion&splice_region_variant", "p.Ala2_Sec3dup"),
        # A new TGA is a stop.
        ("GGC{ATGGCTTGA[>TGACAG]CAGTAA}GCATAACCG", "stop_gained&inframe_insertion", "p.Gln4Ter"),
        ("GGC{ATGGCTTG[G>A]TGACAGTAA}GCATAACCG", "stop_gained", "p.Trp3Ter"),
        # A change that can be placed in its codon, and leaves the codon whole.
        ("GGC{ATGGCTTGA[>CGA]CAGTAA}GCATAACCG", "inframe_insertion", "p.Sec3_Gln4insArg"),
        ("GGC{ATGGCTTGA[CGA>]CAGTAA}GCATAACCG", "inframe_deletion", "p.Arg4del"),
        ("GGC{ATGGCTTGA[>GA]CAGTAA}GCATAACCG", "frameshift_variant", "p.Gln4AspfsTer?"),
        # A change on both sides of its codon.
        ("GGC{ATG[GCTTGACAG>GTTTGAAAG]TAA}GCATAACCG", "missense_variant", "p.Ala2_Gln4delinsValSecLys"),
        ("GGC{ATG[GCTTGATAA>GTTTGACAA]}GCATAACCG", "stop_lost", "p.Ala2ValfsTer5"),
    ],
)
def test_selenocysteine(text: str, terms: str, hgvs_p: str) -> None:
    check(text, terms, hgvs_p, {})


@pytest.mark.parametrize(
    ("text", "model", "terms", "hgvs_p"),
    [
        # Coding sequences that begin before the transcript.
        ("{G[G>T]CTAAACAGTAA}GCATAACCG", {"phase": 1, "start_known": False}, "missense_variant", "p.Ala2Ser"),
        ("{GCGCT[A>T]AACAGTAA}GCATAACCG", {"phase": 2, "start_known": False}, "stop_gained", "p.Lys3Ter"),
        ("{G[C>T]GCTAAACAGTAA}GCATAACCG", {"phase": 2, "start_known": False}, "coding_sequence_variant", ""),
        ("{G[>AAC]GCTAAACAGTAA}GCATAACCG", {"phase": 1, "start_known": False}, "inframe_insertion", ""),
        ("{G[>TTT]CGCTAAACAGTAA}GCATAACCG", {"phase": 2, "start_known": False},
         "inframe_insertion&coding_sequence_variant", ""),
        ("{GGCT[A>]AACAGTAA}GCATAACCG", {"phase": 1, "start_known": False}, "frameshift_variant", "p.Lys3AsnfsTer?"),
        ("{GGCTAAACAGTA[A>T]}GCATAACCG", {"phase": 1, "start_known": False}, "stop_lost", "p.Ter5TyrextTer2"),
        # Coding sequences that go on after the transcript.
        ("GGC{ATGGCTAAA[C>]AGGTCA}", {"end_known": False}, "frameshift_variant", "p.Gln4ArgfsTer?"),
        ("GGC{ATGGCTAAACA[A>]ACT}", {"end_known": False}, "frameshift_variant", ""),
        ("GGC{ATGGCTGA[A>]G}", {"end_known": False}, "frameshift_variant", ""),
        ("GGC{ATGGCTAAACA[GG>CA]T}", {"end_known": False},
         "missense_variant&incomplete_terminal_codon_variant", ""),
        ("GGC{ATGGCTAAACAG[G>A]T}", {"end_known": False},
         "incomplete_terminal_codon_variant&coding_sequence_variant", ""),
        # A gap of two bases between exons.
        ("GGC{ATGGCTA[AAtaGCT>]GCTTAA}GCATAACCG", {}, "frameshift_variant", "p.Lys3SerfsTer?"),
        ("GGC{ATGGCC[AAAtaGCA>]CTTTAA}GCATAACCG", {}, "inframe_deletion", "p.Lys3_Ala4del"),
        ("GGC{AT[GGCTAAAtaG>]CTGCTTAA}GCATAACCG", {}, "frameshift_variant&start_lost", "p.Met1?"),
        ("GGC{ATGGCTAAA[t>c]aGCTGCTTAA}GCATAACCG", {}, "coding_sequence_variant", ""),
    ],
)  # fmt: skip
def test_models_of_other_kinds(text: str, model: dict[str, Any], terms: str, hgvs_p: str) -> None:
    check(text, terms, hgvs_p, model, asks_plain=False)


@pytest.mark.parametrize(
    ("text", "terms", "hgvs_p"),
    [
        # Without its stop codon, the next codon is a stop. The 3' UTR is touched if the deletion is placed there.
        ("GGC{ATGGCTCAG[TAA>]}TGAGCATAACCG", "stop_retained_variant", "p.Ter4="),
        ("GGC{ATGGCTCAGT[AA}>]AGGCATAACCG", "stop_retained_variant", "p.Ter4="),
    ],
)
def test_another_stop_codon_takes_the_place_of_the_first(text: str, terms: str, hgvs_p: str) -> None:
    for one in (drawn(text), drawn(text).mirrored):
        found = one.effect({})
        assert found is not None
        assert (set(found.terms) - {"3_prime_UTR_variant"}, found.hgvs_p) == ({terms}, hgvs_p)


@pytest.mark.parametrize(("first", "term"), [(30, True), (29, False)])
def test_the_last_codon_of_an_incomplete_model_is_touched_by_a_deletion_that_begins_in_it(
    first: int, term: bool
) -> None:
    bases = "C" * 20 + "ATGGCTAAAC" + "AT" + "CGATTGCA"  # the coding sequence is ATG GCT AAA CAT, without the last T
    model = Transcript("T.1", "G", "protein_coding", "+", ((21, 31),), (21, 31), end_known=False)
    found = effect(Change(first, bases[first - 1 : 33], ""), model, lambda start, end: bases[start - 1 : end])
    assert found is not None
    assert ("incomplete_terminal_codon_variant" in found.terms) is term
