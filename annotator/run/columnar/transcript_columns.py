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


class TranscriptColumns(NamedTuple):
    """Transcripts of one contig, numbered from 0.

    exons: where each one's exons begin among all exons, and the end.
    begin, end: first and last place of each exon: positions, negative on the reverse strand.
    before: bases of the transcript's exons before each exon.
    reverse: whether it lies on the reverse strand.
    start, stop: the spliced bases, from 0, that code, `stop` not included; -1 for none.
    pad: unknown bases that complete the first codon.
    has_start: whether the coding sequence begins with its first codon, which may be a start codon.
    completes: whether polyadenylation may complete its stop codon.
    decays: whether it is broken down before it is translated.
    is_consistent: see Transcript; the effects on others are left to `effects.effect`.
    code: the number of its genetic code among those of `codons`.
    matures: where each one's mature products begin among those of all, and the end.
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


def transcript_columns(transcripts: Sequence[Transcript]) -> TranscriptColumns:
    """Return transcripts as columns; made once for each contig."""
    counts = [len(one.exons) for one in transcripts]
    begin, end = _ends(one.places for one in transcripts)
    exons = np.cumsum([0, *counts])
    total = np.cumsum([0, *(end - begin + 1)])
    before = total[:-1] - np.repeat(total[exons[:-1]], counts)
    offsets = np.array([one.coding_offsets or (-1, -1) for one in transcripts], np.int64).reshape(-1, 2)
    numbers = code_numbers()
    flags = np.array(
        [
            (
                one.strand == "-",
                one.is_numbered,
                one.end_known and one.genetic_code != STANDARD,
                one.biotype in NONSENSE_MEDIATED_DECAY,
                one.is_consistent,
            )
            for one in transcripts
        ],
        np.bool_,
    ).reshape(-1, 5)
    reverse, has_start, may_complete, decays, is_consistent = (np.ascontiguousarray(column) for column in flags.T)
    start, stop = (np.ascontiguousarray(column) for column in offsets.T)
    pad = np.array([-one.phase % 3 for one in transcripts], np.int64)
    code = np.array([numbers[one.genetic_code] for one in transcripts], np.int64)
    matures = np.cumsum([0, *(len(one.mature) for one in transcripts)])
    completes = may_complete & (stop == total[exons[1:]] - total[exons[:-1]]) & ((stop - start + pad) % 3 > 0)
    return TranscriptColumns(
        exons, begin, end, before, reverse, start, stop, pad, has_start, completes, decays, is_consistent, code,
        matures, *_ends(one.mature_places for one in transcripts),
    )  # fmt: skip


def _ends(spans: Iterable[Sequence[Span]]) -> tuple[Ints, Ints]:
    """Return the first and the last place of each span of each transcript."""
    places = np.fromiter(chain.from_iterable(chain.from_iterable(spans)), np.int64)
    return places[::2].copy(), places[1::2].copy()


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
