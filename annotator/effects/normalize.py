"""The normal form of an allele: one spelling for all the ways in which VCF can write a change.

It is that of `bcftools norm`, the parsimonious and left-aligned one (Tan, Abecasis and Kang, Bioinformatics 2015;
31:2202-2204): no base that REF and ALT share but the one that an insertion or deletion needs in front of it (behind it
at a contig's first base), and insertions and deletions as far left as the sequence lets them go.

Two alleles have the same normal form if and only if they turn the contig into the same sequence. Where both REF and ALT
are left with bases of their own once the shared ends are cut, the cut is the only one there is. Where one of the two is
empty, all the ways to write the change are shifts of each other along a repeat, of which one is leftmost.
"""

from collections.abc import Callable

from annotator.effects.allele import Change, shortest

Fetch = Callable[[str, int, int], str]  # contig, first, last (1-based, included) -> upper-case bases
Variant = tuple[int, str, str]  # position (1-based), REF, ALT

FIRST_STRETCH = 16  # bases that are looked at first; almost no repeat is longer
LONGEST_STRETCH = 64 * 1024


def normal(contig: str, pos: int, ref: str, alt: str, fetch: Fetch) -> Variant:
    """Return the normal form of an allele whose REF agrees with the sequence; both in upper-case A, C, G, T.

    Its position is at most pos + len(ref) - 1, and may lie before pos by any length of a repeat: there is no bound
    but the repeat's own, and callers must not count on one. Takes time and memory in proportion to the allele, and
    time to the repeat. An ALT that is REF comes back as it is.
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
    """Count the bases in front of pos that repeat `bases` backwards: so far can a change of these bases be shifted."""
    size = len(bases)
    steps = 0
    stretch = FIRST_STRETCH
    while True:
        last = pos - 1 - steps
        found = fetch(contig, max(1, last - stretch + 1), last) if last >= 1 else ""
        if not found:
            return steps
        # What stands in front of pos if the repeat goes on for as long as this stretch.
        end = size - steps % size
        need = len(found) - end
        expected = bases * (-(-need // size)) + bases[:end] if need > 0 else bases[-need:end]
        expected = expected[-len(found) :]
        if found != expected:
            return steps + _shared_end(found, expected)
        steps += len(found)
        stretch = min(2 * stretch, LONGEST_STRETCH)


def _shared_end(one: str, other: str) -> int:
    """Return how many letters two strings of one length, which differ, have in common at their ends."""
    same, different = 0, len(one)
    while different - same > 1:
        middle = (same + different) // 2
        if one[-middle:] == other[-middle:]:
            same = middle
        else:
            different = middle
    return same


class Window:
    """Bases of a sequence through a small window that moves along with who reads; for one thread."""

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
