"""The bases around the records of a block."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from annotator.run.columnar.compiled import Bytes, Ints, array_of

#: Bases on either side of a record that are there to shift its alleles along.
REACH = 512
#: Records that are further apart do not share what is read.
GAP = 4096

Fetch = Callable[[int, int], str]  # first, last (1-based, included) -> upper-case bases, cut at the contig's ends


class Window(NamedTuple):
    """bases, and for each line the place of its POS in them, and from where to where they belong together there."""

    bases: Bytes
    at: Ints
    low: Ints
    high: Ints


def window(pos: Ints, wanted: Ints, fetch: Fetch) -> Window:
    """pos: of all lines of a contig; wanted: the numbers of those that are to be looked at, one at least."""
    at, low, high = (np.zeros(len(pos), np.int64) for _ in range(3))
    order = wanted[np.argsort(pos[wanted], kind="stable")]
    parts, size = [], 0
    for lines in np.split(order, np.flatnonzero(np.diff(pos[order]) > GAP) + 1):
        start = max(1, int(pos[lines[0]]) - REACH)
        part = fetch(start, int(pos[lines[-1]]) + REACH).encode("ascii")
        parts.append(part)
        at[lines], low[lines] = size + pos[lines] - start, size
        size += len(part)
        high[lines] = size
    return Window(array_of(b"".join(parts)), at, low, high)
