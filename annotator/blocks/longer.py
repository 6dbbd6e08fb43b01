"""Alleles longer than one base, quickly: most are an insertion or deletion that a repeat lets shift by few bases."""

from typing import NamedTuple

from annotator import hgvs
from annotator.alleles import Change, shortest
from annotator.sources.matching import Fetch, Variant, normal

SIZE = 256 * 1024  # bases in memory
REACH = 1024  # bases on either side of an allele that are in memory


class Longer(NamedTuple):
    """What is to be known of an allele: its normal form, as such and as a change, and HGVS's description."""

    change: Change
    hgvs: str
    variant: Variant


class Describer:
    """Describes alleles of one contig; those that come in order of position are quickest."""

    def __init__(self, contig: str, fetch: Fetch, prefix: str) -> None:
        self._contig = contig
        self._fetch = fetch
        self._prefix = prefix
        self._first, self._last, self._text = 1, 0, ""

    def fetch(self, contig: str, first: int, last: int, /) -> str:
        """See hgvs.Bases."""
        return self._fetch(contig, first, last)

    def describe(self, pos: int, ref: str, alt: str) -> Longer:
        """The allele must differ from REF, and that agree with the sequence."""
        if ref[0] == alt[0] and 1 in {len(ref), len(alt)}:  # as nearly all are written; it is shifted anyway
            change = Change(pos + 1, ref[1:], alt[1:])
        else:
            change = shortest(pos, ref, alt)
        bases = change.ref or change.alt
        if not (change.ref and change.alt) and len(bases) < REACH // 4:
            found = self._shifted(change, bases)
            if found is not None:
                return found
        variant = normal(self._contig, pos, ref, alt, self._fetch)
        change = shortest(*variant)
        return Longer(change, hgvs.genomic(change, self._contig, self, self._prefix), variant)

    def _shifted(self, change: Change, bases: str) -> Longer | None:
        """Of an insertion or deletion; None if it shifts far, or lies near an end of the contig."""
        pos, size = change.pos, len(bases)
        if pos - REACH < self._first or pos + REACH > self._last:
            self._first = max(1, pos - REACH)
            self._text = self._fetch(self._contig, self._first, self._first + SIZE)
            self._last = self._first + len(self._text) - 1
        text, place = self._text, pos - self._first
        if not REACH // 2 < place < len(text) - REACH:
            return None
        left = 0
        while left < REACH // 4 and text[place - 1 - left] == bases[-1 - left % size]:
            left += 1
        after = place + len(change.ref)
        right = 0
        while right < REACH // 4 and text[after + right] == bases[right % size]:
            right += 1
        if REACH // 4 in {left, right}:
            return None
        turn = left % size
        back = bases[size - turn :] + bases[: size - turn]
        start = place - left
        anchor = text[start - 1]
        turn = right % size
        bases = bases[turn:] + bases[:turn]
        pos += right
        first = start + self._first
        change, deleted = (Change(first, back, ""), True) if change.ref else (Change(first, "", back), False)
        if deleted:
            variant = (start - 1 + self._first, anchor + back, anchor)
            span = f"{pos}" if size == 1 else f"{pos}_{pos + size - 1}"
            return Longer(change, f"{self._prefix}.{span}del", variant)
        variant = (start - 1 + self._first, anchor, anchor + back)
        place += right
        if text[place - size : place] == bases:
            span = f"{pos - 1}" if size == 1 else f"{pos - size}_{pos - 1}"
            return Longer(change, f"{self._prefix}.{span}dup", variant)
        return Longer(change, f"{self._prefix}.{pos - 1}_{pos}ins{bases}", variant)
