"""The places of a block's lines for the index; see annotator.formats.tabix."""

import numpy as np

from annotator.formats.tabix import WINDOW, Places
from annotator.run.columnar.compiled import Ints, compiled


def places(first: Ints, last: Ints, begins: Ints) -> Places:
    """Return the places of sorted lines.

    Args:
        first: the first base of each line.
        last: the last base of each line.
        begins: the offset of each line, followed by the end of the last line.
    """
    runs = np.empty((len(first), 3), np.int64)
    windows = np.empty((int((last - first >> WINDOW).sum()) + 2 * len(first), 2), np.int64)
    counts = np.zeros(2, np.int64)
    _place(first, last, begins, runs, windows, counts)
    return Places(
        [(number, begin, end) for number, begin, end in runs[: counts[0]].tolist()],
        [(window, begin) for window, begin in windows[: counts[1]].tolist()],
        len(first),
    )


@compiled
def _place(first: Ints, last: Ints, begins: Ints, runs: Ints, windows: Ints, counts: Ints) -> None:
    reached = -1
    for line in range(len(first)):
        start, bits = 4681, WINDOW
        while start and first[line] - 1 >> bits != last[line] - 1 >> bits:
            start, bits = (start - 1) // 8, bits + 3
        number = start + (first[line] - 1 >> bits) if start else 0
        run = counts[0] - 1
        if run >= 0 and runs[run, 0] == number:
            runs[run, 2] = begins[line + 1]
        else:
            runs[run + 1, 0], runs[run + 1, 1], runs[run + 1, 2] = number, begins[line], begins[line + 1]
            counts[0] += 1
        for window in range(max(reached + 1, first[line] - 1 >> WINDOW), (last[line] - 1 >> WINDOW) + 1):
            windows[counts[1], 0], windows[counts[1], 1] = window, begins[line]
            counts[1] += 1
            reached = window
