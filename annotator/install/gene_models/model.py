"""What a gene and a transcript are, whatever file they come from."""

from dataclasses import dataclass, field

Span = tuple[int, int]  # first and last base on the contig, 1-based and included


def inside(start: int, end: int, spans: list[Span]) -> bool:
    """Whether one of the spans holds all bases from start to end."""
    return any(first <= start and end <= last for first, last in spans)


@dataclass
class Transcript:
    """One transcript.

    name: its identifier without the version.
    version: "" if the file does not tell it.
    kind: the type of its row, such as mRNA.
    biotype: such as protein_coding; "" if the file does not tell it.
    tags: such as MANE_Select or cds_start_NF.
    strands: of its row and its parts.
    start, end: of its row; 0 where the file has no row for it.
    exons: in any order while it is read, sorted by `check`.
    coding: first base, last base, and the phase as the file has it: "0", "1", "2" or ".".
    untranslated: rows of UTRs, which tell the exons where the file has no rows for those.
    protein_id: of its protein; "" if the file does not tell it.
    is_hairpin, is_mature: whether its row is the hairpin, or a mature product, of a microRNA.
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
