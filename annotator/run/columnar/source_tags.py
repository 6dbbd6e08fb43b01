"""Write the annotations from sources as INFO entries."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.run.columnar import forms
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Ints, compiled, packed, put
from annotator.run.columnar.known import Said


class Names(NamedTuple):
    """The names of a source's tags, each with "=": the offset of each in `letters`, and the end of the last."""

    letters: Bytes
    begins: Ints


class Added(NamedTuple):
    """INFO entries from sources: the offsets of each record's entries, at the index of the record's first allele."""

    letters: Bytes
    start: Ints
    stop: Ints


def names_of(source_tags: Sequence[str]) -> Names:
    """Return the names of a source's tags."""
    return Names(*packed([f"{tag}=".encode("latin-1") for tag in source_tags]))


def entries_of_sources(alleles: Alleles, said: Sequence[tuple[Said, Names]]) -> Added:
    """Return the entries of each record from all sources, in the order of the sources."""
    count = len(alleles.pos)
    added = Added(np.empty(0, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64))
    for rows, names in said:
        room = len(added.letters) + int((rows.stop - rows.start)[rows.start >= 0].sum())
        room += int(np.count_nonzero(rows.start >= 0)) * len(names.letters) + 3 * count * (len(names.begins) - 1)
        out = np.empty(room, np.uint8)
        start, stop = np.zeros(count, np.int64), np.zeros(count, np.int64)
        size = _add(alleles, added, rows, names, out, start, stop)
        added = Added(out[:size], start, stop)
    return added


@compiled
def _add(alleles: Alleles, before: Added, rows: Said, names: Names, out: Bytes, start: Ints, stop: Ints) -> int:
    """Write the earlier entries of each record, followed by those of one source."""
    size = one = 0
    while one < len(alleles.pos):
        end = one + 1
        while end < len(alleles.pos) and alleles.line[end] == alleles.line[one]:
            end += 1
        start[one] = size
        size = put(out, size, before.letters, before.start[one], before.stop[one])
        known = False
        for allele in range(one, end):
            known = known or rows.start[allele] >= 0
        if known:
            for tag in range(len(names.begins) - 1):
                size = _add_tag(rows, one, end, tag, names, out, size, size > start[one])
        stop[one] = size
        one = end
    return size


@compiled
def _add_tag(rows: Said, one: int, end: int, tag: int, names: Names, out: Bytes, size: int, more: bool) -> int:
    """Write a tag's values for the alleles from `one` to `end` (not included), if there are any."""
    before = size
    if more:
        out[size] = forms.SEMICOLON
        size += 1
    size = put(out, size, names.letters, names.begins[tag], names.begins[tag + 1])
    anything = False
    for allele in range(one, end):
        size = comma(allele > one, out, size)
        begin, stop = rows.start[allele], rows.stop[allele]
        if begin < 0:
            out[size] = forms.DOT
            size += 1
            continue
        for _ in range(tag):
            while rows.text[begin] != forms.TAB:
                begin += 1
            begin += 1
        value_end = begin
        while value_end < stop and rows.text[value_end] != forms.TAB:
            value_end += 1
        anything = anything or value_end - begin != 1 or rows.text[begin] != forms.DOT
        size = put(out, size, rows.text, begin, value_end)
    return size if anything else before


@compiled
def comma(more: bool, out: Bytes, size: int) -> int:
    """Write a comma before a value if `more`: it is not the first."""
    if not more:
        return size
    out[size] = forms.COMMA
    return size + 1
