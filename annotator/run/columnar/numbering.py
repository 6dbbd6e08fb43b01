"""Describe the alleles of a block on their transcripts: HGVS c. and n., see annotator.effects.hgvs_transcript."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.effects import csq_field
from annotator.effects.hgvs_transcript import Fetch
from annotator.effects.hgvs_transcript import described as described_plainly
from annotator.effects.transcript import Transcript
from annotator.run.columnar import alleles as forms
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Flags, Ints, array_of, compiled, packed, put, put_number
from annotator.run.columnar.forms import MINUS, PLUS
from annotator.run.columnar.transcript_columns import TranscriptColumns, exon_of

GREATER, UNDERSCORE, ASTERISK = ord(">"), ord("_"), ord("*")
#: Maximum bytes of a description in addition to its bases and its head: digits, signs and keywords.
ROOM = 80
_DEL, _DUP, _INS, _INV = (array_of(word) for word in (b"del", b"dup", b"ins", b"inv"))
_COMPLEMENT = np.zeros(256, np.uint8)
for _one, _other in zip(b"ACGT", b"TGCA", strict=True):
    _COMPLEMENT[_one] = _other


class Words(NamedTuple):
    """Constant texts for compiled functions, and the complement of each letter."""

    deleted: Bytes
    copied: Bytes
    inserted: Bytes
    inverted: Bytes
    complement: Bytes


WORDS = Words(_DEL, _DUP, _INS, _INV, _COMPLEMENT)


class Layouts(NamedTuple):
    """Transcripts whose positions can be numbered in HGVS.

    columns: the transcripts.
    letters: the head of each transcript's descriptions, such as ENST00000269305.9:c.
    heads: the offset of each head in `letters`, and the end of the last.
    """

    columns: TranscriptColumns
    letters: Bytes
    heads: Ints


class Described(NamedTuple):
    """Descriptions of alleles on transcripts.

    letters: the descriptions of all pairs.
    start, stop: the offsets of each pair's description in `letters`; equal if the pair has none.
    """

    letters: Bytes
    start: Ints
    stop: Ints


def described(
    alleles: Alleles,
    owners: Ints,
    on: Ints,
    transcripts: Sequence[Transcript],
    columns: TranscriptColumns,
    fetch: Fetch,
) -> Described:
    """Describe alleles on transcripts.

    Args:
        alleles: the alleles of a block.
        owners: the index of the allele of each pair of allele and transcript.
        on: the index of the transcript of each pair; -1 for a pair that is not described.
        transcripts, columns: the transcripts. HGVS can number the bases of those in `on`.
        fetch: returns bases of the contig.
    """
    heads = [csq_field.escaped(f"{one.name}:") + ("c." if one.coding else "n.") for one in transcripts]
    layouts = Layouts(columns, *packed([head.encode("latin-1") for head in heads]))
    longest = max(map(len, heads), default=0)
    bases = (alleles.lost + alleles.gained)[owners[on >= 0]]
    letters = np.empty(len(bases) * (longest + ROOM) + int(bases.sum()), np.uint8)
    start, stop = np.zeros(len(on), np.int64), np.zeros(len(on), np.int64)
    left = np.zeros(len(on), np.bool_)
    size = _describe(alleles, owners, on, layouts, WORDS, letters, start, stop, left)
    kept = letters[:size]
    more = []
    for pair in np.flatnonzero(left).tolist():
        transcript = transcripts[on[pair]]
        text = described_plainly(transcript.layout, alleles.change(int(owners[pair])), fetch)
        written = csq_field.escaped(f"{transcript.name}:{text}").encode("latin-1") if text else b""
        start[pair], stop[pair] = size, size + len(written)
        size += len(written)
        more.append(written)
    return Described(np.concatenate([kept, array_of(b"".join(more))]), start, stop)


@compiled
def _describe(
    alleles: Alleles, owners: Ints, on: Ints, layouts: Layouts, words: Words, out: Bytes, start: Ints, stop: Ints,
    left: Flags,
) -> int:  # fmt: skip
    """Describe alleles well inside their transcript, and mark the others in `left`; return the number of bytes."""
    size = 0
    for pair in range(len(on)):
        start[pair] = stop[pair] = size
        model, one = on[pair], owners[pair]
        if model < 0:
            continue
        # All bases that any spelling of the change touches, and one base on either side.
        length = max(alleles.lost[one], alleles.gained[one])
        begin, end = alleles.start[one], alleles.start[one] + alleles.slide[one] + alleles.lost[one]
        if alleles.kind[one] == forms.SNV:
            end = begin
        else:
            begin, end = begin - length - 1, end + length
        if not _holds(layouts.columns, model, begin, end):
            left[pair] = True
            continue
        size = put(out, size, layouts.letters, layouts.heads[model], layouts.heads[model + 1])
        size = _change(alleles, one, model, layouts, words, out, size)
        stop[pair] = size
    return size


@compiled
def _holds(columns: TranscriptColumns, model: int, begin: int, end: int) -> bool:
    """Return whether a stretch of the contig lies completely between the ends of a transcript."""
    if columns.reverse[model]:
        begin, end = -end, -begin
    return bool(columns.begin[columns.exons[model]] <= begin and end <= columns.end[columns.exons[model + 1] - 1])


@compiled
def _change(alleles: Alleles, one: int, model: int, layouts: Layouts, words: Words, out: Bytes, size: int) -> int:
    """Write the description of a change, after the name of its transcript."""
    reverse = layouts.columns.reverse[model]
    kind, place, lost, gained = alleles.kind[one], alleles.start[one], alleles.lost[one], alleles.gained[one]
    slide, bases = alleles.slide[one], alleles.bases[one]
    if kind == forms.SNV:
        size = _number(place, model, layouts, out, size)
        size = _bases(alleles.letters, bases, 1, 0, reverse, words.complement, out, size)
        out[size] = GREATER
        return _bases(alleles.letters, alleles.given[one], 1, 0, reverse, words.complement, out, size + 1)
    if kind == forms.MNV or kind == forms.OTHER:  # noqa: PLR1714 - compiled
        size = _range(place, place + lost - 1, model, layouts, out, size)
        if lost == gained and inverted(alleles, one, words.complement):
            return put(out, size, words.inverted, 0, 3)
        size = put(out, size, words.deleted, 0, 3)
        size = put(out, size, words.inserted, 0, 3)
        return _bases(alleles.letters, alleles.given[one], gained, 0, reverse, words.complement, out, size)
    # HGVS shifts a change to the 3' end of the transcript, which is leftmost on the reverse strand.
    moved = 0 if reverse else slide
    place += moved
    if kind == forms.DELETION:
        size = _range(place, place + lost - 1, model, layouts, out, size)
        return put(out, size, words.deleted, 0, 3)
    if slide >= gained:  # the sequence repeats all the bases: a duplication
        first = place if reverse else place - gained
        size = _range(first, first + gained - 1, model, layouts, out, size)
        return put(out, size, words.copied, 0, 3)
    size = _number(place if reverse else place - 1, model, layouts, out, size)
    out[size] = UNDERSCORE
    size = _number(place - 1 if reverse else place, model, layouts, out, size + 1)
    size = put(out, size, words.inserted, 0, 3)
    return _bases(alleles.letters, bases, gained, moved, reverse, words.complement, out, size)


@compiled
def inverted(alleles: Alleles, one: int, complement: Bytes) -> bool:
    """Return whether the new bases of an allele are the reverse complement of those that they replace."""
    size = alleles.lost[one]
    last = alleles.given[one] + size - 1
    for step in range(size):
        if complement[alleles.letters[alleles.ref[one] + step]] != alleles.letters[last - step]:
            return False
    return True


@compiled
def _range(first: int, last: int, model: int, layouts: Layouts, out: Bytes, size: int) -> int:
    """Write the numbers of the first and the last base in the transcript's direction; one number for a single base."""
    if layouts.columns.reverse[model]:
        first, last = last, first
    size = _number(first, model, layouts, out, size)
    if first == last:
        return size
    out[size] = UNDERSCORE
    return _number(last, model, layouts, out, size + 1)


@compiled
def _number(position: int, model: int, layouts: Layouts, out: Bytes, size: int) -> int:
    """Write the HGVS number of a position of the contig; see `effects.hgvs_transcript.Layout.number`."""
    columns = layouts.columns
    place = -position if columns.reverse[model] else position
    exon = exon_of(columns.begin, columns.exons[model], columns.exons[model + 1], place)
    beyond = place - columns.end[exon]
    if beyond <= 0:
        return _base(columns, model, columns.before[exon] + place - columns.begin[exon], out, size)
    before, missing = columns.before[exon + 1], columns.begin[exon + 1] - place
    if beyond <= missing:
        size = _base(columns, model, before - 1, out, size)
        out[size] = PLUS
        return put_number(out, size + 1, beyond)
    size = _base(columns, model, before, out, size)
    out[size] = MINUS
    return put_number(out, size + 1, missing)


@compiled
def _base(columns: TranscriptColumns, model: int, offset: int, out: Bytes, size: int) -> int:
    """Write the HGVS number of a spliced base; `offset` counts from 0."""
    start, stop = columns.start[model], columns.stop[model]
    if start < 0:
        return put_number(out, size, offset + 1)
    if offset < start:
        out[size] = MINUS
        return put_number(out, size + 1, start - offset)
    if offset >= stop:
        out[size] = ASTERISK
        return put_number(out, size + 1, offset - stop + 1)
    return put_number(out, size, offset - start + 1)


@compiled
def _bases(
    letters: Bytes, first: int, count: int, turn: int, reverse: bool, complement: Bytes, out: Bytes, size: int
) -> int:
    """Write bases, rotated left by `turn`; as reverse complement on the reverse strand."""
    for step in range(count):
        if reverse:
            out[size + step] = complement[letters[first + (count - 1 - step + turn) % count]]
        else:
            out[size + step] = letters[first + (step + turn) % count]
    return size + count
