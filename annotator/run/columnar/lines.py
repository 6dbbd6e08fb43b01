"""Write the annotated lines of a block."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.run.columnar import forms, scan
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Ints, compiled, packed, put
from annotator.run.columnar.known import Said
from annotator.run.columnar.numbering import WORDS, Words
from annotator.run.columnar.own_entries import Found, Tags, own_entries
from annotator.run.columnar.scan import Lines
from annotator.run.columnar.source_tags import Added, Names, entries_of_sources
from annotator.run.columnar.text_sets import Words as TagSet
from annotator.run.columnar.text_sets import value_of

#: Maximum bytes of the description of a change, and of the separators and tags between the texts of an allele.
ROOM = 400
#: Maximum bytes of the separators between the texts of an entry of INFO/CSQ, and of its two numbers.
ENTRY_ROOM = 60


class Others(NamedTuple):
    """Lines of the records that are not plain.

    of: for each line of the block, the index of its record among these; -1 for none.
    letters: the annotated lines of the records.
    begins: the offset of each in `letters`, and the end of the last.
    """

    of: Ints
    letters: Bytes
    begins: Ints


def others_of(count: int, texts: Sequence[tuple[int, bytes]]) -> Others:
    """Collect the annotated lines of the records that are not plain.

    Args:
        count: number of lines in the block.
        texts: the index of each line in the block, and its text with the line end.
    """
    of = np.full(count, -1, np.int64)
    of[[line for line, _ in texts]] = np.arange(len(texts))
    return Others(of, *packed([text for _, text in texts]))


def written(
    text: Bytes,
    lines: Lines,
    alleles: Alleles,
    found: Found,
    said: Sequence[tuple[Said, Names]],
    names: Tags,
    others: Others,
    renamed: TagSet,
) -> tuple[memoryview, Ints]:
    """Return the annotated lines of all records, plain and other, in file order.

    Args:
        text: the lines of the block.
        lines: the offsets of their columns.
        alleles: the alleles of plain records.
        found: the annotations of the alleles.
        said: the annotations from each source, with the names of its tags.
        names: the names of the annotator's own tags.
        others: the annotated lines of the other records.
        renamed: INFO tags of other annotators, which get another name.

    Returns:
        The annotated lines; and for each line of the block the offset of its annotated line, followed by the end of
        the last.
    """
    texts = found.texts
    of_kinds = texts.begins[5::5] - texts.begins[:-1:5]
    of_entries = texts.entry_begins[3::3] - texts.entry_begins[:-1:3]
    through = np.concatenate([np.zeros(1, np.int64), np.cumsum(of_entries)])[texts.entries]
    counts = texts.entries[1:] - texts.entries[:-1]
    # Each entry repeats the allele.
    sizes = of_kinds + (through[1:] - through[:-1]) + counts * (scan.LONGEST + ENTRY_ROOM)
    described = 2 * len(found.described.letters)
    added = entries_of_sources(alleles, said)
    room = int(sizes[found.kinds].sum()) + described + len(text) + len(others.letters) + len(added.letters)
    room += ROOM * len(alleles.pos)
    if len(renamed.values):
        entries_of_info = int(np.count_nonzero(text == forms.SEMICOLON)) + len(lines.pos)
        room += entries_of_info * (names.original[1] - names.original[0])
    out = np.empty(room, np.uint8)
    places = np.empty(len(lines.pos) + 1, np.int64)
    _write(text, lines, alleles, found, added, names, others, renamed, WORDS, out, places)
    return out[: places[-1]].data, places


@compiled
def _write(
    text: Bytes, lines: Lines, alleles: Alleles, found: Found, added: Added, names: Tags, others: Others,
    renamed: TagSet, words: Words, out: Bytes, places: Ints,
) -> None:  # fmt: skip
    size = one = 0
    for line in range(len(lines.pos)):
        places[line] = size
        if not lines.plain[line]:
            other = others.of[line]
            if other >= 0:
                size = put(out, size, others.letters, others.begins[other], others.begins[other + 1])
            continue
        end = one + 1
        while end < len(alleles.pos) and alleles.line[end] == line:
            end += 1
        info, info_end = lines.ends[line, scan.FILTER] + 1, lines.ends[line, scan.INFO]
        if info_end - info == 1 and text[info] == forms.DOT:
            info_end -= 1
        size = put(out, size, text, lines.begins[line], info)
        size = _given(text, info, info_end, names, renamed, out, size)
        if info_end > info:
            out[size] = forms.SEMICOLON
            size += 1
        size = own_entries(text, lines, alleles, found, one, end, names, words, out, size)
        if added.stop[one] > added.start[one]:
            out[size] = forms.SEMICOLON
            size = put(out, size + 1, added.letters, added.start[one], added.stop[one])
        size = put(out, size, text, lines.ends[line, scan.INFO], lines.begins[line + 1])
        one = end
    places[len(lines.pos)] = size


@compiled
def _given(text: Bytes, start: int, stop: int, names: Tags, renamed: TagSet, out: Bytes, size: int) -> int:
    """Write the file's own INFO. Tags of other annotators get another name."""
    if not len(renamed.values):
        return put(out, size, text, start, stop)
    at = start
    while at < stop:
        tag = at
        while tag < stop and text[tag] != forms.EQUALS and text[tag] != forms.SEMICOLON:
            tag += 1
        if value_of(renamed, text, at, tag) >= 0:
            size = put(out, size, names.letters, names.original[0], names.original[1])
        end = tag
        while end < stop and text[end] != forms.SEMICOLON:
            end += 1
        end = min(end + 1, stop)
        size = put(out, size, text, at, end)
        at = end
    return size
