"""Where the answers about a contig change: what is known of one base of a stretch is known of all of it."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from annotator.blocks.compiled import Flags, Ints
from annotator.features import NEARBY, FeatureLookup

#: csq is asked about what lies within so many bases of a gene or transcript; it says nothing about the rest.
MARGIN = NEARBY
#: So many bases from any exon, what csq says hangs no more on the bases: its splice regions have eight.
AWAY = 16


class Places:
    """The stretches of one contig, numbered from 0. What lies before the first position has no stretch."""

    def __init__(self, features: FeatureLookup, contig: str) -> None:
        found = features.stretches(contig)
        near = _widened(found.spans, MARGIN)
        by_exons = _widened(found.exons or [(1, 2**32)], AWAY)
        edges = np.array([1, *found.edges], np.int64)
        #: The first positions of the stretches.
        self.starts: Ints = np.unique(np.concatenate([edges, near.ravel(), by_exons.ravel()]))
        #: Whether csq may have something to say, by stretch.
        self.near: Flags = self._covered(near)
        #: Whether csq says the same of all changes that lie within, by stretch.
        self.alike: Flags = ~self._covered(by_exons)

    @cached_property
    def exonic(self) -> tuple[Ints, Ints]:
        """Where what lies within AWAY bases of exons begins, and where it has ended: all that codes is there."""
        turns = np.diff((self.near & ~self.alike).astype(np.int8), prepend=0)
        begins, stops = self.starts[turns > 0], self.starts[turns < 0]
        return begins, stops if len(stops) == len(begins) else np.append(stops, np.iinfo(np.int64).max)

    def _covered(self, spans: Ints) -> Flags:
        turns = np.zeros(len(self.starts), np.int64)
        for column, turn in ((0, 1), (1, -1)):
            np.add.at(turns, np.searchsorted(self.starts, spans[:, column]), turn)
        covered: Flags = np.cumsum(turns) > 0
        return covered

    def of(self, positions: Ints) -> Ints:
        """The stretch of each position (1-based)."""
        return np.searchsorted(self.starts, positions, side="right") - 1


def _widened(spans: Sequence[tuple[int, int]], by: int) -> Ints:
    """Where each begins, and the first position behind it, with so many bases more on either side."""
    first, last = np.array(spans, np.int64).reshape(-1, 2).T
    return np.stack([np.maximum(1, first - by), last + by + 1], axis=1)
