"""The parts of contigs that code for a protein in any transcript."""

from bisect import bisect_left
from collections.abc import Iterable

Span = tuple[int, int]  # first and last base, 1-based


class CodingParts:
    """Coding segments, which may overlap, as parts that do not, by contig."""

    def __init__(self, segments: Iterable[tuple[str, Iterable[Span]]]) -> None:
        """segments: those of each transcript, with its contig."""
        gathered: dict[str, set[Span]] = {}
        for contig, spans in segments:
            gathered.setdefault(contig, set()).update(spans)
        self._parts = {contig: _merged(spans) for contig, spans in gathered.items()}

    def within(self, contig: str, start: int, end: int) -> list[Span]:
        """The parts that share bases with start to end (1-based, included), in order and cut at both."""
        firsts, lasts = self._parts.get(contig, ((), ()))
        found = []
        for number in range(bisect_left(lasts, start), len(firsts)):
            if firsts[number] > end:
                break
            found.append((max(firsts[number], start), min(lasts[number], end)))
        return found


def _merged(spans: Iterable[Span]) -> tuple[list[int], list[int]]:
    """The first and the last bases of parts between which there is a base that codes for nothing."""
    firsts: list[int] = []
    lasts: list[int] = []
    for first, last in sorted(spans):
        if lasts and first <= lasts[-1] + 1:
            lasts[-1] = max(lasts[-1], last)
        else:
            firsts.append(first)
            lasts.append(last)
    return firsts, lasts
