"""HGVS descriptions (https://hgvs-nomenclature.org, version 21) of a change along a transcript.

Coding transcripts use c.: 1 is the first base of the start codon, -1 the base before it, *1 the first base after the
stop codon. Non-coding transcripts use n.: 1 is the first base. A base of an intron is numbered from the nearer exon:
93+1 is the first base after base 93, 94-1 the last base before base 94. The middle base of an odd number is numbered
from the exon before it.

In this module a place is a position *along* the transcript: the position on the contig, negated for a transcript on the
reverse strand, so that places always increase in the transcript's direction.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

from annotator.effects.allele import Change
from annotator.effects.hgvs_genomic import SHIFT_LIMIT
from annotator.formats.fasta import reverse_complement

#: Returns the bases of the forward strand from the first to the last position, 1-based and included.
Fetch = Callable[[int, int], str]


@dataclass(frozen=True)
class Layout:
    """The position of a transcript on its contig.

    strand: "-", or anything else for the forward strand.
    exons: in genomic order, 1-based and included, without overlaps.
    coding: the first and the last coding base on the contig, stop codon included, both in exons; None for non-coding
        transcripts.
    first, last: the transcript's ends as places.
    """

    strand: str
    exons: tuple[tuple[int, int], ...]
    coding: tuple[int, int] | None = None
    first: int = field(init=False, repr=False)
    last: int = field(init=False, repr=False)
    _begins: tuple[int, ...] = field(init=False, repr=False, compare=False)  # of each exon, as places
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _before: tuple[int, ...] = field(init=False, repr=False, compare=False)  # spliced bases before each exon
    _leader: int = field(init=False, repr=False, compare=False, default=0)  # spliced bases before base 1
    _coding_size: int | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        exons = self.exons if self.strand != "-" else tuple((-end, -start) for start, end in reversed(self.exons))
        begins, ends = zip(*exons, strict=True)
        write = object.__setattr__
        write(self, "_begins", begins)
        write(self, "_ends", ends)
        write(self, "_before", tuple(accumulate((end - begin + 1 for begin, end in exons[:-1]), initial=0)))
        write(self, "first", begins[0])
        write(self, "last", ends[-1])
        if self.coding:
            start, end = sorted(self.along(position) for position in self.coding)
            leader = self._count(start) - 1
            write(self, "_leader", leader)
            write(self, "_coding_size", self._count(end) - leader)

    @property
    def letter(self) -> str:
        """The type of numbering: "c" or "n"."""
        return "c" if self.coding else "n"

    def along(self, position: int) -> int:
        """Return the place of a position on the contig, or the position of a place."""
        return -position if self.strand == "-" else position

    def _count(self, place: int) -> int:
        """Return the number of a place in an exon among the spliced bases, from 1."""
        exon = bisect_right(self._begins, place) - 1
        return self._before[exon] + place - self._begins[exon] + 1

    def _number(self, count: int) -> str:
        """Return the HGVS number of a spliced base."""
        number = count - self._leader
        if self._coding_size is None:
            return str(number)
        if number < 1:
            return str(number - 1)  # there is no 0
        return str(number) if number <= self._coding_size else f"*{number - self._coding_size}"

    def number(self, place: int) -> str:
        """Return the HGVS number of a place from first to last, such as 76, -12, *32, 93+1 or 94-3."""
        exon = bisect_right(self._begins, place) - 1
        beyond = place - self._ends[exon]
        if beyond <= 0:
            return self._number(self._before[exon] + place - self._begins[exon] + 1)
        missing = self._begins[exon + 1] - place
        if beyond <= missing:
            return f"{self._number(self._before[exon + 1])}+{beyond}"
        return f"{self._number(self._before[exon + 1] + 1)}-{missing}"


def described(layout: Layout, change: Change, fetch: Fetch) -> str:
    """Return the description of a change on a transcript, such as c.76A>T or n.12_13insG.

    Insertions and deletions are shifted to the last equivalent place along the transcript (HGVS's 3' rule), not beyond
    the transcript's end. They are shifted on the unspliced sequence: a change at the end of an exon may move into the
    intron, but never to the next exon, as in c.1704+1del and c.3921del.

    Returns:
        "" if nothing changes, or if the change reaches out of the transcript.
    """
    ref, alt = change.ref, change.alt
    if layout.strand == "-":
        ref, alt = reverse_complement(ref), reverse_complement(alt)
    place = layout.along(change.end if layout.strand == "-" else change.pos)
    if ref and alt:
        if place < layout.first or place + len(ref) - 1 > layout.last:
            return ""
        if len(ref) == 1 == len(alt):
            return f"{layout.letter}.{layout.number(place)}{ref}>{alt}"
        what = "inv" if alt == reverse_complement(ref) else f"delins{alt}"
        return f"{layout.letter}.{_range(layout, place, place + len(ref) - 1)}{what}"
    if ref:
        return _deletion(layout, place, ref, fetch)
    return _insertion(layout, place, alt, fetch) if alt else ""


def _deletion(layout: Layout, place: int, bases: str, fetch: Fetch) -> str:
    size = len(bases)
    moved = _moved(layout, place, size, bases, fetch)
    if moved is None or moved < layout.first:
        return ""
    return f"{layout.letter}.{_range(layout, moved, moved + size - 1)}del"


def _insertion(layout: Layout, place: int, bases: str, fetch: Fetch) -> str:
    size = len(bases)
    moved = _moved(layout, place, 0, bases, fetch)
    if moved is None:
        return ""
    turn = (moved - place) % size
    bases = bases[turn:] + bases[:turn]
    copied = moved - size
    if copied >= layout.first and _read(layout, copied, moved - 1, fetch) == bases:
        return f"{layout.letter}.{_range(layout, copied, moved - 1)}dup"
    if moved > layout.last:  # after the last base, where no base follows that could be named
        if _read(layout, layout.last, layout.last, fetch) != bases[-1]:
            return ""
        moved, bases = moved - 1, bases[-1] + bases[:-1]
    if moved <= layout.first:
        return ""
    return f"{layout.letter}.{layout.number(moved - 1)}_{layout.number(moved)}ins{bases}"


def _range(layout: Layout, first: int, last: int) -> str:
    return layout.number(first) if first == last else f"{layout.number(first)}_{layout.number(last)}"


def _read(layout: Layout, first: int, last: int, fetch: Fetch) -> str:
    """Return the bases on the transcript's strand from the first to the last place, introns included."""
    return reverse_complement(fetch(-last, -first)) if layout.strand == "-" else fetch(first, last)


def _moved(layout: Layout, place: int, size: int, bases: str, fetch: Fetch) -> int | None:
    """Return the last place at which the deletion or insertion of bases at `place` is the same change.

    Args:
        size: The number of deleted bases.

    Returns:
        None if the change crosses the end of the transcript at every place.
    """
    over = place + size - 1 - layout.last
    if over > 0:  # it crosses the end, so it is moved back by just that much
        if place - over < layout.first or over > SHIFT_LIMIT:
            return None
        ahead = _read(layout, place - over, place - 1, fetch)
        same = all(ahead[-step] == bases[-step % len(bases)] for step in range(1, over + 1))
        return place - over if same else None
    after, steps = place + size, 0
    most = min(SHIFT_LIMIT, layout.last - after + 1)
    following = ""
    while steps < most:
        if steps == len(following):
            following += _read(layout, after + steps, min(after + 2 * steps + 15, layout.last), fetch)
        if following[steps] != bases[steps % len(bases)]:
            break
        steps += 1
    return place + steps
