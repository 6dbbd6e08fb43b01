"""The definition of the effect of a change on a transcript.

The change is applied to the transcript's bases. The coding sequence is translated before and after the change, into the
3' UTR if necessary, and the two proteins are compared. An insertion or deletion with several equivalent places is put
where it leaves the splice sites, then the start codon, then the stop codon intact, if there is such a place; among
several, the first on the contig, as in a left-aligned VCF file.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from annotator.effects import splicing
from annotator.effects.allele import Change
from annotator.effects.coding import Coding, CodingSequence
from annotator.effects.hgvs_transcript import Fetch, described
from annotator.effects.placing import Placed, changed_parts, kept, place
from annotator.effects.terms import Impact, impact_of, ordered
from annotator.effects.transcript import Span, Transcript
from annotator.formats.fasta import reverse_complement

#: The most bytes of coding sequences that are kept.
CAPACITY = 32 * 1024 * 1024
#: Biotypes of transcripts that are subject to nonsense-mediated decay.
NONSENSE_MEDIATED_DECAY = {"nonsense_mediated_decay", "NMD_transcript_variant"}


@dataclass(frozen=True)
class Effect:
    """The effect of a change on one transcript.

    terms: Sequence Ontology terms, the most severe first.
    hgvs_c: such as c.76A>T or n.12_13insG; "" if the bases cannot be numbered.
    hgvs_p: such as p.Lys5Arg; "" if the protein does not change or cannot be predicted.
    codons, amino_acids: see Coding.
    exon, intron: the numbers of those that are touched, and the total, such as 2/5 or 2-3/5; "" for none.
    cdna, cds, protein: the first and last position that is touched, from 1, in the spliced transcript, the coding
        sequence and the protein; None outside of it.
    """

    terms: tuple[str, ...]
    hgvs_c: str = ""
    hgvs_p: str = ""
    codons: str = ""
    amino_acids: str = ""
    exon: str = ""
    intron: str = ""
    cdna: Span | None = None
    cds: Span | None = None
    protein: Span | None = None

    @property
    def impact(self) -> Impact:
        """The impact of the most severe term."""
        return impact_of(self.terms)


def effect(change: Change, transcript: Transcript, fetch: Fetch) -> Effect | None:
    """Return the effect of a change on a transcript.

    Args:
        change: The shortest form of an allele, in bases.
        transcript: One that lies on the same contig.
        fetch: Returns the contig's bases on the forward strand from the first to the last position, both included.

    Returns:
        None if the change does not touch the transcript.
    """
    return _effect(change, transcript, fetch, coding_sequence)


def coding_sequence(transcript: Transcript, fetch: Fetch) -> CodingSequence:
    """Read and translate the coding sequence of a transcript."""
    return CodingSequence(transcript, spliced_bases(transcript, fetch))


class Effects:
    """Computes effects as `effect` does, and keeps the coding sequences of the most recent transcripts.

    Not thread-safe.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Keep coding sequences of up to `capacity` bytes."""
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[Transcript, CodingSequence] = OrderedDict()

    def of(self, change: Change, transcript: Transcript, fetch: Fetch) -> Effect | None:
        """Return the effect of a change on a transcript, see `effect`; `fetch` reads the same contig each time."""
        return _effect(change, transcript, fetch, self.coding_sequence)

    def coding_sequence(self, transcript: Transcript, fetch: Fetch) -> CodingSequence:
        """Return the coding sequence of a transcript."""
        found = self._kept.get(transcript)
        if found is not None:
            self._kept.move_to_end(transcript)
            return found
        found = self._kept[transcript] = coding_sequence(transcript, fetch)
        self._size += found.size
        while self._size > self._capacity and len(self._kept) > 1:
            self._size -= self._kept.popitem(last=False)[1].size
        return found


_Coding = Callable[[Transcript, Fetch], CodingSequence]


def _effect(change: Change, transcript: Transcript, fetch: Fetch, sequence_of: _Coding) -> Effect | None:
    fetch = kept(fetch, change)
    placed = place(change, transcript, fetch)
    span = first, last = placed.span
    if not splicing.overlaps(span, transcript.places[0][0], transcript.places[-1][1]):
        return None
    text = described(transcript.layout, change, fetch) if transcript.is_numbered else ""
    covers = first <= transcript.places[0][0] and last >= transcript.places[-1][1]
    if covers and len(placed.alt) < len(placed.ref):
        exon, intron = numbers(transcript, span)
        return Effect(("transcript_ablation",), text, exon=exon, intron=intron)
    found = splicing.terms(transcript, changed_parts(placed, transcript))
    offsets = exonic_offsets(transcript, span)
    if offsets is None and not placed.alt:
        offsets = _offsets_over_gaps(transcript, span)
        found -= {"coding_sequence_variant"} if offsets else set()
    if offsets is not None and transcript.is_consistent:
        coding = _spliced(transcript, placed, offsets, fetch, sequence_of)
    else:
        coding = Coding(frozenset(crossed(transcript, span) | _in_incomplete_codon(transcript, span)))
    found |= coding.terms
    if transcript.coding is None and not coding.terms:
        found.add("non_coding_transcript_variant")
    if transcript.coding is not None and transcript.biotype in NONSENSE_MEDIATED_DECAY:
        found.add("NMD_transcript_variant")
    where = numbers(transcript, span, at_edge=offsets is not None and not placed.ref)
    cdna, cds, protein = positions(transcript, offsets) if offsets else (None, None, None)
    return Effect(ordered(found), text, coding.hgvs_p, coding.codons, coding.amino_acids, *where, cdna, cds, protein)


def numbers(transcript: Transcript, span: Span, *, at_edge: bool = False) -> tuple[str, str]:
    """Return the numbers of the exons and of the introns that a change touches, such as 2/5 or 2-3/5; "" for none.

    Args:
        at_edge: Whether it is an insertion that belongs to an exon, possibly at its edge.
    """

    def numbered(touched: range, count: int) -> str:
        if not touched:
            return ""
        ends = f"{touched[0] + 1}-{touched[-1] + 1}" if len(touched) > 1 else f"{touched[0] + 1}"
        return f"{ends}/{count}"

    first, last = span
    edge = 1 if at_edge else 0
    count = len(transcript.exons)
    return (
        numbered(transcript.exons_between(first - edge, last + edge), count),
        numbered(transcript.introns_between(first, last), count - 1),
    )


def positions(transcript: Transcript, offsets: Span) -> tuple[Span, Span | None, Span | None]:
    """Return the first and the last position in the spliced transcript, the coding sequence and the protein, from 1.

    For an insertion, these are the bases on both sides of it.
    """
    first, last = offsets if offsets[0] < offsets[1] else (offsets[0] - 1, offsets[1] + 1)
    cdna = first + 1, last
    if transcript.coding_offsets is None:
        return cdna, None, None
    start, stop = transcript.coding_offsets
    if first < start or last > stop:
        return cdna, None, None
    pad = -transcript.phase % 3
    cds = first - start + pad + 1, last - start + pad
    return cdna, cds, ((cds[0] + 2) // 3, (cds[1] + 2) // 3)


def exonic_offsets(transcript: Transcript, span: Span) -> Span | None:
    """Return the spliced bases that are replaced, from 0, the last not included; None unless all lie in one exon.

    An insertion between an exon and an intron belongs to the exon.
    """
    first, last = span
    exon = transcript.exon_at(first)
    if last >= first:
        if exon is None or exon != transcript.exon_at(last):
            return None
        at = transcript.offset(first)
        return at, at + last - first + 1
    if exon is None and transcript.exon_at(last) is None:
        return None
    at = transcript.offset(first) if exon is not None else transcript.offset(last) + 1
    return at, at


def _offsets_over_gaps(transcript: Transcript, span: Span) -> Span | None:
    """Return what `exonic_offsets` does, for a deletion that crosses gaps between exons, but no intron."""
    touched = [transcript.introns[number] for number in transcript.introns_between(*span)]
    if any(end - start >= splicing.GAP for start, end in touched):
        return None
    if transcript.exon_at(span[0]) is None or transcript.exon_at(span[1]) is None:
        return None
    return transcript.offset(span[0]), transcript.offset(span[1]) + 1


def noncoding_exon_term(transcript: Transcript, span: Span) -> str:
    """Return the term of a change that touches an exon of a transcript without a coding sequence."""
    is_mature = any(splicing.overlaps(span, first, last) for first, last in transcript.mature_places)
    return "mature_miRNA_variant" if is_mature else "non_coding_transcript_exon_variant"


def crossed(transcript: Transcript, span: Span) -> set[str]:
    """Return the terms for the exons of a change that also touches an intron or reaches out of the transcript."""
    found = set()
    for exon in transcript.exons_between(*span):
        begin, end = transcript.places[exon]
        first, last = max(begin, span[0]), min(end, span[1])
        if first > last:
            continue
        if transcript.coding_offsets is None:
            found.add(noncoding_exon_term(transcript, span))
            continue
        start, stop = transcript.coding_offsets
        low, high = transcript.offset(first), transcript.offset(last) + 1
        if low < start:
            found.add("5_prime_UTR_variant")
        if high > stop:
            found.add("3_prime_UTR_variant")
        if low < stop and high > start:
            found.add("coding_sequence_variant")
    return found


def _in_incomplete_codon(transcript: Transcript, span: Span) -> set[str]:
    """Return the term of a change that begins in an incomplete last codon of the coding sequence."""
    start, stop = transcript.coding_offsets or (0, 0)
    whole = stop - (stop - start - transcript.phase) % 3
    begins_there = transcript.exon_at(span[0]) is not None and whole <= transcript.offset(span[0]) < stop
    return {"incomplete_terminal_codon_variant"} if begins_there else set()


def spliced_bases(transcript: Transcript, fetch: Fetch) -> str:
    """Return the bases of all exons, in the transcript's direction."""
    bases = "".join(fetch(start, end) for start, end in transcript.exons)
    return reverse_complement(bases) if transcript.strand == "-" else bases


def _spliced(transcript: Transcript, placed: Placed, offsets: Span, fetch: Fetch, sequence_of: _Coding) -> Coding:
    """Return the effect of a change inside one exon."""
    if transcript.coding_offsets is None:
        return Coding(frozenset({noncoding_exon_term(transcript, placed.span)}))
    first, last = offsets
    start, stop = transcript.coding_offsets
    if last <= start:
        return Coding(frozenset({"5_prime_UTR_variant"}))
    if first >= stop:
        return Coding(frozenset({"3_prime_UTR_variant"}))
    return sequence_of(transcript, fetch).change(first, last, placed.alt)
