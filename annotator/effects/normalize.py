"""The normal form of an allele: one spelling for all the ways in which VCF can write a change.

It is the parsimonious, left-aligned form of `bcftools norm` (Tan, Abecasis and Kang, Bioinformatics 2015;
31:2202-2204). REF and ALT share no base except the one that an insertion or deletion needs before it (after it at the
first base of a contig), and insertions and deletions are as far left as the sequence allows.

Two alleles have the same normal form if and only if they turn the contig into the same sequence. If REF and ALT both
have bases left after the shared ends are removed, there is only one way to remove them. If one of the two is empty, all
ways to write the change are shifts along a repeat, and one of them is leftmost.
"""

from collections.abc import Callable

from annotator.effects.allele import Change, shortest

Fetch = Callable[[str, int, int], str]  # contig, first, last (1-based, included) -> upper-case bases
Variant = tuple[int, str, str]  # position (1-based), REF, ALT

FIRST_STRETCH = 16  # bases that are read first; almost no repeat is longer
LONGEST_STRETCH = 64 * 1024


def normal(contig: str, pos: int, ref: str, alt: str, fetch: Fetch) -> Variant:
    """Return the normal form of an allele whose REF matches the sequence; both in upper-case A, C, G, T.

    Its position is at most pos + len(ref) - 1. It may lie before pos by the length of any repeat, so callers must not
    assume a limit. Memory is proportional to the allele, time to the allele and the repeat. An allele whose ALT is REF
    is returned unchanged.
    """
    if len(ref) == 1 == len(alt) or ref == alt:
        return pos, ref, alt
    change = shortest(pos, ref, alt)
    if change.ref and change.alt:
        return change.pos, change.ref, change.alt
    bases = change.ref or change.alt
    steps = _steps_left(contig, change.pos, bases, fetch)
    turn = steps % len(bases)
    if turn:
        bases = bases[-turn:] + bases[:-turn]
    start = change.pos - steps
    return _anchored(contig, Change(start, bases, "") if change.ref else Change(start, "", bases), fetch)


def _anchored(contig: str, change: Change, fetch: Fetch) -> Variant:
    if change.pos > 1:
        anchor = fetch(contig, change.pos - 1, change.pos - 1)
        return change.pos - 1, anchor + change.ref, anchor + change.alt
    behind = change.end + 1
    anchor = fetch(contig, behind, behind)
    return 1, change.ref + anchor, change.alt + anchor


def _steps_left(contig: str, pos: int, bases: str, fetch: Fetch) -> int:
    """Count the bases before pos that repeat `bases` backwards: a change of these bases can be shifted that far."""
    size = len(bases)
    steps = 0
    stretch = FIRST_STRETCH
    while True:
        last = pos - 1 - steps
        found = fetch(contig, max(1, last - stretch + 1), last) if last >= 1 else ""
        if not found:
            return steps
        # The bases before pos if the repeat continues over the whole stretch.
        end = size - steps % size
        need = len(found) - end
        expected = bases * (-(-need // size)) + bases[:end] if need > 0 else bases[-need:end]
        expected = expected[-len(found) :]
        if found != expected:
            return steps + _shared_end(found, expected)
        steps += len(found)
        stretch = min(2 * stretch, LONGEST_STRETCH)


def _shared_end(one: str, other: str) -> int:
    """Return how many letters two different strings of the same length share at their ends."""
    same, different = 0, len(one)
    while different - same > 1:
        middle = (same + different) // 2
        if one[-middle:] == other[-middle:]:
            same = middle
        else:
            different = middle
    return same


class Window:
    """Reads the bases of a sequence through a small window that follows the reader. Not thread-safe."""

    _SIZE, _BEFORE = 4096, 1024

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._contig = ""
        self._first, self._last = 1, 0
        self._text = ""

    def fetch(self, contig: str, first: int, last: int) -> str:
        """Return the bases from first to last, both 1-based and included, cut at the contig's ends."""
        first = max(first, 1)
        if contig != self._contig or first < self._first or last > self._last:
            if last - first > self._SIZE - self._BEFORE:
                return self._fetch(contig, first, last)
            self._contig = contig
            self._first = max(1, first - self._BEFORE)
            self._last = self._first + self._SIZE
            self._text = self._fetch(contig, self._first, self._last)
        return self._text[first - self._first : max(0, last + 1 - self._first)]
