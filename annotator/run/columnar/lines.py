"""The annotated lines of a block."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from annotator.effects import info_tags
from annotator.run.columnar import alleles as changes
from annotator.run.columnar import forms, scan
from annotator.run.columnar import kinds as parts
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Ints, compiled, packed, put, put_number
from annotator.run.columnar.kinds import Texts
from annotator.run.columnar.known import Said
from annotator.run.columnar.numbering import GREATER, UNDERSCORE, WORDS, Described, Words, inverted
from annotator.run.columnar.scan import Lines
from annotator.run.columnar.text_sets import Words as TagSet
from annotator.run.columnar.text_sets import value_of

#: Bytes that the description of a change takes, and all that stands between the texts of an allele, at most.
ROOM = 400
#: Bytes of what stands between the texts of an entry of INFO/CSQ, and its two numbers, at most.
ENTRY_ROOM = 60
PIPE = ord("|")


class Tags(NamedTuple):
    """Entries of INFO up to their values, such as `GAS_GENE=`, and g. or m., where letters has them.

    original: what is put in front of the tags of other annotators.
    """

    letters: Bytes
    csq: tuple[int, int]
    gene: tuple[int, int]
    term: tuple[int, int]
    genomic: tuple[int, int]
    prefix: tuple[int, int]
    transcript: tuple[int, int]
    flag: tuple[int, int]
    protein: tuple[int, int]
    original: tuple[int, int]


class Names(NamedTuple):
    """The names of a source's tags, with =: where each begins in letters, and the end."""

    letters: Bytes
    begins: Ints


class Found(NamedTuple):
    """What was found of the alleles.

    kinds: the number of each allele's kind.
    texts: of kinds.
    pairs: the number of the first pair of each allele, and the number of all; a pair is an entry of INFO/CSQ.
    described: the HGVS description of each pair on its transcript.
    """

    kinds: Ints
    texts: Texts
    pairs: Ints
    described: Described


def paired(kinds: Ints, texts: Texts) -> tuple[Ints, Ints, Ints]:
    """Return of each allele its first pair, with the number of all; and of each pair its allele and its entry."""
    counts = (texts.entries[1:] - texts.entries[:-1])[kinds]
    pairs = np.zeros(len(kinds) + 1, np.int64)
    np.cumsum(counts, out=pairs[1:])
    owners = np.repeat(np.arange(len(kinds)), counts)
    entries = np.arange(pairs[-1]) - pairs[owners] + texts.entries[kinds[owners]]
    return pairs, owners, entries


class Others(NamedTuple):
    """Lines of the records that are not plain.

    For each line of the block the number of its record, -1 for none; then the records' texts, with the start of each,
    and the end.
    """

    of: Ints
    letters: Bytes
    begins: Ints


def tags_of(prefix: str) -> Tags:
    """prefix: HGVS's for the contig."""
    names = (info_tags.CSQ, info_tags.GENE, info_tags.CONSEQUENCE, info_tags.HGVS_G)
    texts = [f"{name}=" for name in names] + [f"{prefix}."]
    texts += [f"{name}=" for name in (info_tags.HGVS_C, info_tags.TRANSCRIPT, info_tags.HGVS_P)]
    texts.append("ORIGINAL_")
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
    renamed: TagSet,
) -> tuple[bytes, Ints]:
    """Return the lines of all records, plain and other, in order, and where that of each line of the block begins.

    The last number is where they end. renamed: see scan.Forms.
    """
    texts = found.texts
    of_kinds = texts.begins[5::5] - texts.begins[:-1:5]
    of_entries = texts.entry_begins[3::3] - texts.entry_begins[:-1:3]
    through = np.concatenate([np.zeros(1, np.int64), np.cumsum(of_entries)])[texts.entries]
    counts = texts.entries[1:] - texts.entries[:-1]
    # An allele is written once for each of its entries.
    sizes = of_kinds + (through[1:] - through[:-1]) + counts * (scan.LONGEST + ENTRY_ROOM)
    described = 2 * len(found.described.letters)
    added = _sources(alleles, said)
    room = int(sizes[found.kinds].sum()) + described + len(text) + len(others.letters) + len(added.letters)
    room += ROOM * len(alleles.pos)
    if len(renamed.values):
        entries_of_info = int(np.count_nonzero(text == forms.SEMICOLON)) + len(lines.pos)
        room += entries_of_info * (names.original[1] - names.original[0])
    out = np.empty(room, np.uint8)
    places = np.empty(len(lines.pos) + 1, np.int64)
    _write(text, lines, alleles, found, added, names, others, renamed, WORDS, out, places)
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
        size = _info(text, lines, alleles, found, one, end, names, words, out, size)
        if added.stop[one] > added.start[one]:
            out[size] = forms.SEMICOLON
            size = put(out, size + 1, added.letters, added.start[one], added.stop[one])
        size = put(out, size, text, lines.ends[line, scan.INFO], lines.begins[line + 1])
        one = end
    places[len(lines.pos)] = size


@compiled
def _given(text: Bytes, start: int, stop: int, names: Tags, renamed: TagSet, out: Bytes, size: int) -> int:
    """Write the file's own INFO; tags of other annotators get another name."""
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


@compiled
def _info(
    text: Bytes, lines: Lines, alleles: Alleles, found: Found, one: int, end: int, names: Tags, words: Words,
    out: Bytes, size: int,
) -> int:  # fmt: skip
    """Write the annotator's entries for the alleles of a record."""
    begin = size
    size = _consequences(text, lines, alleles, found, one, end, names, out, size)
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
def _consequences(
    text: Bytes, lines: Lines, alleles: Alleles, found: Found, one: int, end: int, names: Tags, out: Bytes, size: int
) -> int:
    """Write INFO/CSQ: the entries of each allele; nothing if no allele has any."""
    texts = found.texts
    skipped = _shared_base(text, lines, alleles, one, end)
    begin = size
    for allele in range(one, end):
        kind = found.kinds[allele]
        for pair in range(found.pairs[allele], found.pairs[allele + 1]):
            entry = texts.entries[kind] + pair - found.pairs[allele]
            place = 3 * entry
            before, middle = texts.entry_begins[place], texts.entry_begins[place + 1]
            if before == middle:
                continue  # only its HGVSc is wanted
            if size == begin:
                size = put(out, size, names.letters, names.csq[0], names.csq[1])
            else:
                out[size] = forms.COMMA
                size += 1
            size = _allele(text, alleles.alt[allele] + skipped, alleles.alt_end[allele], out, size)
            size = put(out, size, texts.letters, before, middle)
            out[size] = PIPE
            after = texts.entry_begins[place + 2]
            size = _middle(alleles, allele, found, pair, entry, middle, after, out, size + 1)
            out[size] = PIPE
            size = put(out, size + 1, texts.letters, after, texts.entry_begins[place + 3])
            out[size] = PIPE
            size = put_number(out, size + 1, allele - one + 1)
    return size


@compiled
def _shared_base(text: Bytes, lines: Lines, alleles: Alleles, one: int, end: int) -> int:
    """Return 1 if all alleles of a record begin with the base of REF and differ in length, else 0.

    See csq_field.allele.
    """
    ends = lines.ends[alleles.line[one]]
    ref, size = ends[scan.ID] + 1, ends[scan.REF] - ends[scan.ID] - 1
    different = False
    for allele in range(one, end):
        if text[alleles.alt[allele]] != text[ref]:
            return 0
        different = different or alleles.alt_end[allele] - alleles.alt[allele] != size
    return 1 if different else 0


@compiled
def _allele(text: Bytes, start: int, stop: int, out: Bytes, size: int) -> int:
    """Write an allele and what parts it from the next field; "-" for no bases."""
    if start == stop:
        out[size] = forms.MINUS
        size += 1
    else:
        size = put(out, size, text, start, stop)
    out[size] = PIPE
    return size + 1


@compiled
def _middle(
    alleles: Alleles, allele: int, found: Found, pair: int, entry: int, start: int, stop: int, out: Bytes, size: int
) -> int:
    """Write HGVSc or DISTANCE; known from start to stop, or of the pair."""
    edge = found.texts.edge[entry]
    if edge:
        first = alleles.start[allele] - (alleles.lost[allele] == 0)
        last = alleles.start[allele] + max(alleles.lost[allele] - 1, 0)
        return put_number(out, size, edge - last if edge > 0 else first + edge)
    if stop > start:
        return put(out, size, found.texts.letters, start, stop)
    return put(out, size, found.described.letters, found.described.start[pair], found.described.stop[pair])


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
    """Write the value of one of `of` alleles: "." for none if there are several."""
    if stop == start and of > 1:
        out[size] = forms.DOT
        return size + 1
    return put(out, size, letters, start, stop)


@compiled
def _on_transcript(found: Found, one: int, end: int, names: Tags, out: Bytes, size: int, begin: int) -> int:
    """Write the descriptions on the transcripts that matter most, and the flags of these."""
    texts, flags = False, False
    for allele in range(one, end):
        if _picked(found, allele):
            texts = True
            place = 5 * found.kinds[allele] + parts.FLAG
            flags = flags or found.texts.begins[place + 1] > found.texts.begins[place]
    if texts:
        size = _tag(names.letters, names.transcript, out, size, begin)
        for allele in range(one, end):
            size = _comma(allele > one, out, size)
            pair = found.pairs[allele] + found.texts.picked[found.kinds[allele]]
            if found.texts.picked[found.kinds[allele]] >= 0:
                start, stop = found.described.start[pair], found.described.stop[pair]
                size = _value(found.described.letters, start, stop, end - one, out, size)
            else:
                place = 5 * found.kinds[allele] + parts.HGVS_C
                start, stop = found.texts.begins[place], found.texts.begins[place + 1]
                size = _value(found.texts.letters, start, stop, end - one, out, size)
    if flags:
        size = _tag(names.letters, names.flag, out, size, begin)
        for allele in range(one, end):
            size = _comma(allele > one, out, size)
            place = 5 * found.kinds[allele] + parts.FLAG
            flag, flag_end = found.texts.begins[place], found.texts.begins[place + 1]
            if not _picked(found, allele):
                flag_end = flag
            size = _value(found.texts.letters, flag, flag_end, end - one, out, size)
    return size


@compiled
def _picked(found: Found, allele: int) -> bool:
    """Return whether an allele is described on the transcript that matters most."""
    kind = found.kinds[allele]
    if found.texts.picked[kind] >= 0:
        pair = found.pairs[allele] + found.texts.picked[kind]
        return bool(found.described.stop[pair] > found.described.start[pair])
    place = 5 * kind + parts.HGVS_C
    return bool(found.texts.begins[place + 1] > found.texts.begins[place])


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
        if lost == gained and inverted(alleles, one, words.complement):
            return put(out, size, words.inverted, 0, 3)
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
