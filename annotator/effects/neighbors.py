"""Finds changes that are close enough on a spliced coding sequence to have a joint effect on the protein."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

from annotator.effects.transcript import Span, Transcript

#: The most bases from the last base of a change to the first base of the next: at this distance they may share a codon.
REACH = 2
#: The same if one of them shifts the frame: at this distance the other may restore it.
FRAME_REACH = 30
#: A change is considered if REF and ALT have at most LONGEST bases, and if it is written at most SHIFT bases to the
#: right of its normal form, and placed on the transcript at most SHIFT bases away from it.
LONGEST, SHIFT = 100, 30
#: The most characters of records that are kept together because they may be neighbors.
MOST_TOGETHER = 4 * 1024 * 1024


class Models(Protocol):
    """The part of `annotator.effects.genes.GeneModels` that is used here."""

    def transcripts(self, contig: str, start: int, end: int, /) -> list[Transcript]: ...

    def coding(self, contig: str, start: int, end: int, /) -> list[Span]: ...


class Stretch(NamedTuple):
    """The bases that a change replaces, or may replace; `end` is `start - 1` for an insertion.

    shifts: whether the change shifts the frame.
    number: of the change.
    """

    start: int
    end: int
    shifts: bool
    number: int


class Junction(NamedTuple):
    """Two ends of coding exons that splicing brings together.

    left, right: the last base before an intron, and the first base after it or after a later intron.
    between: spliced bases between the two.
    """

    left: int
    right: int
    between: int


_junctions: WeakKeyDictionary[Transcript, tuple[Junction, ...]] = WeakKeyDictionary()


def junctions(transcript: Transcript) -> tuple[Junction, ...]:
    """Return the junctions of a transcript across which changes can be neighbors, along the contig."""
    found = _junctions.get(transcript)
    if found is None:
        found = _junctions[transcript] = tuple(_between(transcript.coding_exons))
    return found


def _between(exons: Sequence[Span]) -> Iterator[Junction]:
    for number, (_, left) in enumerate(exons):
        between = 0
        for first, last in exons[number + 1 :]:
            yield Junction(left, first, between)
            between += last - first + 1
            if between >= FRAME_REACH:
                break


def within_reach(ordered: Sequence[Stretch]) -> list[bool]:
    """Return for each of several sorted changes whether it or a later one is within reach of an earlier one."""
    far = 2 * FRAME_REACH
    next_shift = [0] * len(ordered)
    start = max((one.end for one in ordered), default=0) + far
    for number in range(len(ordered) - 1, -1, -1):
        if ordered[number].shifts:
            start = ordered[number].start
        next_shift[number] = start
    found = []
    end = shift_end = ordered[0].start - far if ordered else 0
    for one, shift_start in zip(ordered, next_shift, strict=True):
        near = one.start - end <= REACH or one.start - shift_end <= FRAME_REACH or shift_start - end <= FRAME_REACH
        found.append(near)
        end = max(end, one.end)
        if one.shifts:
            shift_end = max(shift_end, one.end)
    return found


def chains(ordered: Sequence[Stretch]) -> Iterator[list[int]]:
    """Split sorted changes where no two changes across the split are within reach; yield the numbers of each part."""
    chain: list[int] = []
    for one, within in zip(ordered, within_reach(ordered), strict=True):
        if not within and chain:
            yield chain
            chain = []
        chain.append(one.number)
    if chain:
        yield chain


def across(found: Iterable[Junction], ordered: Sequence[Stretch]) -> set[int]:
    """Return the numbers of the changes that are within reach of another change across a junction.

    Args:
        found: Junctions.
        ordered: Changes on the contig, sorted.
    """
    near: set[int] = set()
    starts = [one.start for one in ordered]
    longest = max((one.end - one.start + 1 for one in ordered), default=0)
    for left, right, between in found:
        before = [
            (left - min(one.end, left), one)
            for one in ordered[bisect_left(starts, left - FRAME_REACH - longest) : bisect_right(starts, left + 1)]
        ]
        if not before:
            continue
        after = [
            (max(one.start, right) - right, one)
            for one in ordered[bisect_left(starts, right - longest) : bisect_left(starts, right + FRAME_REACH)]
            if one.end + 1 >= right
        ]
        for own, others in ((before, after), (after, before)):
            least = min((gap for gap, _ in others), default=2 * FRAME_REACH)
            least_shift = min((gap for gap, one in others if one.shifts), default=2 * FRAME_REACH)
            for gap, one in own:
                most = (FRAME_REACH if one.shifts else REACH) - between - 1
                if gap + least <= most or gap + least_shift <= FRAME_REACH - between - 1:
                    near.add(one.number)
    return near


def ties(models: Models, contig: str, pos: int) -> list[Span]:
    """Return the stretches of a contig in which a record before `pos` may have a neighbor at or after `pos`.

    A file may be cut before a record at `pos` if no earlier record has a base of REF in any of these stretches; see
    `are_tied`. A stretch lies directly before `pos`, or before an intron around it.
    """
    begin, end = max(1, pos - SHIFT), pos + LONGEST + SHIFT
    found = set()
    if models.coding(contig, max(1, begin - 1), end + 1):
        found.add((begin - FRAME_REACH - SHIFT, end))
    for transcript in models.transcripts(contig, max(1, begin - FRAME_REACH), end):
        for left, right, between in junctions(transcript):
            if left <= end and right > begin - FRAME_REACH + between:
                found.add((left - FRAME_REACH - SHIFT, left + SHIFT))
    return sorted(found)


def are_tied(found: Sequence[Span], written: Sequence[Span]) -> bool:
    """Return whether any record lies in a stretch of `ties`.

    Args:
        found: The stretches.
        written: First and last base of REF of each record before the cut, sorted by the first base.
    """
    for low, high in found:
        for first, last in written[bisect_left(written, (low - LONGEST,)) : bisect_left(written, (high + 1,))]:
            if last >= low and last - first < LONGEST:
                return True
    return False


def overlapping(spans: Sequence[Span], first: int, last: int) -> bool:
    """Return whether any of several sorted spans, none overlapping, overlaps `first` to `last`."""
    at = bisect_left(spans, first, key=lambda span: span[1])
    return at < len(spans) and spans[at][0] <= last
