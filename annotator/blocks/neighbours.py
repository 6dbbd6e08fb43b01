"""Which plain lines have neighbours that may lie on one molecule with them: annotator.phasing looks at them one by one.

Those that have none, and that is nearly all, stay in columns. What is found here may be too much and never too little.
"""

from typing import NamedTuple

import numpy as np

from annotator.blocks.alleles import Alleles
from annotator.blocks.compiled import Bytes, Flags, Ints
from annotator.blocks.cutting import MOST_DIGITS
from annotator.blocks.places import Places
from annotator.blocks.scan import CHROM, ID, POS, REF, Lines
from annotator.phasing import FRAME_REACH, LONGEST, REACH, SHIFT, Coding


class _Changes(NamedTuple):
    """What may be changes: of which line; the first and the last base; whether they shift the frame."""

    line: Ints
    start: Ints
    end: Ints
    shifts: Flags

    def part(self, chosen: Ints | Flags) -> "_Changes":
        return _Changes(self.line[chosen], self.start[chosen], self.end[chosen], self.shifts[chosen])

    def joined(self, others: "_Changes") -> "_Changes":
        return _Changes(
            np.concatenate([self.line, others.line]),
            np.concatenate([self.start, others.start]),
            np.concatenate([self.end, others.end]),
            np.concatenate([self.shifts, others.shifts]),
        )


def with_neighbours(text: Bytes, lines: Lines, alleles: Alleles, places: Places, features: Coding, contig: str) -> Ints:
    """Return the plain lines, in order, that have an allele near one of another line, where both code.

    alleles: those of the plain lines; places: of the contig.
    """
    changes = _plain(alleles, places).joined(_others(text, lines, places))
    changes = changes.part(np.argsort(changes.start, kind="stable"))
    begins = np.flatnonzero(~_within_reach(changes))
    stops = np.append(begins[1:], len(changes.line))
    found = []
    for begin, stop in zip(begins[stops - begins > 1].tolist(), stops[stops - begins > 1].tolist(), strict=True):
        members = np.unique(changes.line[begin:stop])
        if len(members) > 1 and lines.plain[members].any():
            first, last = int(changes.start[begin]) - 1, int(changes.end[begin:stop].max()) + 1
            if features.coding(contig, max(first, 1), last):
                found.append(members[lines.plain[members]])
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def of_lines(alleles: Alleles, plain: Flags) -> Alleles:
    """The alleles of those lines that are plain still."""
    rest = np.flatnonzero(plain[alleles.line])
    return Alleles(alleles.letters, *(column[rest] for column in alleles[1:]))


def _plain(alleles: Alleles, places: Places) -> _Changes:
    """Of plain lines, those near exons."""
    near = _exonic(alleles.start, alleles.start + alleles.lost, places)
    start, lost = alleles.start[near], alleles.lost[near]
    return _Changes(alleles.line[near], start, start + lost - 1, (alleles.gained[near] - lost) % 3 != 0)


def _others(text: Bytes, lines: Lines, places: Places) -> _Changes:
    """Of lines that are not plain all that they may be, near exons: what their alleles are is not known yet."""
    others = np.flatnonzero(~lines.plain)
    pos = lines.pos[others]
    for number in np.flatnonzero(pos == 0).tolist():
        ends = lines.ends[others[number]]
        word = text[ends[CHROM] + 1 : ends[POS]].tobytes()
        pos[number] = int(word) if word.isdigit() and len(word) <= MOST_DIGITS else 0
    behind = pos + np.minimum(lines.ends[others, REF] - lines.ends[others, ID] - 1, LONGEST)
    found = _Changes(others, pos - SHIFT, behind - 1, np.ones(len(others), np.bool_))
    return found.part(_exonic(found.start, behind, places))


def _exonic(start: Ints, behind: Ints, places: Places) -> Ints:
    """The numbers of those near exons, out of their first bases and the first that is behind each."""
    begins, stops = places.exonic
    if not len(start) or not len(begins):
        return np.zeros(0, np.int64)
    # Of a contig with thousands of exons, a block is near a few.
    low = np.searchsorted(stops, start.min(), side="right")
    high = np.searchsorted(begins, behind.max(), side="right")
    begins, stops = begins[low:high], stops[low:high]
    if not len(begins):
        return np.zeros(0, np.int64)
    place = np.searchsorted(stops, start, side="right")
    there = begins[np.minimum(place, len(begins) - 1)] <= behind
    found: Ints = np.flatnonzero(there & (place < len(begins)))
    return found


def _within_reach(changes: _Changes) -> Flags:
    """As phasing.within_reach, of sorted changes."""
    count = len(changes.start)
    if not count:
        return np.zeros(0, np.bool_)
    far = 2 * FRAME_REACH + SHIFT
    end = np.full(count, -far, np.int64)
    shift_end = end.copy()
    np.maximum.accumulate(changes.end[:-1], out=end[1:])
    np.maximum.accumulate(np.where(changes.shifts, changes.end, -far)[:-1], out=shift_end[1:])
    shifting = np.where(changes.shifts, changes.start, changes.start[-1] + changes.end.max() + far)
    next_shift = np.minimum.accumulate(shifting[::-1])[::-1]
    near: Flags = (
        (changes.start - end <= REACH) | (changes.start - shift_end <= FRAME_REACH) | (next_shift - end <= FRAME_REACH)
    )
    return near
