"""Transcripts of a contig as columns, for compiled functions."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from annotator.effects.effect import NONSENSE_MEDIATED_DECAY
from annotator.effects.genetic_codes import STANDARD
from annotator.effects.transcript import Span, Transcript
from annotator.run.columnar.codons import code_numbers
from annotator.run.columnar.compiled import Flags, Ints, compiled

_FAR = 2**40  # more than any position


class TranscriptColumns(NamedTuple):
    """Transcripts of one contig, numbered from 0.

    exons: the index of each transcript's first exon among all exons, followed by the number of exons.
    begin, end: first and last place of each exon. A place is a position, negative on the reverse strand.
    before: number of bases of the transcript's exons before each exon.
    reverse: whether the transcript is on the reverse strand.
    start, stop: the range of coding spliced bases, from 0, `stop` not included; -1 for none.
    pad: number of unknown bases that complete the first codon.
    has_start: whether the coding sequence begins with its first codon, which may be a start codon.
    completes: whether polyadenylation may complete the stop codon.
    decays: whether the transcript is degraded before it is translated.
    is_consistent: see Transcript. Effects on inconsistent transcripts are left to `effects.effect`.
    code: the index of the genetic code in `codons.CODES`.
    matures: the index of each transcript's first mature product among all, followed by the number of mature products.
    mature_begin, mature_end: first and last place of each mature product.
    """

    exons: Ints
    begin: Ints
    end: Ints
    before: Ints
    reverse: Flags
    start: Ints
    stop: Ints
    pad: Ints
    has_start: Flags
    completes: Flags
    decays: Flags
    is_consistent: Flags
    code: Ints
    matures: Ints
    mature_begin: Ints
    mature_end: Ints

    def spans(self) -> tuple[Ints, Ints]:
        """Return the first and the last base of each transcript."""
        first, last = self.begin[self.exons[:-1]], self.end[self.exons[1:] - 1]
        return np.where(self.reverse, -last, first), np.where(self.reverse, -first, last)


def transcript_columns(transcripts: Sequence[Transcript]) -> TranscriptColumns:
    """Return transcripts as columns."""
    count = len(transcripts)
    exons = np.zeros(count + 1, np.int64)
    np.cumsum([len(one.exons) for one in transcripts], out=exons[1:])
    reverse = np.array([one.strand == "-" for one in transcripts], np.bool_)
    model = np.repeat(np.arange(count), np.diff(exons))
    begin, end = _places(transcripts, exons, model, reverse)
    total = np.zeros(len(begin) + 1, np.int64)
    np.cumsum(end - begin + 1, out=total[1:])
    before = total[:-1] - total[exons[model]]
    start, stop = _coding_offsets(transcripts, exons, model, reverse, begin, before)
    numbers = code_numbers()
    flags = np.array(
        [
            (
                one.is_numbered,
                one.end_known and one.genetic_code != STANDARD,
                one.biotype in NONSENSE_MEDIATED_DECAY,
                one.is_consistent,
            )
            for one in transcripts
        ],
        np.bool_,
    ).reshape(-1, 4)
    has_start, may_complete, decays, is_consistent = (np.ascontiguousarray(column) for column in flags.T)
    pad = np.array([-one.phase % 3 for one in transcripts], np.int64)
    code = np.array([numbers[one.genetic_code] for one in transcripts], np.int64)
    matures = np.cumsum([0, *(len(one.mature) for one in transcripts)])
    completes = may_complete & (stop == total[exons[1:]] - total[exons[:-1]]) & ((stop - start + pad) % 3 > 0)
    return TranscriptColumns(
        exons, begin, end, before, reverse, start, stop, pad, has_start, completes, decays, is_consistent, code,
        matures, *_ends(one.mature_places for one in transcripts if one.mature),
    )  # fmt: skip


def _ends(spans: Iterable[Sequence[Span]]) -> tuple[Ints, Ints]:
    """Return the first and the last place of each span of each transcript."""
    places = np.fromiter(chain.from_iterable(chain.from_iterable(spans)), np.int64)
    return places[::2].copy(), places[1::2].copy()


def joined(one: TranscriptColumns, other: TranscriptColumns) -> TranscriptColumns:
    """Return the transcripts of `one`, and after them those of `other`."""
    columns = [np.concatenate(pair) for pair in zip(one, other, strict=True)]
    found = dict(zip(TranscriptColumns.__annotations__, columns, strict=True))
    found |= {"exons": _continued(one.exons, other.exons), "matures": _continued(one.matures, other.matures)}
    return TranscriptColumns(**found)


def _continued(begins: Ints, more: Ints) -> Ints:
    """Return the offsets of all if the second group follows the first, and the end of the last."""
    return np.concatenate([begins[:-1], begins[-1] + more])


def _places(transcripts: Sequence[Transcript], exons: Ints, model: Ints, reverse: Flags) -> tuple[Ints, Ints]:
    """Return the first and the last place of each exon, in the direction of its transcript."""
    start, end = _ends(one.exons for one in transcripts)
    turned = reverse[model]
    numbers = np.arange(len(model))
    order = np.where(turned, (exons[:-1] + exons[1:] - 1)[model] - numbers, numbers)
    return np.where(turned, -end[order], start), np.where(turned, -start[order], end)


def _coding_offsets(
    transcripts: Sequence[Transcript], exons: Ints, model: Ints, reverse: Flags, begin: Ints, before: Ints
) -> tuple[Ints, Ints]:
    """Return the start and end (not included) of each coding sequence among the spliced bases; -1 for none."""
    first, last = np.array([one.coding or (0, 0) for one in transcripts], np.int64).reshape(-1, 2).T
    first, last = np.where(reverse, -last, first), np.where(reverse, -first, last)
    keys = model * _FAR + begin  # sorted, because the exons of each transcript are sorted
    codes = np.array([one.coding is not None for one in transcripts], np.bool_)
    offsets = []
    for place in (first, last):
        exon = np.searchsorted(keys, np.arange(len(transcripts)) * _FAR + place, side="right") - 1
        exon = np.maximum(exon, exons[:-1])
        offsets.append(np.where(codes, before[exon] + place - begin[exon], -1))
    return offsets[0], np.where(codes, offsets[1] + 1, -1)


@compiled
def exon_of(begin: Ints, low: int, high: int, place: int) -> int:
    """Return the last exon, from `low` to `high` (not included), that begins at or before a place."""
    while high - low > 1:
        middle = (low + high) // 2
        if begin[middle] <= place:
            low = middle
        else:
            high = middle
    return low
