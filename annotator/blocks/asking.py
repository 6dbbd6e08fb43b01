"""What csq is asked of a block, and how its answers are found again.

Far from exons csq says the same of all changes in a stretch, but of bases that come in the place of another number of
bases: it is asked about the first that comes, and the answer holds for the others, in later blocks too. Everything else
near a gene is asked about one by one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.blocks.alleles import OTHER, Alleles, joined
from annotator.blocks.compiled import Bytes, Flags, Ints, array_of, compiled, put, put_number
from annotator.blocks.places import Places
from annotator.pieces import BLANK
from annotator.sources.matching import Variant

_BLANK, _TAB = array_of(BLANK.encode()), ord("\t")


class Asked(NamedTuple):
    """stretch: of each allele, that of the bases that it touches, -1 if these are in several. question: the number of
    the question that is about it alone, -1 for none. shared: whether another's answer holds for it. teaching: the
    stretches of which csq is asked for the first time, and the number of the question.

    pos, ref, ref_size, given, given_size and letters: of the questions, see `alleles.joined`; the variants of other
    records are the last of them.
    """

    stretch: Ints
    question: Ints
    shared: Flags
    teaching: tuple[Ints, Ints]
    pos: Ints
    ref: Ints
    ref_size: Ints
    given: Ints
    given_size: Ints
    letters: Bytes

    def lines(self, contig: str) -> bytes:
        """The questions as lines for csq, by position; ID is a question's number."""
        name = array_of(f"{contig}\t".encode("ascii"))
        size = len(self.pos) * (len(name) + 45 + len(_BLANK)) + int(self.ref_size.sum() + self.given_size.sum())
        out = np.empty(size, np.uint8)
        return out[: _write(self, np.argsort(self.pos, kind="stable"), name, _BLANK, out)].tobytes()


class Asking:
    """Asks about the alleles of one contig, block by block. One thread only."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._taught = np.zeros(len(places.starts), np.bool_)

    def about(self, alleles: Alleles, variants: Sequence[Variant]) -> Asked:
        """variants: the normal forms of other records' alleles, all of which csq is asked about."""
        places = self._places
        inserted = alleles.lost == 0
        first = places.of(alleles.start - inserted)
        last = places.of(alleles.start + np.maximum(alleles.lost - 1, 0))
        begin, end = places.of(alleles.pos), places.of(alleles.pos + alleles.ref_size - 1)
        near = places.near[begin]
        # Where bases come in the place of another number of bases, csq may add feature_elongation or -truncation.
        alike = places.alike[first] & (alleles.kind != OTHER)
        shared = near & (first == last) & (begin == first) & (end == first) & alike
        alone = near & ~shared
        if not variants:
            alone[-1] = True  # an answer there must be
            shared[-1] = False
        untaught = np.flatnonzero(shared & ~self._taught[first])
        stretches, firsts = np.unique(first[untaught], return_index=True)
        self._taught[stretches] = True
        teachers = untaught[firsts]
        own = np.flatnonzero(alone)
        question = np.full(len(alleles.pos), -1, np.int64)
        question[own] = np.arange(len(own))
        teaching = stretches, len(own) + np.arange(len(teachers))
        asked = joined(alleles, np.concatenate([own, teachers]), variants)
        return Asked(np.where(first == last, first, -1), question, shared, teaching, *asked)


@compiled
def _write(asked: Asked, order: Ints, name: Bytes, blank: Bytes, out: Bytes) -> int:
    at = 0
    for place in range(len(order)):
        number = order[place]
        at = put(out, at, name, 0, len(name))
        at = put_number(out, at, asked.pos[number])
        out[at] = _TAB
        at = put_number(out, at + 1, number)
        out[at] = _TAB
        ref, given = asked.ref[number], asked.given[number]
        at = put(out, at + 1, asked.letters, ref, ref + asked.ref_size[number])
        out[at] = _TAB
        at = put(out, at + 1, asked.letters, given, given + asked.given_size[number])
        at = put(out, at, blank, 0, len(blank))
    return at
