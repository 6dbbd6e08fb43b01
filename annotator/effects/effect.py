"""The definition of what a change does to a transcript.

The change is applied to the transcript's bases; the coding sequence is translated before and after it, into the 3' UTR
if need be; and both proteins are compared. An insertion or deletion that can be placed at several positions with the
same result is taken where it leaves splice sites, then the start codon, then the stop codon untouched, if there is such
a place; of several the first one on the contig counts, as in a left-aligned VCF file.
"""

from dataclasses import dataclass

from annotator.alleles import Change
from annotator.effects import splicing
from annotator.effects.coding import Coding, CodingSequence
from annotator.effects.terms import Impact, impact_of, ordered
from annotator.effects.transcript import Span, Transcript
from annotator.hgvs import SHIFT_LIMIT
from annotator.hgvs_c import Fetch, described
from annotator.sequence import reverse_complement

#: Biotypes whose transcripts are broken down before they are translated.
NONSENSE_MEDIATED_DECAY = {"nonsense_mediated_decay", "NMD_transcript_variant"}


@dataclass(frozen=True)
class Effect:
    """What a change does to one transcript.

    terms: Sequence Ontology terms, the most severe first.
    hgvs_c: such as c.76A>T or n.12_13insG; "" where the bases cannot be numbered.
    hgvs_p: such as p.Lys5Arg; "" where the protein does not change or cannot be told.
    codons, amino_acids: see Coding.
    exon, intron: the first one that is touched, with the number of all, such as 2/5; "" if none is.
    cdna, cds, protein: first and last position that is touched, from 1, in the spliced transcript, the coding sequence
        and the protein; None outside.
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


@dataclass(frozen=True)
class Placed:
    """A change along a transcript.

    first: the first place that is replaced, or the one before which bases are inserted.
    ref, alt: bases on the transcript's strand; either may be empty.
    """

    first: int
    ref: str
    alt: str

    @property
    def span(self) -> Span:
        """The places taken: an insertion ends before it begins."""
        return self.first, self.first + len(self.ref) - 1


def effect(change: Change, transcript: Transcript, fetch: Fetch) -> Effect | None:
    """Tell what a change does to a transcript.

    Args:
        change: The shortest form of an allele, in bases.
        transcript: One that lies on the same contig.
        fetch: Returns the contig's bases on the forward strand, from a position to another, both included.

    Returns:
        None if the change does not touch the transcript.
    """
    placed = place(change, transcript, fetch)
    first, last = placed.span
    if not splicing.overlaps(placed.span, transcript.places[0][0], transcript.places[-1][1]):
        return None
    text = described(transcript.layout, change, fetch) if transcript.is_numbered else ""
    if placed.ref and first <= transcript.places[0][0] and last >= transcript.places[-1][1] and not placed.alt:
        return Effect(("transcript_ablation",), text)
    found = splicing.terms(transcript, placed.span, _changed(placed))
    offsets = _offsets(transcript, placed)
    if offsets is not None:
        coding = _spliced(transcript, placed, offsets, fetch)
    else:
        coding = Coding(frozenset(_crossed(transcript, placed.span)))
    found |= coding.terms
    if transcript.coding is None and "non_coding_transcript_exon_variant" not in found:
        found.add("non_coding_transcript_variant")
    if transcript.coding is not None and transcript.biotype in NONSENSE_MEDIATED_DECAY:
        found.add("NMD_transcript_variant")
    where = _numbers(transcript, placed.span, exonic=offsets is not None)
    cdna, cds, protein = _positions(transcript, offsets) if offsets else (None, None, None)
    return Effect(ordered(found), text, coding.hgvs_p, coding.codons, coding.amino_acids, *where, cdna, cds, protein)


def _changed(placed: Placed) -> list[Span]:
    """Return the places whose bases differ; of a change in length, all."""
    first, last = placed.span
    if len(placed.ref) != len(placed.alt):
        return [(first, last)]
    different = [at for at, (ref, alt) in enumerate(zip(placed.ref, placed.alt, strict=True), first) if ref != alt]
    return [(at, at) for at in different]


def _numbers(transcript: Transcript, span: Span, *, exonic: bool) -> tuple[str, str]:
    """Return the numbers of the exons and of the introns that a change touches, such as 2/5 or 2-3/5; "" for none.

    An insertion that belongs to an exon may stand at its edge.
    """

    def numbered(parts: tuple[Span, ...], edge: int = 0) -> str:
        touched = [n for n, (begin, end) in enumerate(parts, 1) if splicing.overlaps(span, begin - edge, end + edge)]
        if not touched:
            return ""
        ends = f"{touched[0]}-{touched[-1]}" if len(touched) > 1 else f"{touched[0]}"
        return f"{ends}/{len(parts)}"

    at_edge = exonic and span[1] < span[0]
    return numbered(transcript.places, 1 if at_edge else 0), numbered(transcript.introns)


def _positions(transcript: Transcript, offsets: Span) -> tuple[Span, Span | None, Span | None]:
    """Return the first and the last position in the spliced transcript, the coding sequence and the protein, from 1.

    Of an insertion these are the bases on both sides of it.
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


def place(change: Change, transcript: Transcript, fetch: Fetch) -> Placed:
    """Put a change on the transcript's strand, at the place that counts."""
    ref, alt = change.ref, change.alt
    reverse = transcript.strand == "-"
    if reverse:
        ref, alt = reverse_complement(ref), reverse_complement(alt)
    first = -change.end if reverse else change.pos
    written = Placed(first, ref, alt)
    if bool(ref) == bool(alt):
        return written
    bases = ref or alt
    low, high = _range(transcript, first, len(ref), bases, fetch)
    if low == high == first:
        return written

    def harm(at: int) -> tuple[bool, bool, bool, int]:
        span = at, at + len(ref) - 1
        start, stop = _codons_touched(transcript, span)
        return splicing.hits_splice_site(transcript, span), start, stop, -at if reverse else at

    best = min(range(low, high + 1), key=harm)
    turn = (best - first) % len(bases)
    turned = bases[turn:] + bases[:turn]
    return Placed(best, turned if ref else "", turned if alt else "")


def _range(transcript: Transcript, first: int, size: int, bases: str, fetch: Fetch) -> Span:
    """Return the first and the last place at which the insertion or deletion of `bases` is the same change."""
    reverse = transcript.strand == "-"
    begin, end = transcript.places[0][0], transcript.places[-1][1]

    def base(at: int) -> str:
        return reverse_complement(fetch(-at, -at)) if reverse else fetch(at, at)

    count = len(bases)
    high = first
    while high + size <= end and high - first < SHIFT_LIMIT and base(high + size) == bases[(high - first) % count]:
        high += 1
    low = first
    while low - 1 >= begin and first - low < SHIFT_LIMIT and base(low - 1) == bases[(low - 1 - first) % count]:
        low -= 1
    return low, high


def _codons_touched(transcript: Transcript, span: Span) -> tuple[bool, bool]:
    """Whether places of the first and of the last codon are touched."""
    if transcript.coding_offsets is None:
        return False, False
    coding_start, coding_end = transcript.coding_offsets
    first, last = span

    def inside(begin: int, end: int) -> bool:
        low, high = transcript.offset(first), transcript.offset(last + 1)
        if last >= first:
            return max(low, begin) < min(high, end)
        beside_exon = transcript.exon_at(first) is not None or transcript.exon_at(last) is not None
        return beside_exon and begin < low < end

    return inside(coding_start, coding_start + 3), inside(coding_end - 3, coding_end)


def _offsets(transcript: Transcript, placed: Placed) -> Span | None:
    """Return the spliced bases that are replaced, from 0, the last not included; None unless all lie in one exon.

    An insertion between an exon and an intron belongs to the exon.
    """
    first, last = placed.span
    if placed.ref:
        exon = transcript.exon_at(first)
        if exon is None or exon != transcript.exon_at(last):
            return None
        return transcript.offset(first), transcript.offset(last) + 1
    if transcript.exon_at(first) is None and transcript.exon_at(last) is None:
        return None
    at = transcript.offset(first) if transcript.exon_at(first) is not None else transcript.offset(last) + 1
    return at, at


def _crossed(transcript: Transcript, span: Span) -> set[str]:
    """Return terms for the exons of a change that also touches an intron or reaches out of the transcript."""
    found = set()
    for begin, end in transcript.places:
        first, last = max(begin, span[0]), min(end, span[1])
        if first > last:
            continue
        if transcript.coding_offsets is None:
            found.add("non_coding_transcript_exon_variant")
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


def spliced_bases(transcript: Transcript, fetch: Fetch) -> str:
    """Return the bases of all exons in the transcript's direction."""
    bases = "".join(fetch(start, end) for start, end in transcript.exons)
    return reverse_complement(bases) if transcript.strand == "-" else bases


def _spliced(transcript: Transcript, placed: Placed, offsets: Span, fetch: Fetch) -> Coding:
    """Tell what a change inside one exon does."""
    if transcript.coding_offsets is None:
        return Coding(frozenset({"non_coding_transcript_exon_variant"}))
    first, last = offsets
    start, stop = transcript.coding_offsets
    if last <= start:
        return Coding(frozenset({"5_prime_UTR_variant"}))
    if first >= stop:
        return Coding(frozenset({"3_prime_UTR_variant"}))
    return CodingSequence(transcript, spliced_bases(transcript, fetch)).change(first, last, placed.alt)
