"""The bases around the records of a block."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from annotator.run.columnar.compiled import Bytes, Ints, array_of

#: Bases on either side of a record, along which its alleles can be shifted.
REACH = 512
#: Records that are further apart than this, in bases, are read separately.
GAP = 4096

Fetch = Callable[[int, int], str]  # first, last (1-based, included) -> upper-case bases, cut at the contig's ends


class Window(NamedTuple):
    """The bases around lines.

    bases: stretches of the contig, concatenated.
    at: the offset of each line's POS in `bases`.
    low, high: the offsets of the stretch around each line, `high` not included.
    """

    bases: Bytes
    at: Ints
    low: Ints
    high: Ints


def window(pos: Ints, wanted: Ints, fetch: Fetch) -> Window:
    """Read the bases around lines.

    Args:
        pos: POS of all lines of a contig.
        wanted: the indices of the lines to read around, at least one.
        fetch: returns bases of the contig.
    """
    at, low, high = (np.zeros(len(pos), np.int64) for _ in range(3))
    order = wanted[np.argsort(pos[wanted], kind="stable")]
    ordered = pos[order]
    firsts = np.append(0, np.flatnonzero(np.diff(ordered) > GAP) + 1)
    counts = np.diff(np.append(firsts, len(order)))
    starts = np.maximum(1, ordered[firsts] - REACH)
    stops = ordered[firsts + counts - 1] + REACH
    parts = [fetch(start, stop) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    begins = np.append(0, np.cumsum([len(part) for part in parts]))
    low[order], high[order] = np.repeat(begins[:-1], counts), np.repeat(begins[1:], counts)
    at[order] = low[order] + ordered - np.repeat(starts, counts)
    return Window(array_of("".join(parts).encode("ascii")), at, low, high)
