"""The joint effect of several changes on one molecule on a transcript.

The changes are joined to one change of the spliced bases, from the first change to the last. So a codon that is split
by an intron is treated like any other codon. `effect` gives the effect of the joined change on the transcript without
its introns; there is no second definition.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from annotator.effects import splicing
from annotator.effects.allele import Change, shortest
from annotator.effects.effect import Effect, Effects, exonic_offsets
from annotator.effects.hgvs_transcript import Fetch
from annotator.effects.placing import changed_parts, kept, place
from annotator.effects.terms import ordered
from annotator.effects.transcript import Span, Transcript
from annotator.formats.fasta import reverse_complement


@dataclass(frozen=True, order=True)
class Located:
    """A change within one exon of a transcript, and within its coding sequence.

    first, last: the spliced bases that it replaces, from 0, `last` not included.
    extent: the places from where the change is written to where it is placed, doubled: an insertion has the odd number
        between two bases.
    alt: on the transcript's strand.
    parts: the places whose bases differ, see `placing.changed_parts`.
    exon: its number, from 0.
    moved: the number of bases between where it is written and where it is placed.
    """

    first: int
    last: int
    extent: Span
    alt: str
    parts: tuple[Span, ...]
    exon: int
    moved: int


def locate(change: Change, transcript: Transcript, fetch: Fetch) -> Located | None:
    """Find a change among the spliced bases of a transcript.

    Args:
        change: The shortest form of an allele, in bases.
        transcript: One that lies on the same contig.
        fetch: Returns the contig's bases on the forward strand, from a position to another, both included.

    Returns:
        None unless the whole change lies in one exon and in the coding sequence.
    """
    if transcript.coding_offsets is None:
        return None
    placed = place(change, transcript, kept(fetch, change))
    span = begin, end = placed.span
    offsets = exonic_offsets(transcript, span)
    if offsets is None:
        return None
    first, last = offsets
    start, stop = transcript.coding_offsets
    if not (start <= first and last <= stop) or (first == last and first in (start, stop)):
        return None
    written = -change.end if transcript.strand == "-" else change.pos
    low, high = sorted((written, begin))
    extent = (2 * low, 2 * (high + len(change.ref) - 1)) if change.ref else (2 * low - 1, 2 * high - 1)
    exon = transcript.exon_at(begin)
    if exon is None:
        exon = transcript.exon_at(end)
    parts = tuple(changed_parts(placed, transcript))
    return Located(first, last, extent, placed.alt, parts, exon or 0, high - low)


def are_apart(changes: Sequence[Located]) -> bool:
    """Return whether no two of several sorted changes overlap.

    They do not overlap if their order is certain, wherever in its repeat each of them is written.
    """
    return all(one.extent[1] < other.extent[0] for one, other in pairwise(changes))


class Spliced:
    """A coding transcript without its introns, on a contig of its spliced bases only."""

    def __init__(self, transcript: Transcript, fetch: Fetch) -> None:
        self.original = transcript
        self._bases = "".join(fetch(start, end) for start, end in transcript.exons)
        self._size = len(self._bases)
        start, stop = transcript.coding_offsets or (0, 0)
        self._reverse = transcript.strand == "-"
        coding = (self._size - stop + 1, self._size - start) if self._reverse else (start + 1, stop)
        self._effects = Effects()
        self._transcript = replace(transcript, exons=((1, self._size),), coding=coding)

    def _fetch(self, first: int, last: int) -> str:
        return self._bases[max(first, 1) - 1 : max(last, 0)]

    def effect(self, changes: Iterable[Located]) -> Effect | None:
        """Return the joint effect of changes; see `effect_together`."""
        members = sorted(changes)
        if len(members) < 2 or not are_apart(members):
            return None
        change = self._joined(members)
        found = self._effects.of(change, self._transcript, self._fetch) if change.ref or change.alt else None
        if found is None:
            return None
        near = set[str]().union(*(splicing.terms(self.original, one.parts) for one in members))
        first, last = members[0].exon + 1, members[-1].exon + 1
        exon = f"{first}-{last}" if first < last else f"{first}"
        return replace(
            found, terms=ordered({*found.terms, *near}), hgvs_c="", exon=f"{exon}/{len(self.original.exons)}", intron=""
        )

    def _joined(self, members: Sequence[Located]) -> Change:
        """Return the change from the first to the last of several changes, on the spliced contig."""
        first, last = members[0].first, members[-1].last
        if self._reverse:
            pos = self._size - last + 1
            ref = reverse_complement(self._fetch(pos, self._size - first))
        else:
            pos = first + 1
            ref = self._fetch(pos, last)
        parts, at = [], first
        for one in members:
            parts += [ref[at - first : one.first - first], one.alt]
            at = one.last
        alt = "".join(parts)
        return (
            shortest(pos, reverse_complement(ref), reverse_complement(alt))
            if self._reverse
            else shortest(pos, ref, alt)
        )


def effect_together(changes: Iterable[Change], transcript: Transcript, fetch: Fetch) -> Effect | None:
    """Return the joint effect of several changes on one molecule on a transcript.

    Changes that do not lie entirely in one exon and in the coding sequence are ignored.

    Args:
        changes: The shortest forms of alleles, in bases.
        transcript: One that lies on the same contig.
        fetch: Returns the contig's bases on the forward strand, from a position to another, both included.

    Returns:
        The terms, the protein, the codons and amino acids, and the positions, without a description on the
        transcript. None if fewer than two changes are left, if two overlap, or if together they change no base.
    """
    located = [one for change in changes if (one := locate(change, transcript, fetch)) is not None]
    return Spliced(transcript, fetch).effect(located) if len(located) > 1 else None
