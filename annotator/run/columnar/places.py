"""Divide a contig into stretches: within a stretch away from exons, all changes have the same consequences."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from annotator.effects.genes import NEARBY, Models
from annotator.effects.transcript import Span
from annotator.run.columnar.compiled import Flags, Ints

#: A change that is more than this number of bases from any exon touches no exon, splice site or splice region. The
#: polypyrimidine tract begins 17 bases before an exon.
AWAY = 20
_FAR = 2**40  # no position


class Places:
    """The stretches of one contig, numbered from 0.

    Args:
        everything: the gene models near the spans. Other gene models do not affect changes in the spans.
        spans: stretches of the contig, sorted. Changes outside them are not covered.
    """

    def __init__(self, everything: Models, spans: Sequence[Span]) -> None:
        known = everything.transcripts if spans else []
        exons = _spans([exon for one in known for exon in one.exons])
        transcripts = _spans([(one.start, one.end) for one in known])
        genes = _spans([(one.start, one.end) for one in everything.genes])
        regions = _spans([(one.start, one.end) for one in everything.regions])
        self._exonic = _widened(exons, AWAY)
        edges = (_widened(transcripts, 0), _widened(genes, 0), _widened(genes, NEARBY), _widened(regions, 0))
        reverse = np.array([one.strand == "-" for one in everything.genes], np.bool_)
        middles = (
            # Between genes that a position is upstream of, and between genes that it is downstream of.
            _middles(genes[reverse, 1], genes[~reverse, 0]),
            _middles(genes[~reverse, 1], genes[reverse, 0]),
        )
        told = _widened(_spans(spans), 0)
        parts = [np.array([1], np.int64), told.ravel(), *middles, self._exonic.ravel(), *(one.ravel() for one in edges)]
        starts = np.unique(np.concatenate(parts))
        #: The first position of each stretch.
        self.starts: Ints = starts[starts > 0]
        #: Whether all changes within a stretch have the same consequences, by stretch.
        self.alike: Flags = self._covered(told) & ~self._covered(self._exonic)

    @cached_property
    def exonic(self) -> tuple[Ints, Ints]:
        """The first positions of the stretches within AWAY bases of exons, and the first positions after them."""
        turns = np.diff((~self.alike).astype(np.int8), prepend=0)
        begins, stops = self.starts[turns > 0], self.starts[turns < 0]
        return begins, stops if len(stops) == len(begins) else np.append(stops, np.iinfo(np.int64).max)

    def _covered(self, spans: Ints) -> Flags:
        turns = np.zeros(len(self.starts), np.int64)
        for column, turn in ((0, 1), (1, -1)):
            at = np.searchsorted(self.starts, spans[:, column])
            np.add.at(turns, at[at < len(turns)], turn)
        covered: Flags = np.cumsum(turns) > 0
        return covered

    def of(self, positions: Ints) -> Ints:
        """Return the stretch of each position (1-based)."""
        return np.searchsorted(self.starts, positions, side="right") - 1


def _spans(spans: Sequence[Span]) -> Ints:
    return np.array(spans, np.int64).reshape(-1, 2)


def _widened(spans: Ints, by: int) -> Ints:
    """Return the first position of each span and the first position after it, widened by `by` bases on either side."""
    return np.stack([np.maximum(1, spans[:, 0] - by), spans[:, 1] + by + 1], axis=1)


def _middles(ends: Ints, starts: Ints) -> Ints:
    """Return the positions at which the next gene becomes nearer than the previous one.

    Args:
        ends: the last bases of the genes that count as previous.
        starts: the first bases of the genes that count as next.
    """
    events = np.concatenate([ends, starts])
    order = np.argsort(events, kind="stable")
    is_end = order < len(ends)
    before = np.maximum.accumulate(np.where(is_end, events[order], 0))[:-1]
    behind = np.minimum.accumulate(np.where(is_end, _FAR, events[order])[::-1])[::-1][1:]
    there = (before > 0) & (behind < _FAR)
    return (before[there] + behind[there]) // 2 + 1
