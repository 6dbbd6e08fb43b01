"""Features of a pack whose genes are indexed (annotator.regions): of a contig, those near what is asked are read."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from annotator import features, rna
from annotator.coding import CodingParts, Span
from annotator.features import GENE_TYPES, NEARBY, FeatureLookup, Stretches, Transcript
from annotator.gene_rows import GeneRows
from annotator.regions import FORWARD, REVERSE, ROWS, Genes
from annotator.transcripts import Model

BITS = 12  # genes are looked for in the index once for all lookups within the same 4,096 bases
STRETCHES_KEPT = 1024
GENES_KEPT = 512
ALWAYS = 8  # so many genes are never too many
_STRANDS = {FORWARD: "+", REVERSE: "-"}


class _Own(NamedTuple):
    """A gene's own row, as far as the index has it."""

    start: int
    end: int
    strand: str


class RegionalFeatures:
    """Gives the same answers as `whole`, which has all of each contig.

    That is asked where it is less work: for what needs all of a contig, and when more genes have been read than the
    contig has, some again and again.
    """

    def __init__(self, whole: FeatureLookup, genes: Genes) -> None:
        self._whole = whole
        self._genes = genes
        self._visit = "", 0  # the contig that was asked last, and how many genes have been read of it meanwhile
        # The place that was asked last, and what is near: several things are asked of each.
        self._last: tuple[tuple[str, int, int], Sequence[GeneRows]] = ("", 0, 0), ()
        # Of this object alone, and gone with it.
        self._stretch = lru_cache(maxsize=STRETCHES_KEPT)(self._find)
        self._gene = lru_cache(maxsize=GENES_KEPT)(self._read)

    def _near(self, contig: str, start: int, end: int) -> Sequence[GeneRows] | None:
        """The genes that share a base with start to end, in order of their first base; None where `whole` is to be
        asked.
        """
        place = contig, start, end
        known, found = self._last
        if known == place:
            return found
        numbers = self._numbers(contig, start, end)
        if numbers is None:
            return None
        near = [self._gene(contig, one) for one in numbers]
        self._last = place, near
        return near

    def _numbers(self, contig: str, start: int, end: int) -> list[int] | None:
        """See _near; their numbers."""
        index = self._genes.of(contig)
        if index is None:
            return None
        asked, count = self._visit
        if asked != contig:
            self._visit = contig, 0
        elif count > len(index.starts):
            return None
        numbers = self._stretch(contig, start >> BITS, end >> BITS)
        if numbers is None:
            return None
        starts, ends = index.starts, index.ends
        return [one for one in numbers if starts[one] <= end and ends[one] >= start]

    def _find(self, contig: str, first: int, last: int) -> Sequence[int] | None:
        """The numbers of the genes of some stretches; None where it is too much."""
        index = self._genes.of(contig)
        if index is None:
            return None
        numbers = index.overlapping(first << BITS, ((last + 1) << BITS) - 1)
        return numbers if len(numbers) <= len(index.starts) // 2 + ALWAYS else None

    def _read(self, contig: str, gene: int) -> GeneRows:
        self._visit = contig, self._visit[1] + 1
        index = self._genes.of(contig)
        return GeneRows(contig, self._genes.rows(contig, index, gene) if index else "")

    def names(self, contig: str, start: int, end: int) -> list[str]:
        """See Features.names."""
        near = self._near(contig, start, end)
        if near is None:
            return self._whole.names(contig, start, end)
        heads = [one for gene in near for one in gene.heads if one.start <= end and one.end >= start]
        heads.sort(key=_place)
        named = [one.name for one in heads if one.kind in GENE_TYPES] or [one.name for one in heads]
        return list(dict.fromkeys(named))

    def beside(self, contig: str, start: int, end: int) -> str:
        """See Features.beside."""
        first, last = start - NEARBY, end + NEARBY
        index, numbers = self._genes.of(contig), self._numbers(contig, first, last)
        if index is None or numbers is None:
            return self._whole.beside(contig, start, end)
        genes: list[features.Stranded] = []
        for number in numbers:
            head = index.head(number)
            if head in _STRANDS:  # as most have it, and nothing need be read
                genes.append(_Own(index.starts[number], index.ends[number], _STRANDS[head]))
            elif head == ROWS:
                heads = [one for one in self._gene(contig, number).heads if one.kind in GENE_TYPES]
                genes += [one for one in heads if one.start <= last and one.end >= first]
        return features.beside(sorted(genes, key=_place), start, end)

    def in_rna(self, contig: str, gene: str, start: int, end: int) -> str:
        """See Features.in_rna."""
        near = self._near(contig, start, end)
        if near is None:
            return self._whole.in_rna(contig, gene, start, end)
        rnas = [one for rows in near for one in rows.rnas]
        return rna.worst(rnas, gene, start, end) if rnas else ""

    def in_incomplete_codon(self, contig: str, start: int, end: int) -> bool:
        """See Features.in_incomplete_codon."""
        near = self._near(contig, min(start, end), max(start, end))  # of an insertion the end is in front of the start
        if near is None:
            return self._whole.in_incomplete_codon(contig, start, end)
        return any(features.in_codon(gene.codons, start, end) for gene in near if gene.codons)

    def coding(self, contig: str, start: int, end: int) -> list[Span]:
        """See Features.coding."""
        near = self._near(contig, start, end)
        if near is None:
            return self._whole.coding(contig, start, end)
        return CodingParts((contig, segments) for gene in near for segments in gene.coding).within(contig, start, end)

    def stretches(self, contig: str) -> Stretches:
        """See Features.stretches. Reads all of the contig."""
        return self._whole.stretches(contig)

    def transcript(self, name: str, contig: str) -> Transcript | None:
        """See Features.transcript."""
        index = self._genes.of(contig)
        if index is None:
            return self._whole.transcript(name, contig)
        found = (self._gene(contig, gene).transcript(name) for gene in index.with_transcript(name))
        return next((one for one in found if one), None)

    def models(self, contig: str, start: int, end: int) -> list[Model]:
        """See Features.models."""
        near = self._near(contig, start, end)
        if near is None:
            return self._whole.models(contig, start, end)
        return [one for gene in near for one in gene.models if one.start <= end and one.end >= start]


def _place(feature: features.Stranded) -> tuple[int, int]:
    return feature.start, feature.end
