"""Where the annotator and `bcftools csq` differ in the most severe term of a transcript, who is right, and why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from annotator.effects.allele import Change
from annotator.effects.hgvs_transcript import Fetch
from annotator.effects.placing import Placed, place
from annotator.effects.splicing import GAP, hits_splice_site, overlaps
from annotator.effects.terms import IMPACT
from annotator.effects.transcript import Span, Transcript
from tests.support.csq import Allele, Entry

#: The annotator's finer terms, and what csq has for the same.
COARSER = {
    "splice_donor_5th_base_variant": "splice_region_variant",
    "splice_donor_region_variant": "splice_region_variant",
    "splice_polypyrimidine_tract_variant": "intron_variant",
}
#: What csq adds to whatever else it says: that a transcript becomes longer or shorter, and the transcript's kind.
ADDITIONAL = {"feature_elongation", "feature_truncation", "NMD_transcript_variant"}
#: Biotypes that csq has a word of its own for.
BIOTYPES = {"nonsense_mediated_decay": "NMD"}
_RANK = {term: rank for rank, term in enumerate(IMPACT)}


def worst(terms: Iterable[str]) -> str:
    """Return the most severe of terms of either side, in the words that both have; "" for none.

    csq adds stop_gained to nearly every frame shift, as the new frame nearly always ends early: it is left out there.
    """
    found = {COARSER.get(term, term) for term in terms} - ADDITIONAL
    if "frameshift_variant" in found:
        found.discard("stop_gained")
    return min(found, key=_rank, default="")


def most_severe(entries: Iterable[Iterable[str]]) -> str:
    """Return the most severe of the terms of several entries, each as `worst` reads it."""
    return min(filter(None, map(worst, entries)), key=_rank, default="")


def _rank(term: str) -> int:
    return _RANK.get(term, len(_RANK))


def of_transcript(entries: Iterable[Entry], transcript: Transcript, symbol: str) -> frozenset[str]:
    """Return csq's terms for a transcript. Of introns, and of transcripts that do not code, it names only the gene."""
    entries = list(entries)
    own = [entry for entry in entries if entry.transcript == transcript.name]
    kind = BIOTYPES.get(transcript.biotype, transcript.biotype)
    of_gene = [entry for entry in entries if (entry.transcript, entry.gene, entry.biotype) == ("", symbol, kind)]
    return frozenset().union(*(entry.terms for entry in own or of_gene))


@dataclass(frozen=True)
class Pair:
    """An allele and a transcript.

    allele: contig, position, REF and ALT.
    change: the allele, shortened.
    ours: the annotator's terms; none if the transcript is not touched.
    theirs: csq's terms.
    fetch: returns the contig's bases.
    """

    allele: Allele
    change: Change
    transcript: Transcript
    ours: tuple[str, ...]
    theirs: frozenset[str]
    fetch: Fetch

    @property
    def differs(self) -> bool:
        """Whether the most severe terms differ."""
        return worst(self.ours) != worst(self.theirs)

    @property
    def both(self) -> set[str]:
        """The most severe term of each side."""
        return {worst(self.ours), worst(self.theirs)}

    @cached_property
    def placed(self) -> Placed:
        """The change where the annotator takes it."""
        return place(self.change, self.transcript, self.fetch)

    @property
    def written(self) -> Span:
        """The change where csq takes it, along the transcript."""
        change = self.change
        return (-change.end, -change.pos) if self.transcript.strand == "-" else (change.pos, change.end)

    @property
    def spans(self) -> tuple[Span, Span]:
        """Both places."""
        return self.written, self.placed.span

    @property
    def shift(self) -> int:
        """Bases that are gained."""
        return len(self.change.alt) - len(self.change.ref)

    @cached_property
    def codons(self) -> tuple[Span, Span]:
        """The first and the last codon, as offsets in the spliced transcript, the last base not included."""
        start, stop = self.transcript.coding_offsets or (0, 0)
        return (start, start + 3), (stop - 3, stop)

    def touches(self, offsets: Span) -> bool:
        """Whether one of both places touches, or is next to, spliced bases."""
        low, high = offsets
        ends = ((self.transcript.offset(first), self.transcript.offset(last) + 1) for first, last in self.spans)
        return any(first <= high and last >= low for first, last in ends)


def codes_for_nothing(pair: Pair) -> bool:
    """csq says no more than that a transcript without a coding sequence is touched, and of many kinds not even that.

    The annotator tells its exons, introns and splice sites.
    """
    return pair.transcript.coding is None and pair.theirs <= {"non_coding_transcript_exon_variant", *ADDITIONAL}


def reaches_out_of_the_transcript(pair: Pair) -> bool:
    """csq judges the part inside, or counts an insertion next to the transcript as inside.

    The annotator, as Ensembl VEP, names what is touched and does not guess how the transcript would begin or end.
    """
    begin, end = pair.transcript.places[0][0], pair.transcript.places[-1][1]
    return any(
        first < begin or last > end or (last < first and first in {begin, end + 1}) for first, last in pair.spans
    )


def is_placed_where_less_is_touched(pair: Pair) -> bool:
    """The change can be placed at several positions, and csq takes the leftmost one.

    At another one it leaves a splice site, the start codon or the stop codon whole, or lies on another side of an
    exon's or the coding sequence's end. All spell the same bases: nothing but the whole parts is certain.
    """
    return pair.written != pair.placed.span and _parts(pair, pair.written) != _parts(pair, pair.placed.span)


def _parts(pair: Pair, span: Span) -> tuple[object, ...]:
    transcript = pair.transcript
    first, last = transcript.offset(span[0]), transcript.offset(span[1]) + 1
    near = tuple(
        (overlaps(span, start - 3, start + 7), overlaps(span, end - 7, end + 3)) for start, end in transcript.introns
    )
    codons = tuple(first < high and last > low for low, high in pair.codons)
    edges = tuple((first >= one, last > one) for one in transcript.coding_offsets or ())
    exons = transcript.exon_at(span[0]), transcript.exon_at(span[1])
    return hits_splice_site(transcript, span), exons, near, codons, edges


def is_in_a_codon_that_is_not_whole(pair: Pair) -> bool:
    """csq leaves out the one or two bases of such a codon at an end of the coding sequence, or calls them intron.

    They are bases of an exon, and known to code.
    """
    start, stop = pair.transcript.coding_offsets or (0, 0)
    left = (stop - start - pair.transcript.phase) % 3
    return any(
        low < high and pair.touches((low, high))
        for low, high in ((start, start + pair.transcript.phase), (stop - left, stop))
    )


def touches_the_start_codon(pair: Pair) -> bool:
    """csq says start_lost of what changes a base there, or leaves open what becomes of it.

    It knows no other start codons of mitochondria either. The annotator looks whether the sequence still starts with a
    start codon, and tells the change of length, too, as VEP does.
    """
    starts = {"start_lost", "start_retained_variant"}
    return bool(starts & {*pair.ours, *pair.theirs}) and pair.touches(pair.codons[0])


def touches_the_stop_codon(pair: Pair) -> bool:
    """csq reads a transcript only to the end of its coding sequence.

    The annotator reads on in the 3' UTR, so that it tells whether there is a stop codon at the same place afterwards.
    """
    stops = {"stop_lost", "stop_retained_variant", "stop_gained", "incomplete_terminal_codon_variant"}
    return bool(stops & {*pair.ours, *pair.theirs}) and pair.touches(pair.codons[1])


def is_inside_a_codon(pair: Pair) -> bool:
    """csq calls every insertion and deletion of whole codons so.

    Where neighboring residues change as well, the Sequence Ontology and VEP call it protein_altering_variant.
    """
    return pair.shift % 3 == 0 != pair.shift and "protein_altering_variant" in pair.both


def is_a_delins(pair: Pair) -> bool:
    """csq misreads an allele whose REF and ALT share no base at their beginning."""
    change = pair.change
    return bool(change.ref and change.alt) and len(change.ref) != len(change.alt)


def touches_a_gap(pair: Pair) -> bool:
    """csq takes a gap of a few bases between two exons for an intron that is spliced.

    Gene models use such gaps to keep the reading frame where the genome has bases too many; no intron is so short.
    """
    return any(
        overlaps((first - 8, last + 8), start, end)
        for start, end in pair.transcript.introns
        if end - start < GAP
        for first, last in pair.spans
    )


def is_inserted_at_an_edge(pair: Pair) -> bool:
    """Whether it is an insertion at an edge that csq counts as inside.

    csq takes an insertion between an exon and an intron for one into the splice site, and one at the edge of the
    splice region for one inside it. The site's two bases are still at their place. VEP counts bases between an exon and
    an intron as part of the exon.
    """
    edges = {
        one
        for start, end in pair.transcript.introns
        for one in (start - 3, start, start + 8, end - 7, end + 1, end + 4)
    }
    return not pair.change.ref and bool(edges & {first for first, _ in pair.spans})


def is_deleted_over_the_end_of_an_untranslated_exon(pair: Pair) -> bool:
    """csq names the UTR alone, though the splice site next to it is deleted."""
    sites = {"splice_donor_variant", "splice_acceptor_variant"} & set(pair.ours)
    return bool(sites) and bool({"5_prime_UTR_variant", "3_prime_UTR_variant"} & pair.both)


def keeps_the_protein(pair: Pair) -> bool:
    """csq says what happens to the codons, and not that the new ones end the protein where it ended."""
    return worst(pair.ours) == "stop_retained_variant"


def is_of_a_kind_that_csq_does_not_know(pair: Pair) -> bool:
    """csq passes over introns of some kinds of coding transcripts, such as immunoglobulin genes'."""
    return not pair.theirs and pair.transcript.biotype.startswith(("IG_", "TR_"))


CLASSES: tuple[Callable[[Pair], bool], ...] = (
    codes_for_nothing,
    is_of_a_kind_that_csq_does_not_know,
    reaches_out_of_the_transcript,
    is_in_a_codon_that_is_not_whole,
    touches_a_gap,
    is_placed_where_less_is_touched,
    touches_the_start_codon,
    touches_the_stop_codon,
    keeps_the_protein,
    is_a_delins,
    is_inserted_at_an_edge,
    is_deleted_over_the_end_of_an_untranslated_exon,
    is_inside_a_codon,
)


def class_of(pair: Pair) -> str:
    """Return the first class that a difference belongs to; "" if there is none."""
    return next((one.__name__ for one in CLASSES if one(pair)), "")
