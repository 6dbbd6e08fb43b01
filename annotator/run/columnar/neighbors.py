"""Find plain lines that may have neighbors on one molecule; annotator.run.phased_changes examines them one by one.

Lines without neighbors, which are nearly all lines, stay in columns. This may find too many lines, but never too few.
"""

from typing import NamedTuple

import numpy as np

from annotator.effects.genotypes import is_certain
from annotator.effects.neighbors import (
    FRAME_REACH,
    LONGEST,
    REACH,
    SHIFT,
    Junction,
    Stretch,
    across,
)
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Flags, Ints
from annotator.run.columnar.scan import CHROM, ID, INFO, LINE, POS, REF, Lines
from annotator.run.columnar.transcript_columns import TranscriptColumns
from annotator.run.splitter import MOST_DIGITS


class CodingMap:
    """The coding stretches of transcripts, and the junctions where splicing joins coding exons."""

    def __init__(self, columns: TranscriptColumns) -> None:
        counts = np.diff(columns.exons)
        start, stop = (np.repeat(offsets, counts) for offsets in (columns.start, columns.stop))
        size = columns.end - columns.begin + 1
        codes = np.flatnonzero((start >= 0) & (columns.before < stop) & (columns.before + size > start))
        before = columns.before[codes]
        begin = columns.begin[codes] + np.maximum(0, start[codes] - before)
        end = columns.begin[codes] + np.minimum(size[codes], stop[codes] - before) - 1
        model = np.repeat(np.arange(len(counts)), counts)[codes]
        reverse = columns.reverse[model]
        self.starts, self.ends = _merged(np.where(reverse, -end, begin), np.where(reverse, -begin, end))
        self._left, self._right, self._between = _junctions(begin, end, model, reverse)

    def touched(self, start: Ints, end: Ints) -> Ints:
        """Return the indices of the stretches from `start` to `end` that have a coding base."""
        if not len(self.starts):
            return np.zeros(0, np.int64)
        at = np.searchsorted(self.ends, start)
        there = self.starts[np.minimum(at, len(self.starts) - 1)] <= end
        return np.flatnonzero(there & (at < len(self.starts)))

    def joining(self, start: Ints, longest: int) -> list[Junction]:
        """Return the junctions that have changes near both ends.

        Args:
            start: the first bases of changes, sorted.
            longest: the number of bases of the longest change.
        """
        found = np.ones(len(self._left), np.bool_)
        for low, high in (
            (self._left - FRAME_REACH - longest, self._left + 1),
            (self._right - longest, self._right + FRAME_REACH),
        ):
            found &= np.searchsorted(start, low) < np.searchsorted(start, high, side="right")
        rows = (column[found].tolist() for column in (self._left, self._right, self._between))
        return list(dict.fromkeys(map(Junction, *rows)))


def _merged(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Sort stretches, and merge those that overlap or touch."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    parted = np.flatnonzero(starts[1:] > ends[:-1] + 1)
    return starts[np.append(0, parted + 1)[: len(starts)]], ends[np.append(parted, len(ends) - 1)[: len(ends)]]


def _junctions(begin: Ints, end: Ints, model: Ints, reverse: Flags) -> tuple[Ints, Ints, Ints]:
    """Return the same junctions as `effects.neighbors.junctions`, for all transcripts at once.

    Args:
        begin, end: the first and the last coding place of each exon.
        model, reverse: the index and the strand of each exon's transcript.
    """
    through = np.append(0, np.cumsum(end - begin + 1))
    parts = [(np.zeros(0, np.int64),) * 3]
    step, one = 1, np.arange(len(begin))
    while len(one):
        one = one[one + step < len(begin)]
        between = through[one + step] - through[one + 1]
        one = one[(model[one] == model[one + step]) & (between < FRAME_REACH)]
        other = one + step
        left, right = np.where(reverse[one], -begin[other], end[one]), np.where(reverse[one], -end[one], begin[other])
        parts.append((left, right, through[other] - through[one + 1]))
        step += 1
    left, right, between = (np.concatenate(column) for column in zip(*parts, strict=True))
    return left, right, between


class _Changes(NamedTuple):
    """Possible changes: the line of each; its first and last base; whether it shifts the reading frame."""

    line: Ints
    start: Ints
    end: Ints
    shifts: Flags

    def part(self, chosen: Ints | Flags) -> "_Changes":
        return _Changes(self.line[chosen], self.start[chosen], self.end[chosen], self.shifts[chosen])


def with_neighbors(text: Bytes, lines: Lines, alleles: Alleles, coding: CodingMap) -> Ints:
    """Return the plain lines, in order, that may have an allele within reach of an allele of another line.

    Args:
        text: the lines of the block.
        lines: the offsets of their columns.
        alleles: the alleles of the plain lines.
        coding: the coding stretches of the contig.
    """
    plain, others = _plain(alleles), _others(text, lines)
    changes = _Changes(*(np.concatenate(pair) for pair in zip(plain, others, strict=True)))
    changes = changes.part(coding.touched(changes.start - 1, changes.end + 1))
    changes = changes.part(np.argsort(changes.start, kind="stable"))
    changes = changes.part(_near(changes, coding, len(lines.pos)))
    changes = changes.part(_with_certain(changes, _certain(text, lines, changes.line)))
    found: Ints = np.unique(changes.line[_near(changes, coding, len(lines.pos))])
    return found[lines.plain[found]]


def _certain(text: Bytes, lines: Lines, among: Ints) -> Flags:
    """Return for each given line whether it may have a certain call; for plain lines see genotypes.is_certain."""
    found = ~lines.plain
    for line in np.unique(among[lines.plain[among]]).tolist():
        tail = text[lines.ends[line, INFO] + 1 : lines.ends[line, LINE]].tobytes().decode("latin-1")
        found[line] = is_certain(tail)
    return found[among]


def _with_certain(changes: _Changes, certain: Flags) -> Flags:
    """Return which of the sorted changes are certain, or overlap a certain change and so may be the same change."""
    far = 2**40
    before = np.maximum.accumulate(np.where(certain, changes.end, -far))
    after = np.minimum.accumulate(np.where(certain, changes.start, far)[::-1])[::-1]
    found: Flags = (changes.start <= before + 1) | (after <= changes.end + 1)
    return certain | found


def _near(changes: _Changes, coding: CodingMap, count: int) -> Flags:
    """Return for each of the sorted changes whether it may be within reach of a change of another of `count` lines."""
    if not len(changes.line):
        return np.zeros(0, np.bool_)
    chain = np.cumsum(~_within_reach(changes))
    # A chain is near if it has more than one line.
    lowest, highest = (np.full(int(chain[-1]) + 1, fill, np.int64) for fill in (count, -1))
    np.minimum.at(lowest, chain, changes.line)
    np.maximum.at(highest, chain, changes.line)
    near: Flags = (lowest < highest)[chain]
    longest = int((changes.end - changes.start).max()) + 1
    if joints := coding.joining(changes.start, longest):
        rows = zip(changes.start.tolist(), changes.end.tolist(), changes.shifts.tolist(), strict=True)
        stretches = [Stretch(*row, number) for number, row in enumerate(rows)]
        near[list(across(joints, stretches))] = True
    return near


def of_lines(alleles: Alleles, plain: Flags) -> Alleles:
    """Return the alleles of the lines that are still plain."""
    rest = np.flatnonzero(plain[alleles.line])
    return Alleles(alleles.letters, *(column[rest] for column in alleles[1:]))


def _plain(alleles: Alleles) -> _Changes:
    end = alleles.start + alleles.lost - 1 + np.minimum(alleles.slide, SHIFT)
    return _Changes(alleles.line, alleles.start, end, (alleles.gained - alleles.lost) % 3 != 0)


def _others(text: Bytes, lines: Lines) -> _Changes:
    """Return the possible changes of lines that are not plain, whose alleles are not known yet."""
    others = np.flatnonzero(~lines.plain)
    pos = lines.pos[others]
    for number in np.flatnonzero(pos == 0).tolist():
        ends = lines.ends[others[number]]
        word = text[ends[CHROM] + 1 : ends[POS]].tobytes()
        pos[number] = int(word) if word.isdigit() and len(word) <= MOST_DIGITS else 0
    size = np.minimum(lines.ends[others, REF] - lines.ends[others, ID] - 1, LONGEST)
    return _Changes(others, pos - SHIFT, pos + size - 1 + SHIFT, np.ones(len(others), np.bool_))


def _within_reach(changes: _Changes) -> Flags:
    """Do what `effects.neighbors.within_reach` does, for one or more sorted changes."""
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
