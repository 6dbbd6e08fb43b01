"""Write the annotator's own INFO entries: CSQ and the GAS_ tags."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from annotator.effects import info_tags as tags
from annotator.run.columnar import forms, scan
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Ints, compiled, packed, put, put_number
from annotator.run.columnar.hgvs_g import genomic
from annotator.run.columnar.numbering import Described, Words
from annotator.run.columnar.scan import Lines
from annotator.run.columnar.source_tags import comma
from annotator.run.columnar.texts import FLAG, GENE, HGVS_C, PROTEIN, TERM, Texts

PIPE = ord("|")


class Tags(NamedTuple):
    """The starts of INFO entries, such as `GAS_GENE=`: each field has the start and end of its text in `letters`.

    prefix: g. or m., the prefix of HGVS descriptions on the genome.
    original: the prefix for the tags of other annotators.
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


class Found(NamedTuple):
    """The annotations of the alleles.

    kinds: the index of each allele's kind.
    texts: the texts of the kinds.
    pairs: the index of each allele's first pair, followed by the number of pairs. A pair is an entry of INFO/CSQ.
    described: the HGVS description of each pair on its transcript.
    """

    kinds: Ints
    texts: Texts
    pairs: Ints
    described: Described


def paired(kinds: Ints, texts: Texts) -> tuple[Ints, Ints, Ints]:
    """Pair alleles with the entries of their kinds.

    Args:
        kinds: the index of each allele's kind.
        texts: the texts of the kinds.

    Returns:
        The index of each allele's first pair, followed by the number of pairs; the allele of each pair; the entry of
        each pair.
    """
    counts = (texts.entries[1:] - texts.entries[:-1])[kinds]
    pairs = np.zeros(len(kinds) + 1, np.int64)
    np.cumsum(counts, out=pairs[1:])
    owners = np.repeat(np.arange(len(kinds)), counts)
    entries = np.arange(pairs[-1]) - pairs[owners] + texts.entries[kinds[owners]]
    return pairs, owners, entries


def tags_of(prefix: str) -> Tags:
    """Return the starts of INFO entries; `prefix` is the HGVS prefix of the contig, such as g."""
    names = (tags.CSQ, tags.GENE, tags.CONSEQUENCE, tags.HGVS_G)
    texts = [f"{name}=" for name in names] + [f"{prefix}."]
    texts += [f"{name}=" for name in (tags.HGVS_C, tags.TRANSCRIPT, tags.HGVS_P)]
    texts.append("ORIGINAL_")
    letters, begins = packed([text.encode("ascii") for text in texts])
    return Tags(letters, *pairwise(begins.tolist()))


@compiled
def own_entries(
    text: Bytes, lines: Lines, alleles: Alleles, found: Found, one: int, end: int, names: Tags, words: Words,
    out: Bytes, size: int,
) -> int:  # fmt: skip
    """Write the annotator's entries for the alleles of a record, from `one` to `end` (not included)."""
    begin = size
    size = _consequences(text, lines, alleles, found, one, end, names, out, size)
    size = _values(found, one, end, GENE, names.letters, names.gene, out, size, begin)
    size = _values(found, one, end, TERM, names.letters, names.term, out, size, begin)
    size = _tag(names.letters, names.genomic, out, size, begin)
    for allele in range(one, end):
        size = comma(allele > one, out, size)
        size = put(out, size, names.letters, names.prefix[0], names.prefix[1])
        size = genomic(alleles, allele, words, out, size)
    size = _on_transcript(found, one, end, names, out, size, begin)
    return _values(found, one, end, PROTEIN, names.letters, names.protein, out, size, begin)


@compiled
def _consequences(
    text: Bytes, lines: Lines, alleles: Alleles, found: Found, one: int, end: int, names: Tags, out: Bytes, size: int
) -> int:
    """Write INFO/CSQ with the entries of each allele; nothing if no allele has an entry."""
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
                continue  # not written: only its HGVSc is used
            if size == begin:
                size = put(out, size, names.letters, names.csq[0], names.csq[1])
            else:
                out[size] = forms.COMMA
                size += 1
            size = _allele(text, alleles.alt[allele] + skipped, alleles.alt_end[allele], out, size)
            size = put(out, size, texts.entry_letters, before, middle)
            out[size] = PIPE
            after = texts.entry_begins[place + 2]
            size = _middle(alleles, allele, found, pair, entry, middle, after, out, size + 1)
            out[size] = PIPE
            size = put(out, size + 1, texts.entry_letters, after, texts.entry_begins[place + 3])
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
    """Write an allele, "-" for no bases, and the separator after it."""
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
    """Write HGVSc or DISTANCE: the distance to an edge, a known text from start to stop, or the pair's description."""
    edge = found.texts.edge[entry]
    if edge:
        first = alleles.start[allele] - (alleles.lost[allele] == 0)
        last = alleles.start[allele] + max(alleles.lost[allele] - 1, 0)
        return put_number(out, size, edge - last if edge > 0 else first + edge)
    if stop > start:
        return put(out, size, found.texts.entry_letters, start, stop)
    return put(out, size, found.described.letters, found.described.start[pair], found.described.stop[pair])


@compiled
def _tag(letters: Bytes, name: tuple[int, int], out: Bytes, size: int, begin: int) -> int:
    """Write the name of an entry, after a semicolon if there are entries since `begin`."""
    if size > begin:
        out[size] = forms.SEMICOLON
        size += 1
    return put(out, size, letters, name[0], name[1])


@compiled
def _values(
    found: Found, one: int, end: int, part: int, letters: Bytes, name: tuple[int, int], out: Bytes, size: int,
    begin: int,
) -> int:  # fmt: skip
    """Write an entry with one text of each allele's kind, unless the text is empty for all alleles."""
    anything = False
    for allele in range(one, end):
        place = 5 * found.kinds[allele] + part
        anything = anything or found.texts.begins[place + 1] > found.texts.begins[place]
    if not anything:
        return size
    size = _tag(letters, name, out, size, begin)
    for allele in range(one, end):
        size = comma(allele > one, out, size)
        place = 5 * found.kinds[allele] + part
        size = _value(
            found.texts.letters, found.texts.begins[place], found.texts.begins[place + 1], end - one, out, size
        )
    return size


@compiled
def _value(letters: Bytes, start: int, stop: int, of: int, out: Bytes, size: int) -> int:
    """Write the value of one of `of` alleles; "." if it has none and there are several alleles."""
    if stop == start and of > 1:
        out[size] = forms.DOT
        return size + 1
    return put(out, size, letters, start, stop)


@compiled
def _on_transcript(found: Found, one: int, end: int, names: Tags, out: Bytes, size: int, begin: int) -> int:
    """Write GAS_HGVSC and GAS_TRANSCRIPT: the descriptions on the picked transcripts, and the transcripts' flags."""
    texts, flags = False, False
    for allele in range(one, end):
        if _picked(found, allele):
            texts = True
            place = 5 * found.kinds[allele] + FLAG
            flags = flags or found.texts.begins[place + 1] > found.texts.begins[place]
    if texts:
        size = _tag(names.letters, names.transcript, out, size, begin)
        for allele in range(one, end):
            size = comma(allele > one, out, size)
            pair = found.pairs[allele] + found.texts.picked[found.kinds[allele]]
            if found.texts.picked[found.kinds[allele]] >= 0:
                start, stop = found.described.start[pair], found.described.stop[pair]
                size = _value(found.described.letters, start, stop, end - one, out, size)
            else:
                place = 5 * found.kinds[allele] + HGVS_C
                start, stop = found.texts.begins[place], found.texts.begins[place + 1]
                size = _value(found.texts.letters, start, stop, end - one, out, size)
    if flags:
        size = _tag(names.letters, names.flag, out, size, begin)
        for allele in range(one, end):
            size = comma(allele > one, out, size)
            place = 5 * found.kinds[allele] + FLAG
            flag, flag_end = found.texts.begins[place], found.texts.begins[place + 1]
            if not _picked(found, allele):
                flag_end = flag
            size = _value(found.texts.letters, flag, flag_end, end - one, out, size)
    return size


@compiled
def _picked(found: Found, allele: int) -> bool:
    """Return whether an allele has a description on its picked transcript."""
    kind = found.kinds[allele]
    if found.texts.picked[kind] >= 0:
        pair = found.pairs[allele] + found.texts.picked[kind]
        return bool(found.described.stop[pair] > found.described.start[pair])
    place = 5 * kind + HGVS_C
    return bool(found.texts.begins[place + 1] > found.texts.begins[place])
