"""Genes and named regions, and what the gene models of a reference answer. `annotator.reference` implements it."""

from dataclasses import dataclass
from typing import Protocol

from annotator.effects.transcript import Span, Transcript

#: Bases within which a variant is upstream or downstream of a gene, as in Ensembl VEP.
NEARBY = 5_000


@dataclass(frozen=True, slots=True)
class Gene:
    """A gene.

    name: its symbol, or its identifier where it has none.
    gene_id: such as ENSG00000000003; "" if the gene models have none.
    kind: the type of its row in GFF3, such as ncRNA_gene.
    start, end: 1-based and included.
    strand: "+", "-" or ".".
    """

    name: str
    gene_id: str
    kind: str
    contig: str
    start: int
    end: int
    strand: str
    biotype: str
    description: str


@dataclass(frozen=True, slots=True)
class Region:
    """A named part of a contig that is no gene, such as a D-loop. start, end: 1-based and included."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Nearby:
    """A gene near a place.

    term: upstream_gene_variant or downstream_gene_variant.
    distance: bases from the place to the gene; 1 if they touch.
    """

    term: str
    gene: Gene
    distance: int


@dataclass(frozen=True, slots=True)
class Everything:
    """All of a contig, each in the order of its start."""

    transcripts: list[Transcript]
    genes: list[Gene]
    regions: list[Region]


Record = Gene | Region | Transcript


class GeneModels(Protocol):
    """Looks up by contig (by the reference's own name), start and end, 1-based and included."""

    def transcripts(self, contig: str, start: int, end: int) -> list[Transcript]:
        """Return the transcripts that overlap start..end, ordered by start, end and name.

        A transcript is the same object each time, as long as it is kept: as long as lookups stay near it.
        """

    def genes(self, contig: str, start: int, end: int) -> list[Gene]:
        """Return the genes that overlap start..end, ordered by start, end and name."""

    def regions(self, contig: str, start: int, end: int) -> list[str]:
        """Return the names of the regions that overlap start..end, each once."""

    def nearby(self, contig: str, start: int, end: int) -> Nearby | None:
        """Return the gene within NEARBY bases that matters most to a place that touches no transcript.

        A gene that the place is upstream of comes before one that it is downstream of, then the nearest counts. None
        if there is no gene. An insertion between a gene's end and the base after it is given as these two bases.
        """

    def coding(self, contig: str, start: int, end: int) -> list[Span]:
        """Return the parts of start..end that code in any transcript, merged, in order."""

    def every(self, contig: str) -> Everything:
        """Return all of a contig."""
