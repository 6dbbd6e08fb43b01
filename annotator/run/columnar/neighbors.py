"""Which plain lines may have neighbors on one molecule: annotator.run.phased_changes looks at them one by one.

Lines without neighbors, nearly all, stay in columns. Too many lines may be found here, and never too few.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from annotator.effects.neighbors import (
    FRAME_REACH,
    LONGEST,
    REACH,
    SHIFT,
    Junction,
    Stretch,
    across,
    junctions,
)
from annotator.effects.transcript import Transcript
from annotator.reference.gene_models import merged
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Flags, Ints
from annotator.run.columnar.scan import CHROM, ID, POS, REF, Lines
from annotator.run.splitter import MOST_DIGITS


class CodingMap:
    """Where a contig codes in any transcript, and where splicing brings coding exons together."""

    def __init__(self, transcripts: Iterable[Transcript]) -> None:
        exons: set[tuple[int, int]] = set()
        joints: set[Junction] = set()
        for transcript in transcripts:
            exons.update(transcript.coding_exons)
            joints.update(junctions(transcript))
        self.starts, self.ends = np.array(merged(exons), np.int64).reshape(-1, 2).T
        self._junctions = sorted(joints)
        self._left, self._right, _ = np.array(self._junctions, np.int64).reshape(-1, 3).T

    def touched(self, start: Ints, end: Ints) -> Ints:
        """Return the numbers of the stretches from `start` to `end` that have a coding base."""
        if not len(self.starts):
            return np.zeros(0, np.int64)
        at = np.searchsorted(self.ends, start)
        there = self.starts[np.minimum(at, len(self.starts) - 1)] <= end
        return np.flatnonzero(there & (at < len(self.starts)))

    def joining(self, start: Ints, longest: int) -> list[Junction]:
        """Return the junctions that have changes near both ends.

        Args:
            start: The first bases of changes, sorted.
            longest: The most bases that one of them takes.
        """
        found = np.ones(len(self._junctions), np.bool_)
        for low, high in (
            (self._left - FRAME_REACH - longest, self._left + 1),
            (self._right - longest, self._right + FRAME_REACH),
        ):
            found &= np.searchsorted(start, low) < np.searchsorted(start, high, side="right")
        return [self._junctions[number] for number in np.flatnonzero(found).tolist()]


class _Changes(NamedTuple):
    """What may be changes: the line of each; its first and last base; whether it shifts the frame."""

    line: Ints
    start: Ints
    end: Ints
    shifts: Flags

    def part(self, chosen: Ints) -> "_Changes":
        return _Changes(self.line[chosen], self.start[chosen], self.end[chosen], self.shifts[chosen])


def with_neighbors(text: Bytes, lines: Lines, alleles: Alleles, coding: CodingMap) -> Ints:
    """Return the plain lines, in order, that may have an allele within reach of one of another line.

    Args:
        alleles: Those of the plain lines.
        coding: Of the contig.
    """
    plain, others = _plain(alleles), _others(text, lines)
    changes = _Changes(*(np.concatenate(pair) for pair in zip(plain, others, strict=True)))
    changes = changes.part(coding.touched(changes.start - 1, changes.end + 1))
    changes = changes.part(np.argsort(changes.start, kind="stable"))
    if not len(changes.line):
        return np.zeros(0, np.int64)
    chain = np.cumsum(~_within_reach(changes))
    # The chains that have more than one line.
    lowest, highest = (np.full(int(chain[-1]) + 1, fill, np.int64) for fill in (len(lines.pos), -1))
    np.minimum.at(lowest, chain, changes.line)
    np.maximum.at(highest, chain, changes.line)
    near = (lowest < highest)[chain]
    longest = int((changes.end - changes.start).max()) + 1
    if joints := coding.joining(changes.start, longest):
        rows = zip(changes.start.tolist(), changes.end.tolist(), changes.shifts.tolist(), strict=True)
        stretches = [Stretch(*row, number) for number, row in enumerate(rows)]
        near[list(across(joints, stretches))] = True
    found: Ints = np.unique(changes.line[near])
    return found[lines.plain[found]]


def of_lines(alleles: Alleles, plain: Flags) -> Alleles:
    """Return the alleles of the lines that are still plain."""
    rest = np.flatnonzero(plain[alleles.line])
    return Alleles(alleles.letters, *(column[rest] for column in alleles[1:]))


def _plain(alleles: Alleles) -> _Changes:
    end = alleles.start + alleles.lost - 1 + np.minimum(alleles.slide, SHIFT)
    return _Changes(alleles.line, alleles.start, end, (alleles.gained - alleles.lost) % 3 != 0)


def _others(text: Bytes, lines: Lines) -> _Changes:
    """Return all that lines that are not plain may be: their alleles are not known yet."""
    others = np.flatnonzero(~lines.plain)
    pos = lines.pos[others]
    for number in np.flatnonzero(pos == 0).tolist():
        ends = lines.ends[others[number]]
        word = text[ends[CHROM] + 1 : ends[POS]].tobytes()
        pos[number] = int(word) if word.isdigit() and len(word) <= MOST_DIGITS else 0
    size = np.minimum(lines.ends[others, REF] - lines.ends[others, ID] - 1, LONGEST)
    return _Changes(others, pos - SHIFT, pos + size - 1 + SHIFT, np.ones(len(others), np.bool_))


def _within_reach(changes: _Changes) -> Flags:
    """As `effects.neighbors.within_reach`, of one or more sorted changes."""
    count = len(changes.start)
    far = 2 * FRAME_REACH
    lowest = changes.start[0] - far
    end = np.full(count, lowest, np.int64)
    shift_end = end.copy()
    np.maximum.accumulate(changes.end[:-1], out=end[1:])
    np.maximum.accumulate(np.where(changes.shifts, changes.end, lowest)[:-1], out=shift_end[1:])
    shifting = np.where(changes.shifts, changes.start, changes.end.max() + far)
    next_shift = np.minimum.accumulate(shifting[::-1])[::-1]
    near: Flags = (
        (changes.start - end <= REACH) | (changes.start - shift_end <= FRAME_REACH) | (next_shift - end <= FRAME_REACH)
    )
    return near
