"""Look up genes, transcripts and named regions of a reference by position."""

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from annotator.effects.genes import NEARBY, Gene, Models, Nearby, Record, Region
from annotator.effects.transcript import Span, Transcript

_TERMS = ("upstream_gene_variant", "downstream_gene_variant")

T = TypeVar("T")


class Intervals(Generic[T]):
    """Intervals on a contig, sorted by start, for lookups by overlap."""

    def __init__(self, starts: Iterable[int], ends: Iterable[int], get: Callable[[int], T]) -> None:
        """Store the intervals.

        Args:
            starts: First bases, sorted.
            ends: Last bases.
            get: Returns the object of an interval by its number, from 0.
        """
        self._starts = starts if isinstance(starts, array) else array("I", starts)
        self._ends = ends if isinstance(ends, array) else array("I", ends)
        self._reaches = array("I", accumulate(self._ends, max))  # running maximum of the ends
        self._get = get

    def overlapping(self, start: int, end: int) -> list[T]:
        """Return the objects that overlap start..end."""
        return list(map(self._get, self._numbers(start, end)))

    def among(self, spans: Iterable[Span]) -> list[T]:
        """Return the objects that overlap any of the spans."""
        return list(map(self._get, sorted({number for span in spans for number in self._numbers(*span)})))

    def _numbers(self, start: int, end: int) -> list[int]:
        ends = self._ends
        numbers = range(bisect_left(self._reaches, start), bisect_right(self._starts, end))
        return [number for number in numbers if ends[number] >= start]


@dataclass(frozen=True)
class ContigModels:
    """The gene models of one contig."""

    transcripts: Intervals[Transcript]
    genes: Intervals[Gene]
    regions: Intervals[Region]


NOTHING = ContigModels(*(Intervals[Transcript]((), (), [].__getitem__) for _ in range(3)))  # type: ignore[arg-type]


class ByContig(ABC):
    """Base class that implements GeneModels with the gene models of each contig."""

    @abstractmethod
    def of(self, contig: str) -> ContigModels:
        """Return the gene models of a contig; NOTHING if it has none."""

    def transcripts(self, contig: str, start: int, end: int) -> list[Transcript]:
        """See GeneModels."""
        return self.of(contig).transcripts.overlapping(start, end)

    def genes(self, contig: str, start: int, end: int) -> list[Gene]:
        """See GeneModels."""
        return self.of(contig).genes.overlapping(start, end)

    def regions(self, contig: str, start: int, end: int) -> list[str]:
        """See GeneModels."""
        return list(dict.fromkeys(one.name for one in self.of(contig).regions.overlapping(start, end)))

    def nearby(self, contig: str, start: int, end: int) -> Nearby | None:
        """See GeneModels."""
        found = []
        for gene in self.of(contig).genes.overlapping(start - NEARBY, end + NEARBY):
            is_before = start < gene.start >= end
            if is_before or end > gene.end <= start:
                distance = max(1, gene.start - end if is_before else start - gene.end)
                found.append((is_before is (gene.strand == "-"), distance, gene))
        if not found:
            return None
        is_downstream, distance, gene = min(found, key=lambda one: one[:2])
        return Nearby(_TERMS[is_downstream], gene, distance)

    def coding(self, contig: str, start: int, end: int) -> list[Span]:
        """See GeneModels."""
        return merged(
            (max(begin, start), min(stop, end))
            for one in self.transcripts(contig, start, end)
            for begin, stop in one.coding_exons
            if begin <= end and stop >= start
        )

    def near(self, contig: str, spans: Sequence[Span], crowded: Sequence[Span]) -> Models:
        """See GeneModels."""
        models = self.of(contig)
        wide = [(start - NEARBY, end + NEARBY) for start, end in crowded]
        return Models(models.transcripts.among(spans), models.genes.among(wide), models.regions.among(crowded))


class InMemory(ByContig):
    """Gene models held in memory."""

    def __init__(self, records: Mapping[str, Sequence[Record]]) -> None:
        """records: those of each contig, in any order."""
        self._contigs = {contig: _contig(sorted(some, key=place)) for contig, some in records.items()}

    def of(self, contig: str) -> ContigModels:
        """See ByContig."""
        return self._contigs.get(contig, NOTHING)


def place(record: Record) -> tuple[int, int, str]:
    """Return the sort key of a record."""
    return record.start, record.end, record.name


def _contig(records: Sequence[Record]) -> ContigModels:
    return ContigModels(
        _intervals([one for one in records if isinstance(one, Transcript)]),
        _intervals([one for one in records if isinstance(one, Gene)]),
        _intervals([one for one in records if isinstance(one, Region)]),
    )


R = TypeVar("R", Gene, Region, Transcript)


def _intervals(found: list[R]) -> Intervals[R]:
    return Intervals((one.start for one in found), (one.end for one in found), found.__getitem__)


def merged(spans: Iterable[Span], gap: int = 1) -> list[Span]:
    """Return sorted spans in which overlapping and adjacent ones are joined.

    Args:
        spans: In any order.
        gap: 0 to join only overlapping spans.
    """
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + gap:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
