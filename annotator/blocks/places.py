"""Where the answers about a contig change: what is known of one base of a stretch is known of all of it."""

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

import polars as pl

from annotator.features import NEARBY, FeatureLookup

#: csq is asked about what lies within so many bases of a gene or transcript; it says nothing about the rest.
MARGIN = NEARBY


class Places:
    """The stretches of one contig, numbered from 0. What lies before the first position has no stretch."""

    def __init__(self, features: FeatureLookup, contig: str) -> None:
        edges, spans = features.stretches(contig)
        near = sorted((max(1, start - MARGIN), end + MARGIN + 1) for start, end in spans)
        self.edges: list[int] = sorted({1, *edges, *(edge for span in near for edge in span)})
        turns = dict.fromkeys(self.edges, 0)
        for start, end in near:
            turns[start] += 1
            turns[end] -= 1
        #: Whether csq may have something to say, by stretch.
        self.near: list[bool] = [depth > 0 for depth in accumulate(turns[edge] for edge in self.edges)]

    def at(self, pos: int) -> int:
        """The stretch of a position (1-based)."""
        return bisect_right(self.edges, pos) - 1

    def of(self, positions: pl.Series) -> pl.Series:
        """The stretch of each position."""
        return self._series.search_sorted(positions, side="right").cast(pl.Int64) - 1

    @cached_property
    def _series(self) -> pl.Series:
        """The first positions of the stretches."""
        return pl.Series(self.edges, dtype=pl.Int64)

    @cached_property
    def near_series(self) -> pl.Series:
        """near, as a series."""
        return pl.Series(self.near, dtype=pl.Boolean)
