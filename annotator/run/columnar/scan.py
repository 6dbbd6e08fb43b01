"""Split lines into columns, and find the plain lines."""

from typing import NamedTuple

import numpy as np

from annotator.run.columnar import forms
from annotator.run.columnar.compiled import Bytes, Flags, Ints, compiled, same
from annotator.run.columnar.text_sets import Words, value_of

CHROM, POS, ID, REF, ALT, QUAL, FILTER, INFO = range(8)
#: After the first eight columns: the end of the line.
LINE = 8
#: Maximum number of bases of REF and of each ALT of a plain record; less than `plain.MARGIN`.
LONGEST = 60
MOST_ALLELES = 8
NEWLINE, RETURN = ord("\n"), ord("\r")


class Forms(NamedTuple):
    """The columns that a plain record may have.

    columns: the number of columns.
    filters: the texts of FILTER.
    tags: the INFO tags, with their kinds.
    formats: the texts of FORMAT, with their numbers.
    kinds: the kinds of the tags of each FORMAT, see forms.samples.
    """

    columns: int
    filters: Words
    tags: Words
    formats: Words
    kinds: Ints


class Lines(NamedTuple):
    """The lines of a block, one array element per line.

    begins: the start of each line, followed by the end of the last.
    ends: the ends of the first eight columns, and of the line.
    pos: POS; 0 if it is invalid.
    plain: whether RecordCheck would return the record unchanged if it fits the reference.
    proven: whether the form of all values guarantees that bcftools can read the record.
    fresh: whether CHROM differs from the previous line.
    crowd: number of consecutive lines, up to this one, with the same position.
    """

    begins: Ints
    ends: Ints
    pos: Ints
    plain: Flags
    proven: Flags
    fresh: Flags
    crowd: Ints

    def part(self, start: int, stop: int) -> "Lines":
        """Return the lines from `start` to `stop` (not included), with offsets in a text that starts with the first."""
        begin = self.begins[start]
        return Lines(
            self.begins[start : stop + 1] - begin,
            self.ends[start:stop] - begin,
            self.pos[start:stop],
            self.plain[start:stop],
            self.proven[start:stop],
            self.fresh[start:stop],
            self.crowd[start:stop],
        )


def scan(text: Bytes, wanted: Forms) -> Lines:
    """Split whole lines into columns, and find the plain ones.

    Args:
        text: the lines, each with its line end.
        wanted: the columns that a plain record may have.
    """
    count = int(np.count_nonzero(text == NEWLINE))
    lines = Lines(
        np.zeros(count + 1, np.int64), np.zeros((count, 9), np.int64), np.zeros(count, np.int64),
        np.zeros(count, np.bool_), np.zeros(count, np.bool_), np.ones(count, np.bool_), np.ones(count, np.int64),
    )  # fmt: skip
    _scan(text, wanted, *lines)
    return lines


@compiled
def _scan(
    text: Bytes,
    wanted: Forms,
    begins: Ints,
    ends: Ints,
    pos: Ints,
    plain: Flags,
    proven: Flags,
    fresh: Flags,
    crowd: Ints,
) -> None:
    at = 0
    for line in range(len(pos)):
        begins[line] = at
        column, usual = 0, True
        while text[at] != NEWLINE:
            letter = text[at]
            if letter == forms.TAB:
                if column < LINE:
                    ends[line, column] = at
                column += 1
            elif letter >= 128 or letter == RETURN:
                usual = False
            at += 1
        for rest in range(min(column, LINE), LINE + 1):
            ends[line, rest] = at
        at += 1
        pos[line] = forms.position(text, ends[line, CHROM] + 1, ends[line, POS])
        if usual and column + 1 == wanted.columns and pos[line] > 0:
            sound = _sound(text, ends[line], wanted)
            plain[line], proven[line] = sound != forms.NO, sound == forms.YES
        if line:
            fresh[line] = not same(text, begins[line], ends[line, CHROM], text, begins[line - 1], ends[line - 1, CHROM])
            if pos[line] == pos[line - 1] and not fresh[line]:
                crowd[line] = crowd[line - 1] + 1
    begins[len(pos)] = at


@compiled
def _sound(text: Bytes, ends: Ints, wanted: Forms) -> int:
    """Return whether a line is plain and proven: YES, MAYBE or NO, see forms.samples."""
    if ends[ID] == ends[POS] + 1 or not forms.bases(text, ends[ID] + 1, ends[REF], LONGEST):
        return forms.NO
    alts = _alts(text, ends)
    if not alts or not forms.number(text, ends[ALT] + 1, ends[QUAL]):
        return forms.NO
    if value_of(wanted.filters, text, ends[QUAL] + 1, ends[FILTER]) < 0:
        return forms.NO
    if not forms.info(text, ends[FILTER] + 1, ends[INFO], wanted.tags):
        return forms.NO
    if wanted.columns == LINE:
        return forms.YES
    return forms.samples(text, ends[INFO] + 1, ends[LINE], wanted.formats, wanted.kinds, alts)


@compiled
def _alts(text: Bytes, ends: Ints) -> int:
    """Return the number of ALT alleles; 0 if they are not all bases, or not all different from REF and each other."""
    ref, ref_end, stop = ends[ID] + 1, ends[REF], ends[ALT]
    first = ref_end + 1
    at, count = first, 0
    while True:
        end = at
        while end < stop and text[end] != forms.COMMA:
            end += 1
        count += 1
        if count > MOST_ALLELES or not forms.bases(text, at, end, LONGEST):
            return 0
        if same(text, at, end, text, ref, ref_end):
            return 0
        other = first
        for _ in range(count - 1):
            other_end = other
            while text[other_end] != forms.COMMA:
                other_end += 1
            if same(text, at, end, text, other, other_end):
                return 0
            other = other_end + 1
        if end == stop:
            return count
        at = end + 1
