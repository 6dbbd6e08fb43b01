"""Where the answers about a contig change: what is known of one base of a stretch is known of all of it."""

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

import numpy as np

from annotator.blocks.compiled import Flags, Ints
from annotator.features import NEARBY, FeatureLookup

#: csq is asked about what lies within so many bases of a gene or transcript; it says nothing about the rest.
MARGIN = NEARBY
#: So many bases from any exon, what csq says hangs no more on the bases: its splice regions have eight.
AWAY = 30


class Places:
    """The stretches of one contig, numbered from 0. What lies before the first position has no stretch."""

    def __init__(self, features: FeatureLookup, contig: str) -> None:
        found = features.stretches(contig)
        near = [(max(1, start - MARGIN), end + MARGIN + 1) for start, end in found.spans]
        by_exons = [(max(1, start - AWAY), end + AWAY + 1) for start, end in found.exons or [(1, 2**32)]]
        edges = {1, *found.edges, *(edge for span in (*near, *by_exons) for edge in span)}
        self.edges: list[int] = sorted(edges)
        #: The first positions of the stretches.
        self.starts: Ints = np.array(self.edges, np.int64)
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

    def _covered(self, spans: list[tuple[int, int]]) -> Flags:
        turns = dict.fromkeys(self.edges, 0)
        for start, end in spans:
            turns[start] += 1
            turns[end] -= 1
        return np.array([depth > 0 for depth in accumulate(turns[edge] for edge in self.edges)])

    def at(self, pos: int) -> int:
        """The stretch of a position (1-based)."""
        return bisect_right(self.edges, pos) - 1

    def of(self, positions: Ints) -> Ints:
        """The stretch of each position."""
        return np.searchsorted(self.starts, positions, side="right") - 1
