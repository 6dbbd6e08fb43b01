"""Genes and transcripts, independent of the style of their file."""

from dataclasses import dataclass, field

Span = tuple[int, int]  # first and last base on the contig, 1-based, inclusive


def inside(start: int, end: int, spans: list[Span]) -> bool:
    """Return whether one of the spans contains all bases from start to end."""
    return any(first <= start and end <= last for first, last in spans)


@dataclass
class Transcript:
    """One transcript.

    name: its identifier without the version.
    version: "" if the file does not give it.
    kind: the type of its row, such as mRNA.
    biotype: such as protein_coding; "" if the file does not give it.
    tags: such as MANE_Select or cds_start_NF.
    strands: of the row and its parts.
    start, end: of the row; 0 if the transcript has no row.
    exons: unsorted until `check` sorts them.
    coding: first base, last base, and the phase as the file has it: "0", "1", "2" or ".".
    untranslated: rows of UTRs, used to derive exons if the file has no rows for exons.
    protein_id: of its protein; "" if the file does not give it.
    is_hairpin, is_mature: whether its row is a microRNA's hairpin, or a mature product.
    mature: the mature products of a hairpin.
    """

    name: str
    version: str = ""
    kind: str = "transcript"
    biotype: str = ""
    tags: tuple[str, ...] = ()
    strands: set[str] = field(default_factory=set)
    start: int = 0
    end: int = 0
    exons: list[Span] = field(default_factory=list)
    coding: list[tuple[int, int, str]] = field(default_factory=list)
    untranslated: list[Span] = field(default_factory=list)
    protein_id: str = ""
    is_hairpin: bool = False
    is_mature: bool = False
    mature: list[Span] = field(default_factory=list)


@dataclass
class Gene:
    """One gene on one contig.

    identifier: unique on the contig.
    name: its symbol, or its identifier.
    kind: gene, ncRNA_gene or pseudogene.
    strand: "+" or "-".
    """

    identifier: str
    name: str
    kind: str = "gene"
    biotype: str = ""
    description: str = ""
    strand: str = "+"
    transcripts: list[Transcript] = field(default_factory=list)
