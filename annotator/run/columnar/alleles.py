"""The alleles of plain records: their normal form, and how far they can be shifted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.effects.allele import Change
from annotator.effects.normalize import Variant
from annotator.run.columnar import forms, scan
from annotator.run.columnar.compiled import Bytes, Ints, array_of, compiled, put
from annotator.run.columnar.scan import Lines
from annotator.run.columnar.window import REACH, Window
from annotator.run.outputs.summary import TYPES

SNV, INSERTION, DELETION, MNV, OTHER = range(len(TYPES))


class Alleles(NamedTuple):
    """The alleles of a block in columns: one array element per allele, in order, except for `letters`.

    letters: the bases of all alleles; ref, given and bases are offsets into it.
    line: index of the allele's line.
    alt, alt_end: the offsets of the allele in the file's text.
    kind: SNV, INSERTION, DELETION, MNV or OTHER.
    start: first base of the change, shifted left as far as possible. An insertion lies before `start`.
    lost: number of reference bases that the change removes.
    gained: number of bases that the change inserts.
    slide: how many bases the change can be shifted right.
    pos: position of the normal form.
    ref, ref_size: REF of the normal form.
    given, given_size: ALT of the normal form.
    bases: offset of the lost bases, or of the gained bases if none are lost.
    """

    letters: Bytes
    line: Ints
    alt: Ints
    alt_end: Ints
    kind: Ints
    start: Ints
    lost: Ints
    gained: Ints
    slide: Ints
    pos: Ints
    ref: Ints
    ref_size: Ints
    given: Ints
    given_size: Ints
    bases: Ints

    def variant(self, number: int) -> Variant:
        """Return the normal form of an allele."""
        ref, given = int(self.ref[number]), int(self.given[number])
        return (
            int(self.pos[number]),
            self.letters[ref : ref + self.ref_size[number]].tobytes().decode(),
            self.letters[given : given + self.given_size[number]].tobytes().decode(),
        )

    def change(self, number: int) -> Change:
        """Return the change of an allele, in normal form."""
        _, ref, alt = self.variant(number)
        if self.kind[number] in (INSERTION, DELETION):
            ref, alt = ref[1:], alt[1:]
        return Change(int(self.start[number]), ref, alt)


def described(text: Bytes, lines: Lines, window: Window) -> Alleles:
    """Return the alleles of the plain lines.

    Lines whose REF differs from the reference, or whose alleles extend beyond the window, are marked as not plain.
    """
    most = _count(text, lines)
    columns = [np.zeros(most, np.int64) for _ in range(len(Alleles.__annotations__) - 1)]
    # Room for REF and ALT of each allele, or for one of them and the base before it.
    found = Alleles(np.zeros(2 * scan.LONGEST * most, np.uint8), *columns)
    count, size = _describe(text, lines, window, found)
    return Alleles(found.letters[:size].copy(), *(column[:count] for column in columns))


def joined(alleles: Alleles, chosen: Ints, variants: Sequence[Variant]) -> tuple[Ints, Ints, Ints, Ints, Ints, Bytes]:
    """Return the normal forms of the chosen alleles, followed by the variants.

    Returns:
        Arrays pos, ref, ref_size, given, given_size, and the bases into which ref and given are offsets.
    """
    more = [(pos, len(ref), len(alt)) for pos, ref, alt in variants]
    pos, ref_size, given_size = (
        np.array(column, np.int64) for column in (zip(*more, strict=True) if more else [()] * 3)
    )
    ends = len(alleles.letters) + np.cumsum(ref_size + given_size)
    letters = array_of("".join(ref + alt for _, ref, alt in variants).encode("ascii"))
    return (
        np.concatenate([alleles.pos[chosen], pos]),
        np.concatenate([alleles.ref[chosen], ends - given_size - ref_size]),
        np.concatenate([alleles.ref_size[chosen], ref_size]),
        np.concatenate([alleles.given[chosen], ends - given_size]),
        np.concatenate([alleles.given_size[chosen], given_size]),
        np.concatenate([alleles.letters, letters]),
    )


@compiled
def _count(text: Bytes, lines: Lines) -> int:
    count = 0
    for line in range(len(lines.pos)):
        if lines.plain[line]:
            count += 1
            for at in range(lines.ends[line, scan.REF] + 1, lines.ends[line, scan.ALT]):
                count += text[at] == forms.COMMA
    return count


@compiled
def _describe(text: Bytes, lines: Lines, window: Window, found: Alleles) -> tuple[int, int]:
    """Write the alleles of plain lines; return the number of alleles, and the size of their letters."""
    count = size = 0
    for line in range(len(lines.pos)):
        if not lines.plain[line]:
            continue
        before, size_before = count, size
        ref, ref_end = lines.ends[line, scan.ID] + 1, lines.ends[line, scan.REF]
        fits = _fits(text, ref, ref_end, window, line)
        at, stop = ref_end + 1, lines.ends[line, scan.ALT]
        while fits and at <= stop:
            end = at
            while end < stop and text[end] != forms.COMMA:
                end += 1
            found.line[count], found.alt[count], found.alt_end[count] = line, at, end
            grown = _normal(text, ref, ref_end, at, end, lines.pos[line], window, line, found, count, size)
            if grown < 0:
                fits = False
            size = grown
            count += 1
            at = end + 1
        if not fits:
            lines.plain[line] = False
            count, size = before, size_before
    return count, size


@compiled
def _fits(text: Bytes, start: int, stop: int, window: Window, line: int) -> bool:
    at = window.at[line]
    if at < window.low[line] or at + stop - start > window.high[line]:
        return False
    for step in range(stop - start):  # noqa: SIM110 - compiled
        if window.bases[at + step] != text[start + step]:
            return False
    return True


@compiled
def _normal(
    text: Bytes, ref: int, ref_end: int, alt: int, alt_end: int, pos: int, window: Window, line: int,
    found: Alleles, row: int, size: int,
) -> int:  # fmt: skip
    """Write an allele's normal form; return the new size of the letters, -1 if it extends beyond the window."""
    while ref_end > ref and alt_end > alt and text[ref_end - 1] == text[alt_end - 1]:
        ref_end, alt_end = ref_end - 1, alt_end - 1
    first = ref
    while ref < ref_end and alt < alt_end and text[ref] == text[alt]:
        ref, alt = ref + 1, alt + 1
    found.start[row] = pos + ref - first
    lost, gained = ref_end - ref, alt_end - alt
    found.lost[row], found.gained[row] = lost, gained
    if lost and gained:
        return _replaced(text, ref, alt, found, row, size)
    place = window.at[line] + ref - first
    if lost:
        return _shifted(text, ref, lost, place, window, line, found, row, size)
    return _shifted(text, alt, gained, place, window, line, found, row, size)


@compiled
def _replaced(text: Bytes, ref: int, alt: int, found: Alleles, row: int, size: int) -> int:
    """Write a replacement of bases by others. It cannot be shifted."""
    lost, gained = found.lost[row], found.gained[row]
    found.kind[row] = OTHER if lost != gained else SNV if lost == 1 else MNV
    found.pos[row], found.slide[row] = found.start[row], 0
    found.ref[row] = found.bases[row] = size
    found.ref_size[row], found.given_size[row] = lost, gained
    size = put(found.letters, size, text, ref, ref + lost)
    found.given[row] = size
    return put(found.letters, size, text, alt, alt + gained)


@compiled
def _shifted(
    text: Bytes, source: int, length: int, place: int, window: Window, line: int, found: Alleles, row: int, size: int
) -> int:
    """Write a pure deletion or insertion, which can be shifted if the sequence around it repeats its bases."""
    bases, low, high = window.bases, window.low[line], window.high[line]
    lost, gained, letters = found.lost[row], found.gained[row], found.letters
    left = 0
    while place - left > low and left < REACH and bases[place - 1 - left] == text[source + length - 1 - left % length]:
        left += 1
    right, after = 0, place + lost
    while after + right < high and right < REACH and bases[after + right] == text[source + right % length]:
        right += 1
    if REACH in (left, right) or place - left <= low or after + right >= high:
        return -1
    found.kind[row] = DELETION if lost else INSERTION
    found.start[row] -= left
    found.pos[row], found.slide[row] = found.start[row] - 1, left + right
    letters[size] = bases[place - left - 1]
    for step in range(length):
        letters[size + 1 + step] = text[source + (step - left) % length]
    found.ref[row] = found.given[row] = size
    found.ref_size[row], found.given_size[row] = 1 + lost, 1 + gained
    found.bases[row] = size + 1
    return size + 1 + length
