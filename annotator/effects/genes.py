"""Genes, named regions, and the lookups of gene models, which `annotator.reference` implements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from annotator.effects.transcript import Span, Transcript

#: The distance in bases within which a variant is upstream or downstream of a gene, as in Ensembl VEP.
NEARBY = 5_000


@dataclass(frozen=True, slots=True)
class Gene:
    """A gene.

    name: its symbol, or its identifier if it has none.
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
    """A named part of a contig that is not a gene, such as a D-loop. start, end: 1-based and included."""

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
class Models:
    """Some of a contig's gene models, each kind in the order of its start."""

    transcripts: list[Transcript]
    genes: list[Gene]
    regions: list[Region]


Record = Gene | Region | Transcript


class GeneModels(Protocol):
    """Looks up by contig (by the reference's own name), start and end, 1-based and included."""

    def transcripts(self, contig: str, start: int, end: int) -> list[Transcript]:
        """Return the transcripts that overlap start..end, ordered by start, end and name.

        A transcript is the same object in each lookup, as long as lookups stay near it.
        """

    def genes(self, contig: str, start: int, end: int) -> list[Gene]:
        """Return the genes that overlap start..end, ordered by start, end and name."""

    def regions(self, contig: str, start: int, end: int) -> list[str]:
        """Return the names of the regions that overlap start..end, each once."""

    def nearby(self, contig: str, start: int, end: int) -> Nearby | None:
        """Return the gene within NEARBY bases of a place that touches no transcript; None if there is none.

        A gene that the place is upstream of comes before a gene that it is downstream of; then the nearest gene is
        chosen. An insertion between the end of a gene and the next base is given as these two bases.
        """

    def coding(self, contig: str, start: int, end: int) -> list[Span]:
        """Return the parts of start..end that are coding in any transcript, merged, in order."""

    def near(self, contig: str, spans: Sequence[Span], crowded: Sequence[Span]) -> Models:
        """Return the transcripts that overlap any of sorted spans, and what else is near some of the spans.

        Args:
            spans: Stretches of the contig.
            crowded: Those of them for which regions and the genes within NEARBY are wanted, too.
        """
