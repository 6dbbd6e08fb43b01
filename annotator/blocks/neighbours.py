"""Which plain lines have neighbours that may lie on one molecule with them: annotator.phasing looks at them one by one.

Those that have none, and that is nearly all, stay in columns. What is found here may be too much and never too little.
"""

from typing import NamedTuple

import numpy as np

from annotator.blocks.alleles import Alleles
from annotator.blocks.compiled import Bytes, Flags, Ints
from annotator.blocks.places import Places
from annotator.blocks.scan import CHROM, ID, POS, REF, Lines
from annotator.phasing import FRAME_REACH, LONGEST, REACH, SHIFT, Coding

MOST_DIGITS = 15


class _Changes(NamedTuple):
    """What may be changes: of which line; the first and the last base; whether they shift the frame."""

    line: Ints
    start: Ints
    end: Ints
    shifts: Flags

    def part(self, chosen: Ints | Flags) -> "_Changes":
        return _Changes(self.line[chosen], self.start[chosen], self.end[chosen], self.shifts[chosen])


def with_neighbours(text: Bytes, lines: Lines, alleles: Alleles, places: Places, features: Coding, contig: str) -> Ints:
    """Return the plain lines, in order, that have an allele near one of another line, where both code.

    alleles: those of the plain lines; places: of the contig.
    """
    changes = _exonic(_plain(alleles), _others(text, lines), places)
    order = np.argsort(changes.start, kind="stable")
    changes = changes.part(order)
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


def without(alleles: Alleles, lines: Ints) -> Alleles:
    """The alleles of all other lines."""
    rest = ~np.isin(alleles.line, lines)
    return Alleles(alleles.letters, *(column[rest] for column in alleles[1:]))


def _plain(alleles: Alleles) -> _Changes:
    end = alleles.start + alleles.lost - 1
    return _Changes(alleles.line, alleles.start, end, (alleles.gained - alleles.lost) % 3 != 0)


def _others(text: Bytes, lines: Lines) -> _Changes:
    """Of lines that are not plain all that they may be: what their alleles are is not known yet."""
    others = np.flatnonzero(~lines.plain)
    pos = lines.pos[others]
    for number in np.flatnonzero(pos == 0).tolist():
        ends = lines.ends[others[number]]
        word = text[ends[CHROM] + 1 : ends[POS]].tobytes()
        pos[number] = int(word) if word.isdigit() and len(word) <= MOST_DIGITS else 0
    size = np.minimum(lines.ends[others, REF] - lines.ends[others, ID] - 1, LONGEST)
    return _Changes(others, pos - SHIFT, pos + size - 1, np.ones(len(others), np.bool_))


def _exonic(plain: _Changes, others: _Changes, places: Places) -> _Changes:
    """Both, as far as they lie near exons."""
    every = _Changes(
        np.concatenate([plain.line, others.line]),
        np.concatenate([plain.start, others.start]),
        np.concatenate([plain.end, others.end]),
        np.concatenate([plain.shifts, others.shifts]),
    )
    begins, stops = places.exonic
    if not len(every.start) or not len(begins):
        return every.part(np.zeros(0, np.int64))
    # Of a contig with thousands of exons, a block is near a few.
    low = np.searchsorted(stops, every.start.min(), side="right")
    high = np.searchsorted(begins, every.end.max() + 1, side="right")
    begins, stops = begins[low:high], stops[low:high]
    place = np.searchsorted(stops, every.start, side="right")
    near = place < len(begins)
    near[near] = begins[place[near]] <= every.end[near] + 1
    return every.part(near)


def _within_reach(changes: _Changes) -> Flags:
    """As phasing.Reach has it, of sorted changes."""
    if not len(changes.start):
        return np.zeros(0, np.bool_)
    never = -FRAME_REACH - SHIFT - 2
    end = np.maximum.accumulate(np.concatenate([[never], changes.end[:-1]]))
    shifted = np.where(changes.shifts, changes.end, never)
    shift_end = np.maximum.accumulate(np.concatenate([[never], shifted[:-1]]))
    reach = np.where(changes.shifts, FRAME_REACH, REACH)
    near: Flags = (changes.start - end <= reach) | (changes.start - shift_end <= FRAME_REACH)
    return near
