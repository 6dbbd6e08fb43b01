"""The place of a change on a transcript: an insertion or deletion in a repeat has several equivalent places."""

from collections.abc import Callable
from typing import NamedTuple

from annotator.effects import splicing
from annotator.effects.allele import Change
from annotator.effects.hgvs_genomic import SHIFT_LIMIT
from annotator.effects.hgvs_transcript import Fetch
from annotator.effects.transcript import Span, Transcript
from annotator.formats.fasta import reverse_complement

#: The number of bases that are read at a time.
READ_AT_ONCE = 16


class Placed(NamedTuple):
    """A change along a transcript.

    first: the first place that is replaced, or the place before which bases are inserted.
    ref, alt: bases on the transcript's strand; either may be empty.
    """

    first: int
    ref: str
    alt: str

    @property
    def span(self) -> Span:
        """The first and the last place that is replaced; for an insertion, `last` is `first - 1`."""
        return self.first, self.first + len(self.ref) - 1


def kept(fetch: Fetch, change: Change) -> Fetch:
    """Return a function like `fetch` that reads the bases around a change only once.

    If the change has only one possible place, no bases around it are needed, and `fetch` itself is returned.
    """
    if bool(change.ref) == bool(change.alt):
        return fetch
    margin = READ_AT_ONCE + len(change.ref) + len(change.alt)
    start, end = max(1, change.pos - margin), change.end + margin
    bases = fetch(start, end)

    def read(first: int, last: int) -> str:
        return bases[first - start : last - start + 1] if start <= first and last <= end else fetch(first, last)

    return read


def place(change: Change, transcript: Transcript, fetch: Fetch) -> Placed:
    """Convert a change to the transcript's strand and choose its place; see docs/annotation.md."""
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

    def untouched(span: Span) -> bool:
        return not splicing.hits_splice_site(transcript, span) and not any(codons_touched(transcript, span))

    def harm(at: int) -> tuple[bool, bool, bool, int]:
        span = at, at + len(ref) - 1
        start, stop = codons_touched(transcript, span)
        return splicing.hits_splice_site(transcript, span), start, stop, -at if reverse else at

    first_on_contig = high if reverse else low
    best = first_on_contig if untouched((low - 1, high + len(ref))) else min(range(low, high + 1), key=harm)
    turn = (best - first) % len(bases)
    turned = bases[turn:] + bases[:turn]
    return Placed(best, turned if ref else "", turned if alt else "")


def changed_parts(placed: Placed, transcript: Transcript) -> list[Span]:
    """Return the parts of a change whose bases differ, in order: first and last place of each.

    If bases are replaced by another number of bases, their alignment is unknown. They are aligned at the left end on
    the contig, or at the right end if only that leaves the splice sites intact.
    """
    ref, alt = placed.ref, placed.alt
    if not ref or not alt or len(ref) == len(alt) == 1:
        return [placed.span]
    parts = _aligned(placed, at_end=transcript.strand == "-")
    if len(ref) == len(alt) or not any(splicing.hits_splice_site(transcript, part) for part in parts):
        return parts
    others = _aligned(placed, at_end=transcript.strand != "-")
    return parts if any(splicing.hits_splice_site(transcript, part) for part in others) else others


def _aligned(placed: Placed, *, at_end: bool) -> list[Span]:
    """Return the places that differ if REF and ALT are aligned at their first base, or at their last."""
    first, ref, alt = placed
    last = placed.span[1]
    size = min(len(ref), len(alt))
    begin = first + len(ref) - size if at_end else first
    pairs = zip(ref[-size:], alt[-size:], strict=True) if at_end else zip(ref, alt, strict=False)
    parts: list[Span] = []
    for at, (old, new) in enumerate(pairs, begin):
        if old == new:
            continue
        if parts and parts[-1][1] == at - 1:
            parts[-1] = parts[-1][0], at
        else:
            parts.append((at, at))
    if len(ref) == len(alt):
        return parts
    return [(first, begin - 1), *parts] if at_end else [*parts, (first + size, last)]


def _range(transcript: Transcript, first: int, size: int, bases: str, fetch: Fetch) -> Span:
    """Return the first and the last place at which the insertion or deletion of `bases` is the same change."""
    begin, end = transcript.places[0][0], transcript.places[-1][1]

    def read(start: int, stop: int) -> str:
        return reverse_complement(fetch(-stop, -start)) if transcript.strand == "-" else fetch(start, stop)

    def ahead(start: int, stop: int) -> str:
        return read(first + size + start, first + size + stop - 1)

    def back(start: int, stop: int) -> str:
        return read(first - stop, first - start - 1)[::-1]

    high = first + _repeated(bases, min(SHIFT_LIMIT, end - first - size + 1), ahead)
    low = first - _repeated(bases[::-1], min(SHIFT_LIMIT, first - begin), back)
    return low, high


def _repeated(bases: str, most: int, read: Callable[[int, int], str]) -> int:
    """Return how many of the `most` bases that `read` returns repeat `bases`."""
    count, text = 0, ""
    while count < most:
        if count == len(text):
            text += read(count, min(most, max(READ_AT_ONCE, 2 * count)))
        if text[count] != bases[count % len(bases)]:
            break
        count += 1
    return count


def codons_touched(transcript: Transcript, span: Span) -> tuple[bool, bool]:
    """Return whether the start codon and the stop codon are touched, as far as the model has them."""
    if transcript.coding_offsets is None:
        return False, False
    coding_start, coding_end = transcript.coding_offsets
    is_whole = (coding_end - coding_start - transcript.phase) % 3 == 0
    has_stop = transcript.end_known and (is_whole or transcript.may_complete_stop)
    first, last = span

    def inside(begin: int, end: int) -> bool:
        low, high = transcript.offset(first), transcript.offset(last + 1)
        if last >= first:
            return max(low, begin) < min(high, end)
        beside_exon = transcript.exon_at(first) is not None or transcript.exon_at(last) is not None
        return beside_exon and begin < low < end

    return (
        transcript.is_numbered and inside(coding_start, coding_start + 3),
        has_stop and inside(coding_end - 3, coding_end),
    )
