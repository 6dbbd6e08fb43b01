"""The annotated lines of a block."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from annotator import tags
from annotator.blocks import alleles as changes
from annotator.blocks import forms, scan
from annotator.blocks import kinds as parts
from annotator.blocks.alleles import Alleles
from annotator.blocks.compiled import Bytes, Ints, compiled, packed, put, put_number, same
from annotator.blocks.kinds import Texts
from annotator.blocks.known import Said
from annotator.blocks.numbering import GREATER, UNDERSCORE, WORDS, Described, Words
from annotator.blocks.scan import Lines

#: Bytes that the description of a change takes, and all that stands between the texts of an allele, at most.
ROOM = 400


class Tags(NamedTuple):
    """Entries of INFO up to their values, such as `GAS_GENE=`, and g. or m., where letters has them."""

    letters: Bytes
    bcsq: tuple[int, int]
    gene: tuple[int, int]
    term: tuple[int, int]
    genomic: tuple[int, int]
    prefix: tuple[int, int]
    transcript: tuple[int, int]
    flag: tuple[int, int]
    protein: tuple[int, int]


class Names(NamedTuple):
    """The names of a source's tags, with =: where each begins in letters, and the end."""

    letters: Bytes
    begins: Ints


class Found(NamedTuple):
    """What was found of the alleles: the number of each one's kind, the texts of kinds, and the description of each on
    its transcript.
    """

    kinds: Ints
    texts: Texts
    described: Described


class Others(NamedTuple):
    """The other records' lines: of each line of the block the number of its record, -1 for none; and their texts, with
    where each begins, and the end.
    """

    of: Ints
    letters: Bytes
    begins: Ints


def tags_of(prefix: str) -> Tags:
    """prefix: HGVS's for the contig."""
    names = (tags.BCSQ, tags.GENE, tags.CONSEQUENCE, tags.HGVS_G)
    texts = [f"{name}=" for name in names] + [f"{prefix}."]
    texts += [f"{name}=" for name in (tags.HGVS_C, tags.TRANSCRIPT, tags.HGVS_P)]
    letters, begins = packed([text.encode("ascii") for text in texts])
    return Tags(letters, *pairwise(begins.tolist()))


def names_of(source_tags: Sequence[str]) -> Names:
    """Of a source's tags."""
    return Names(*packed([f"{tag}=".encode("latin-1") for tag in source_tags]))


def others_of(count: int, texts: Sequence[tuple[int, bytes]]) -> Others:
    """count: the block's lines; texts: of some of them, with their numbers and line ends."""
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
) -> tuple[bytes, Ints]:
    """The lines of all records, plain and other, in order; and where that of each line of the block begins in them, and
    the end of the last.
    """
    begins = found.texts.begins
    sizes = (begins[5::5] - begins[:-1:5])[found.kinds] + found.described.stop - found.described.start
    added = _sources(alleles, said)
    room = int(sizes.sum()) + len(text) + len(others.letters) + len(added.letters) + ROOM * len(alleles.pos)
    out = np.empty(room, np.uint8)
    places = np.empty(len(lines.pos) + 1, np.int64)
    _write(text, lines, alleles, found, added, names, others, WORDS, out, places)
    return out[: places[-1]].tobytes(), places


class _Added(NamedTuple):
    """Entries of INFO from sources: of each record with plain alleles, by the number of its first allele."""

    letters: Bytes
    start: Ints
    stop: Ints


def _sources(alleles: Alleles, said: Sequence[tuple[Said, Names]]) -> _Added:
    """Each source's entries, one behind the other."""
    count = len(alleles.pos)
    added = _Added(np.empty(0, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64))
    for rows, names in said:
        room = len(added.letters) + int((rows.stop - rows.start)[rows.start >= 0].sum())
        room += int(np.count_nonzero(rows.start >= 0)) * len(names.letters) + 3 * count * (len(names.begins) - 1)
        out = np.empty(room, np.uint8)
        start, stop = np.zeros(count, np.int64), np.zeros(count, np.int64)
        size = _add(alleles, added, rows, names, out, start, stop)
        added = _Added(out[:size], start, stop)
    return added


@compiled
def _add(alleles: Alleles, before: _Added, rows: Said, names: Names, out: Bytes, start: Ints, stop: Ints) -> int:
    """Write what there is before, and what a source says, of each record."""
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
    """Write a tag's values for the alleles from one to end, if it has any."""
    before = size
    if more:
        out[size] = forms.SEMICOLON
        size += 1
    size = put(out, size, names.letters, names.begins[tag], names.begins[tag + 1])
    anything = False
    for allele in range(one, end):
        size = _comma(allele > one, out, size)
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
def _write(
    text: Bytes, lines: Lines, alleles: Alleles, found: Found, added: _Added, names: Tags, others: Others,
    words: Words, out: Bytes, places: Ints,
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
        size = put(out, size, text, lines.begins[line], info_end)
        if info_end > info:
            out[size] = forms.SEMICOLON
            size += 1
        size = _info(alleles, found, one, end, names, words, out, size)
        if added.stop[one] > added.start[one]:
            out[size] = forms.SEMICOLON
            size = put(out, size + 1, added.letters, added.start[one], added.stop[one])
        size = put(out, size, text, lines.ends[line, scan.INFO], lines.begins[line + 1])
        one = end
    places[len(lines.pos)] = size


@compiled
def _info(alleles: Alleles, found: Found, one: int, end: int, names: Tags, words: Words, out: Bytes, size: int) -> int:
    """Write our entries for the alleles of a record."""
    begin = size
    size = _answers(found, one, end, names, out, size)
    size = _values(found, one, end, parts.GENE, names.letters, names.gene, out, size, begin)
    size = _values(found, one, end, parts.TERM, names.letters, names.term, out, size, begin)
    size = _tag(names.letters, names.genomic, out, size, begin)
    for allele in range(one, end):
        size = _comma(allele > one, out, size)
        size = put(out, size, names.letters, names.prefix[0], names.prefix[1])
        size = _genomic(alleles, allele, words, out, size)
    size = _on_transcript(found, one, end, names, out, size, begin)
    return _values(found, one, end, parts.PROTEIN, names.letters, names.protein, out, size, begin)


@compiled
def _tag(letters: Bytes, name: tuple[int, int], out: Bytes, size: int, begin: int) -> int:
    """Write the name of an entry, behind those that began there."""
    if size > begin:
        out[size] = forms.SEMICOLON
        size += 1
    return put(out, size, letters, name[0], name[1])


@compiled
def _values(
    found: Found, one: int, end: int, part: int, letters: Bytes, name: tuple[int, int], out: Bytes, size: int,
    begin: int,
) -> int:  # fmt: skip
    """Write an entry with a part of what is said of each allele's kind, unless there is nothing of any."""
    anything = False
    for allele in range(one, end):
        place = 5 * found.kinds[allele] + part
        anything = anything or found.texts.begins[place + 1] > found.texts.begins[place]
    if not anything:
        return size
    size = _tag(letters, name, out, size, begin)
    for allele in range(one, end):
        size = _comma(allele > one, out, size)
        place = 5 * found.kinds[allele] + part
        size = _value(
            found.texts.letters, found.texts.begins[place], found.texts.begins[place + 1], end - one, out, size
        )
    return size


@compiled
def _comma(more: bool, out: Bytes, size: int) -> int:
    """Write what parts the values of alleles, if there is one in front."""
    if not more:
        return size
    out[size] = forms.COMMA
    return size + 1


@compiled
def _value(letters: Bytes, start: int, stop: int, of: int, out: Bytes, size: int) -> int:
    """Write a value, of one of so many alleles: "." for none if there are several."""
    if stop == start and of > 1:
        out[size] = forms.DOT
        return size + 1
    return put(out, size, letters, start, stop)


@compiled
def _answers(found: Found, one: int, end: int, names: Tags, out: Bytes, size: int) -> int:
    """Write csq's entries, each that several alleles have once."""
    letters, begins = found.texts.letters, found.texts.begins
    begin = size
    first = size + names.bcsq[1] - names.bcsq[0]
    for allele in range(one, end):
        place = 5 * found.kinds[allele] + parts.BCSQ
        at, stop = begins[place], begins[place + 1]
        while at < stop:
            entry_end = at
            while entry_end < stop and letters[entry_end] != forms.COMMA:
                entry_end += 1
            if size == begin:
                size = put(out, size, names.letters, names.bcsq[0], names.bcsq[1])
                size = put(out, size, letters, at, entry_end)
            elif one + 1 == end or not _there(out, first, size, letters, at, entry_end):
                out[size] = forms.COMMA
                size = put(out, size + 1, letters, at, entry_end)
            at = entry_end + 1
    return size


@compiled
def _there(out: Bytes, first: int, size: int, letters: Bytes, start: int, stop: int) -> bool:
    """Whether a list has an entry."""
    at = first
    while at < size:
        end = at
        while end < size and out[end] != forms.COMMA:
            end += 1
        if same(out, at, end, letters, start, stop):
            return True
        at = end + 1
    return False


@compiled
def _on_transcript(found: Found, one: int, end: int, names: Tags, out: Bytes, size: int, begin: int) -> int:
    """Write the descriptions on transcripts, and the flags of these."""
    start, stop = found.described.start, found.described.stop
    texts, flags = False, False
    for allele in range(one, end):
        if stop[allele] > start[allele]:
            texts = True
            place = 5 * found.kinds[allele] + parts.FLAG
            flags = flags or found.texts.begins[place + 1] > found.texts.begins[place]
    if texts:
        size = _tag(names.letters, names.transcript, out, size, begin)
        for allele in range(one, end):
            size = _comma(allele > one, out, size)
            size = _value(found.described.letters, start[allele], stop[allele], end - one, out, size)
    if flags:
        size = _tag(names.letters, names.flag, out, size, begin)
        for allele in range(one, end):
            size = _comma(allele > one, out, size)
            place = 5 * found.kinds[allele] + parts.FLAG
            flag, flag_end = found.texts.begins[place], found.texts.begins[place + 1]
            if stop[allele] == start[allele]:
                flag_end = flag
            size = _value(found.texts.letters, flag, flag_end, end - one, out, size)
    return size


@compiled
def _genomic(alleles: Alleles, one: int, words: Words, out: Bytes, size: int) -> int:
    """Write HGVS's description on the genome, behind its prefix; see hgvs.genomic."""
    kind, place, lost, gained = alleles.kind[one], alleles.start[one], alleles.lost[one], alleles.gained[one]
    letters, bases, slide = alleles.letters, alleles.bases[one], alleles.slide[one]
    given = alleles.given[one]
    if kind == changes.SNV:
        size = put_number(out, size, place)
        size = put(out, size, letters, bases, bases + 1)
        out[size] = GREATER
        return put(out, size + 1, letters, given, given + 1)
    if kind == changes.MNV or kind == changes.OTHER:  # noqa: PLR1714 - compiled
        size = _span(place, place + lost - 1, out, size)
        size = put(out, size, words.deleted, 0, 3)
        size = put(out, size, words.inserted, 0, 3)
        return put(out, size, letters, given, given + gained)
    place += slide
    if kind == changes.DELETION:
        size = _span(place, place + lost - 1, out, size)
        return put(out, size, words.deleted, 0, 3)
    if slide >= gained:  # so far does the sequence repeat the bases
        size = _span(place - gained, place - 1, out, size)
        return put(out, size, words.copied, 0, 3)
    size = _span(place - 1, place, out, size)
    size = put(out, size, words.inserted, 0, 3)
    for step in range(gained):
        out[size + step] = letters[bases + (step + slide) % gained]
    return int(size + gained)


@compiled
def _span(first: int, last: int, out: Bytes, size: int) -> int:
    size = put_number(out, size, first)
    if first == last:
        return size
    out[size] = UNDERSCORE
    return put_number(out, size + 1, last)
