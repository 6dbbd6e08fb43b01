"""Transcripts that code for no protein: csq knows that a variant lies in one, not where.

Terms as VEP and SnpEff have them: two bases of an intron at each end are the splice sites, the six after them and the
last three of the exon the splice region.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

SITE, REGION_IN_INTRON, REGION_IN_EXON = 2, 8, 3
#: csq's words for what is found here, the most severe first.
WORDS = ("splice_acceptor", "splice_donor", "splice_region", "non_coding", "intron")


@dataclass(frozen=True, slots=True)
class Rna:
    """One transcript: its gene's name, its place, and exons in genomic order, 1-based and included."""

    gene: str
    contig: str
    strand: str
    exons: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        return self.exons[0][0]

    @property
    def end(self) -> int:
        return self.exons[-1][1]

    def edges(self) -> set[int]:
        """The positions at which what `word` says of single bases may change."""
        found = {position for first, last in self.exons for position in (first, last + 1)}
        for (_, left), (right, _) in zip(self.exons, self.exons[1:], strict=False):
            for _, begin, stop in _spans(left + 1, right - 1, self.strand):
                found |= {begin, stop + 1}
        return found

    def word(self, start: int, end: int) -> str:
        """The most severe of WORDS for what start to end (1-based, included) touches; "" outside."""
        if end < self.start or start > self.end:
            return ""
        found = set()
        for first, last in self.exons:
            if first <= end and last >= start:
                found.add("non_coding")
        for (_, left), (right, _) in zip(self.exons, self.exons[1:], strict=False):
            found |= _in_intron(start, end, left + 1, right - 1, self.strand)
        return next((word for word in WORDS if word in found), "")


def _in_intron(start: int, end: int, first: int, last: int, strand: str) -> set[str]:
    """What start to end touches of the intron from first to last, and of the exons' ends beside it."""
    if first > last or end < first - REGION_IN_EXON or start > last + REGION_IN_EXON:
        return set()
    return {word for word, begin, stop in _spans(first, last, strand) if begin <= end and stop >= start}


def _spans(first: int, last: int, strand: str) -> tuple[tuple[str, int, int], ...]:
    """The parts of the intron from first to last, and of the exons' ends beside it: word, start, end."""
    left, right = ("splice_acceptor", "splice_donor") if strand == "-" else ("splice_donor", "splice_acceptor")
    return (
        (left, first, first + SITE - 1),
        (right, last - SITE + 1, last),
        ("splice_region", first - REGION_IN_EXON, first - 1),
        ("splice_region", first + SITE, first + REGION_IN_INTRON - 1),
        ("splice_region", last - REGION_IN_INTRON + 1, last - SITE),
        ("splice_region", last + 1, last + REGION_IN_EXON),
        ("intron", first, last),
    )


@dataclass
class RnaReading:
    """Gathers them from the rows of a GFF3, in which a gene comes before its transcripts, and these before exons."""

    genes: dict[str, str] = field(default_factory=dict)  # id: name
    transcripts: dict[str, tuple[str, str, str, int, int]] = field(default_factory=dict)  # the latter: start, end
    exons: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    coding: set[str] = field(default_factory=set)

    def gene(self, identity: str, name: str) -> None:
        self.genes[identity.removeprefix("gene:")] = name

    def transcript(self, identity: str, parent: str, contig: str, strand: str, span: tuple[int, int]) -> None:
        gene = parent.removeprefix("gene:")
        name = self.genes.get(gene, gene)
        self.transcripts[identity.removeprefix("transcript:")] = name, contig, strand, *span

    def exon(self, parent: str, start: int, end: int) -> None:
        self.exons.setdefault(parent.removeprefix("transcript:"), []).append((start, end))

    def found(self) -> list[Rna]:
        """Those of which no part codes; one without exons is an exon as a whole."""
        return [
            Rna(gene, contig, strand, tuple(sorted(self.exons.get(identity, [(start, end)]))))
            for identity, (gene, contig, strand, start, end) in self.transcripts.items()
            if identity not in self.coding
        ]


def row(rna: Rna) -> str:
    """As a row of a pack's table: RNA, start, end, strand, gene, exons."""
    exons = ",".join(f"{start}-{end}" for start, end in rna.exons)
    return f"RNA\t{rna.start}\t{rna.end}\t{rna.strand}\t{rna.gene}\t{exons}"


def of_row(contig: str, strand: str, rest: str) -> Rna:
    """From the strand and what follows it in a row."""
    gene, places = rest.split("\t")
    exons = tuple((int(start), int(end)) for start, _, end in (place.partition("-") for place in places.split(",")))
    return Rna(gene, contig, strand, exons)


def worst(rnas: Iterable[Rna], gene: str, start: int, end: int) -> str:
    """The most severe word that one of the gene's transcripts has for start to end, of any gene's if gene is ""; "" if
    none touches it.
    """
    words = {rna.word(start, end) for rna in rnas if gene in {"", rna.gene}}
    return next((word for word in WORDS if word in words), "")
