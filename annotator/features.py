"""Named features of a reference: genes, their coding sequences and other named regions, from an Ensembl-style GFF3."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

GENE_TYPES = {"gene", "ncRNA_gene", "pseudogene"}
REGION_TYPES = {"D_loop", "origin_of_replication"}
BIN_BITS = 10  # features are looked up in bins of 1,024 bases


@dataclass(frozen=True)
class Feature:
    """A gene or a named region. start and end are 1-based and included; strand is "+", "-" or "."."""

    name: str
    kind: str
    contig: str
    start: int
    end: int
    strand: str
    biotype: str
    description: str


@dataclass
class Transcript:
    """The coding segments of one transcript, in genomic order, 1-based and included."""

    name: str
    contig: str
    strand: str
    segments: list[tuple[int, int]] = field(default_factory=list)

    @property
    def incomplete_codon(self) -> tuple[int, int] | None:
        """The one or two bases at the end that make no whole codon, as (start, end); None if there are none."""
        extra = sum(end - start + 1 for start, end in self.segments) % 3
        if not extra:
            return None
        if self.strand == "-":
            start = self.segments[0][0]
            return start, start + extra - 1
        end = self.segments[-1][1]
        return end - extra + 1, end


class Features:
    """Looks features up by position."""

    def __init__(self, gff: Path) -> None:
        self.genes: list[Feature] = []
        self.regions: list[Feature] = []
        self.transcripts: dict[str, Transcript] = {}
        with gff.open(encoding="utf-8") as rows:
            for row in rows:
                if row.startswith("#"):
                    continue
                self._add(row.rstrip("\n").split("\t"))
        self._gene_bins = _bins(self.genes)
        self._region_bins = _bins(self.regions)
        self._incomplete: dict[str, list[tuple[int, int]]] = {}
        for transcript in self.transcripts.values():
            if codon := transcript.incomplete_codon:
                self._incomplete.setdefault(transcript.contig, []).append(codon)

    def _add(self, columns: list[str]) -> None:
        contig, _, kind, start, end, _, strand, _, attributes = columns
        pairs = (attribute.partition("=") for attribute in attributes.split(";"))
        tags = {key: unquote(value) for key, _, value in pairs}
        if kind in GENE_TYPES or kind in REGION_TYPES:
            feature = Feature(
                name=tags.get("Name", tags.get("ID", "")),
                kind=kind,
                contig=contig,
                start=int(start),
                end=int(end),
                strand=strand,
                biotype=tags.get("biotype", ""),
                description=tags.get("description", ""),
            )
            (self.genes if kind in GENE_TYPES else self.regions).append(feature)
        elif kind == "CDS":
            name = tags["Parent"].removeprefix("transcript:")
            transcript = self.transcripts.setdefault(name, Transcript(name, contig, strand))
            transcript.segments.append((int(start), int(end)))
            transcript.segments.sort()

    def names(self, contig: str, start: int, end: int) -> list[str]:
        """Return the genes that overlap start to end (1-based, included); where none does, the other regions."""
        genes = _overlapping(self._gene_bins, contig, start, end)
        return genes or _overlapping(self._region_bins, contig, start, end)

    def in_incomplete_codon(self, contig: str, start: int, end: int) -> bool:
        """True if start to end lies within a stop codon that polyadenylation completes."""
        return any(first <= start and end <= last for first, last in self._incomplete.get(contig, ()))


_Bins = dict[tuple[str, int], list[Feature]]


def _bins(features: list[Feature]) -> _Bins:
    bins: _Bins = {}
    for feature in sorted(features, key=lambda feature: (feature.contig, feature.start, feature.end)):
        for number in range(feature.start >> BIN_BITS, (feature.end >> BIN_BITS) + 1):
            bins.setdefault((feature.contig, number), []).append(feature)
    return bins


def _overlapping(bins: _Bins, contig: str, start: int, end: int) -> list[str]:
    names: dict[str, None] = {}  # a dict and not a set: it keeps the order along the genome
    for number in range(start >> BIN_BITS, (end >> BIN_BITS) + 1):
        for feature in bins.get((contig, number), ()):
            if feature.start <= end and feature.end >= start:
                names[feature.name] = None
    return list(names)
