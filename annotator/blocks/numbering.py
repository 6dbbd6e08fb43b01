"""The alleles of a block along their transcripts: HGVS c. and n., see annotator.hgvs_c."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator import tags
from annotator.blocks import alleles as forms
from annotator.blocks.alleles import Alleles
from annotator.blocks.compiled import Bytes, Flags, Ints, array_of, compiled, put, put_number
from annotator.blocks.window import REACH
from annotator.hgvs_c import Fetch
from annotator.transcripts import Model

GREATER, UNDERSCORE = ord(">"), ord("_")
#: Digits of a number, the sign between two, and the like: more than any description has beside its bases and prefixes.
ROOM = 64
_DEL, _DUP, _INS, _INV = (array_of(word) for word in (b"del", b"dup", b"ins", b"inv"))
_COMPLEMENT = np.zeros(256, np.uint8)
for _one, _other in zip(b"ACGT", b"TGCA", strict=True):
    _COMPLEMENT[_one] = _other


class Words(NamedTuple):
    """What compiled functions write."""

    deleted: Bytes
    copied: Bytes
    inserted: Bytes
    inverted: Bytes
    complement: Bytes


WORDS = Words(_DEL, _DUP, _INS, _INV, _COMPLEMENT)


class Layouts(NamedTuple):
    """The transcripts that can be numbered. first, last: of their exons on the contig; reverse; head, head_end: where
    letters has ENST00000269305.9:c. and the like; begin, end: their segments' numbers. start, base, sign, prefix and
    prefix_end: of each segment, see hgvs_c.Segment.
    """

    letters: Bytes
    reverse: Flags
    first: Ints
    last: Ints
    head: Ints
    head_end: Ints
    begin: Ints
    end: Ints
    start: Ints
    base: Ints
    sign: Ints
    prefix: Ints
    prefix_end: Ints


class Described(NamedTuple):
    """letters: the descriptions of all alleles; start, stop: where each one's is, the same for none."""

    letters: Bytes
    start: Ints
    stop: Ints


def described(alleles: Alleles, models: Sequence[Model | None], kinds: Ints, fetch: Fetch) -> Described:
    """Describe each allele on its transcript. models: those of each kind; kinds: the number of each allele's."""
    first, last = int(alleles.start.min()) - 2 * REACH, int(alleles.start.max()) + 2 * REACH
    numbers: dict[Model, int] = {}
    for model in models:
        if model is not None and model.layout is not None:
            numbers.setdefault(model, len(numbers))
    on = np.array([numbers.get(model, -1) if model else -1 for model in models], np.int64)[kinds]
    layouts = _layouts(list(numbers), first, last)
    longest = int((layouts.head_end - layouts.head).max(initial=0)) + 2 * int(
        (layouts.prefix_end - layouts.prefix).max(initial=0)
    )
    room = int(np.count_nonzero(on >= 0)) * (longest + ROOM) + int((alleles.lost + alleles.gained).sum())
    letters = np.empty(room, np.uint8)
    start, stop = np.zeros(len(on), np.int64), np.zeros(len(on), np.int64)
    left = np.zeros(len(on), np.bool_)
    size = _describe(alleles, on, layouts, WORDS, letters, start, stop, left)
    known = list(numbers)
    more = []
    for one in np.flatnonzero(left).tolist():
        text = tags.escape(known[on[one]].describe(alleles.change(one), fetch)[0]).encode("latin-1")
        start[one], stop[one] = size, size + len(text)
        size += len(text)
        more.append(text)
    kept = letters[: size - sum(map(len, more))]
    return Described(np.concatenate([kept, array_of(b"".join(more))]), start, stop)


def _layouts(models: Sequence[Model], first: int, last: int) -> Layouts:
    """With the segments that touch first to last."""
    texts: list[bytes] = []
    heads, rows, bounds = [], [], [0]
    size = 0
    for model in models:
        assert model.layout is not None  # noqa: S101 - told by the caller
        text = tags.escape(f"{model.label}:{model.layout.letter}.").encode("latin-1")
        texts.append(text)
        # A transcript may be wider than its exons: what lies in front of these, or behind them, has no number.
        exons = model.layout.exons
        heads.append((exons[0][0], exons[-1][1], model.strand == "-", size, size + len(text)))
        size += len(text)
        for one in model.layout.segments():
            if one.start <= last and one.end >= first:
                text = one.prefix.encode("ascii")
                texts.append(text)
                rows.append((one.start, one.base, one.sign, size, size + len(text)))
                size += len(text)
        bounds.append(len(rows))
    of_models = np.array(heads, np.int64).reshape(-1, 5).T
    of_segments = np.array(rows, np.int64).reshape(-1, 5).T
    start, end, reverse, head, head_end = (np.ascontiguousarray(column) for column in of_models)
    return Layouts(
        array_of(b"".join(texts)),
        reverse.astype(np.bool_),
        *(start, end, head, head_end),
        *(np.array(bound, np.int64) for bound in (bounds[:-1], bounds[1:])),
        *(np.ascontiguousarray(column) for column in of_segments),
    )


@compiled
def _describe(
    alleles: Alleles, on: Ints, layouts: Layouts, words: Words, out: Bytes, start: Ints, stop: Ints, left: Flags
) -> int:
    """Write what lies well inside of its transcript, and say what is left; returns the size of what is written."""
    size = 0
    for one in range(len(on)):
        start[one] = stop[one] = size
        model = on[one]
        if model < 0:
            continue
        # All the bases that any of its spellings touches, and one on either side.
        length = max(alleles.lost[one], alleles.gained[one])
        begin, end = alleles.start[one], alleles.start[one] + alleles.slide[one] + alleles.lost[one]
        if alleles.kind[one] == forms.SNV:
            end = begin
        else:
            begin, end = begin - length - 1, end + length
        if begin < layouts.first[model] or end > layouts.last[model]:
            left[one] = True
            continue
        size = put(out, size, layouts.letters, layouts.head[model], layouts.head_end[model])
        size = _change(alleles, one, model, layouts, words, out, size)
        stop[one] = size
    return size


@compiled
def _change(alleles: Alleles, one: int, model: int, layouts: Layouts, words: Words, out: Bytes, size: int) -> int:
    """Write the description of a change behind its transcript's name."""
    reverse = layouts.reverse[model]
    kind, place, lost, gained = alleles.kind[one], alleles.start[one], alleles.lost[one], alleles.gained[one]
    slide, bases = alleles.slide[one], alleles.bases[one]
    if kind == forms.SNV:
        size = _number(place, model, layouts, out, size)
        size = _bases(alleles.letters, bases, 1, 0, reverse, words.complement, out, size)
        out[size] = GREATER
        return _bases(alleles.letters, alleles.given[one], 1, 0, reverse, words.complement, out, size + 1)
    if kind == forms.MNV or kind == forms.OTHER:  # noqa: PLR1714 - compiled
        size = _range(place, place + lost - 1, model, layouts, out, size)
        if lost == gained and _inverted(alleles, one, words.complement):
            return put(out, size, words.inverted, 0, 3)
        size = put(out, size, words.deleted, 0, 3)
        size = put(out, size, words.inserted, 0, 3)
        return _bases(alleles.letters, alleles.given[one], gained, 0, reverse, words.complement, out, size)
    # HGVS shifts to the transcript's end, which on the reverse strand is the leftmost place.
    moved = 0 if reverse else slide
    place += moved
    if kind == forms.DELETION:
        size = _range(place, place + lost - 1, model, layouts, out, size)
        return put(out, size, words.deleted, 0, 3)
    if slide >= gained:  # so far does the sequence repeat the bases
        first = place if reverse else place - gained
        size = _range(first, first + gained - 1, model, layouts, out, size)
        return put(out, size, words.copied, 0, 3)
    size = _number(place if reverse else place - 1, model, layouts, out, size)
    out[size] = UNDERSCORE
    size = _number(place - 1 if reverse else place, model, layouts, out, size + 1)
    size = put(out, size, words.inserted, 0, 3)
    return _bases(alleles.letters, bases, gained, moved, reverse, words.complement, out, size)


@compiled
def _inverted(alleles: Alleles, one: int, complement: Bytes) -> bool:
    size = alleles.lost[one]
    last = alleles.given[one] + size - 1
    for step in range(size):
        if complement[alleles.letters[alleles.ref[one] + step]] != alleles.letters[last - step]:
            return False
    return True


@compiled
def _range(first: int, last: int, model: int, layouts: Layouts, out: Bytes, size: int) -> int:
    """Write the numbers of the first and the last base, in the transcript's direction; of a single one, its."""
    if layouts.reverse[model]:
        first, last = last, first
    size = _number(first, model, layouts, out, size)
    if first == last:
        return size
    out[size] = UNDERSCORE
    return _number(last, model, layouts, out, size + 1)


@compiled
def _number(place: int, model: int, layouts: Layouts, out: Bytes, size: int) -> int:
    low, high = layouts.begin[model], layouts.end[model]
    while high - low > 1:
        middle = (low + high) // 2
        if layouts.start[middle] <= place:
            low = middle
        else:
            high = middle
    size = put(out, size, layouts.letters, layouts.prefix[low], layouts.prefix_end[low])
    return put_number(out, size, layouts.base[low] + layouts.sign[low] * (place - layouts.start[low]))


@compiled
def _bases(
    letters: Bytes, first: int, count: int, turn: int, reverse: bool, complement: Bytes, out: Bytes, size: int
) -> int:
    """Write bases, the first turn of them behind the others; their reverse complement on the reverse strand."""
    for step in range(count):
        if reverse:
            out[size + step] = complement[letters[first + (count - 1 - step + turn) % count]]
        else:
            out[size + step] = letters[first + (step + turn) % count]
    return size + count
