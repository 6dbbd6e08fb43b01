"""Named features of a reference: genes, their coding sequences and other named regions.

They come from an Ensembl-style GFF3, read whole; or, of a pack with slices, from a table that was made of one, contig
by contig as they are asked for.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import unquote

from annotator import rna, transcripts
from annotator.coding import CodingParts, Span
from annotator.rna import Rna, RnaReading
from annotator.slices import Slice, read_text
from annotator.transcripts import Model, ModelReading

GENE_TYPES = {"gene", "ncRNA_gene", "pseudogene"}
REGION_TYPES = {"D_loop", "origin_of_replication"}
BIN_BITS = 16  # features are looked up in bins of 64 KiB: genes are long, and each is in all of its bins
NEARBY = 5_000  # bases within which a variant is upstream or downstream of a gene, as VEP and SnpEff have it
CONTIGS_KEPT = 2  # of a sliced pack, in memory: files are sorted by contig
MODELS_KEPT = 4096  # transcripts whose rows are kept read: files are sorted by position


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
    """The coding segments of one transcript, in genomic order, 1-based and included.

    phase is how many of its first bases, in its own direction, belong to a codon that is not there in full.
    """

    name: str
    contig: str
    strand: str
    segments: list[tuple[int, int]] = field(default_factory=list)
    phase: int = 0

    @property
    def incomplete_codon(self) -> tuple[int, int] | None:
        """The one or two bases at the end that make no whole codon, as (start, end); None if there are none."""
        extra = (sum(end - start + 1 for start, end in self.segments) - self.phase) % 3
        if not extra:
            return None
        if self.strand == "-":
            start = self.segments[0][0]
            return start, start + extra - 1
        end = self.segments[-1][1]
        return end - extra + 1, end


class Stretches(NamedTuple):
    """Of a contig. edges: sorted; from each of these positions to the one in front of the next, all answers of a
    FeatureLookup are the same for any change that lies within. spans: where genes and transcripts lie, (start, end)
    each, in no order; exons: and the exons of all transcripts, none where they are not known of all.
    """

    edges: list[int]
    spans: list[tuple[int, int]]
    exons: list[tuple[int, int]]


class FeatureLookup(Protocol):
    """Looks features up by position, and transcripts by name."""

    def names(self, contig: str, start: int, end: int) -> list[str]: ...

    def beside(self, contig: str, start: int, end: int) -> str: ...

    def in_rna(self, contig: str, gene: str, start: int, end: int) -> str: ...

    def in_incomplete_codon(self, contig: str, start: int, end: int) -> bool: ...

    def coding(self, contig: str, start: int, end: int) -> list[Span]: ...

    def stretches(self, contig: str) -> Stretches: ...

    def transcript(self, name: str, contig: str) -> Transcript | None: ...

    def models(self, contig: str, start: int, end: int) -> list[Model]: ...


class Features:
    """The features of a GFF3, all in memory."""

    def __init__(self, gff: Path) -> None:
        self._contig = ""  # of a table, the only one
        self.genes: list[Feature] = []
        self.regions: list[Feature] = []
        self.transcripts: dict[str, Transcript] = {}
        self._incomplete: dict[str, set[tuple[int, int]]] = {}
        self._rows: dict[str, str] = {}  # of a table: those of transcripts, which are read when they are asked for
        self._reading = RnaReading()
        self._model_reading = ModelReading()
        with gff.open(encoding="utf-8") as rows:
            for row in rows:
                if row.startswith("#"):
                    continue
                self._add(row.rstrip("\n").split("\t"))
        for transcript in self.transcripts.values():
            if codon := transcript.incomplete_codon:
                self._incomplete.setdefault(transcript.contig, set()).add(codon)
        self._rnas: list[Rna] = self._reading.found()
        self._model_rows: dict[tuple[str, int], list[tuple[int, int, str]]] = {}
        for model in self._model_reading.found(self._reading, self.transcripts):
            self._add_model(model.contig, model.start, model.end, transcripts.row(model))
        self._index()

    @classmethod
    def of_table(cls, contig: str, rows: Iterable[str]) -> "Features":
        """The features of one contig, from the rows that annotator.install.genes writes."""
        self = cls.__new__(cls)
        self._contig = contig
        self.genes, self.regions, self.transcripts, self._incomplete, self._rows = [], [], {}, {}, {}
        self._rnas, self._model_rows = [], {}
        for row in rows:
            kind, first, second, third, rest = row.split("\t", 4)
            if kind == "CDS":
                # Transcripts are asked for now and then, and there are ten thousand on a large chromosome.
                self._rows[first] = row
                if codon := codon_of_row(row):
                    self._incomplete.setdefault(contig, set()).add(codon)
            elif kind == "RNA":
                self._rnas.append(rna.of_row(contig, third, rest))
            elif kind == "TX":
                self._add_model(contig, int(first), int(second), row)
            else:
                (self.genes if kind in GENE_TYPES else self.regions).append(feature_of_row(contig, row))
        self._index()
        return self

    def _index(self) -> None:
        self._gene_bins = _bins(self.genes)
        self._region_bins = _bins(self.regions)
        self._rna_bins = _bins(self._rnas)

    @cached_property
    def _model(self) -> Callable[[str, str], Model]:
        # Of this object alone, and gone with it; small ones are made by the thousand, and few of them are asked.
        return lru_cache(maxsize=MODELS_KEPT)(transcripts.of_row)

    def _add_model(self, contig: str, start: int, end: int, row: str) -> None:
        # Rows are read when they are asked for: a large chromosome has tens of thousands.
        for number in range(start >> BIN_BITS, (end >> BIN_BITS) + 1):
            self._model_rows.setdefault((contig, number), []).append((start, end, row))

    def _add(self, columns: list[str]) -> None:
        contig, _, kind, start, end, _, strand, phase, text = columns
        tags = attributes(text)
        if kind in GENE_TYPES or kind in REGION_TYPES:
            feature = Feature(
                name=tags.get("Name") or tags.get("ID", "").removeprefix("gene:"),
                kind=kind,
                contig=contig,
                start=int(start),
                end=int(end),
                strand=strand,
                biotype=tags.get("biotype", ""),
                description=tags.get("description", ""),
            )
            (self.genes if kind in GENE_TYPES else self.regions).append(feature)
            self._reading.gene(tags.get("ID", ""), feature.name)
        elif kind == "exon" and "Parent" in tags:
            self._reading.exon(tags["Parent"], int(start), int(end))
            self._model_reading.exon(tags["Parent"], strand)
        elif tags.get("ID", "").startswith("transcript:"):
            self._reading.transcript(tags["ID"], tags.get("Parent", ""), contig, strand, (int(start), int(end)))
            self._model_reading.transcript(tags["ID"], strand, tags)
        elif kind == "CDS":
            self._reading.coding.add(tags["Parent"].removeprefix("transcript:"))
            name = tags["Parent"].removeprefix("transcript:")
            transcript = self.transcripts.setdefault(name, Transcript(name, contig, strand))
            transcript.segments.append((int(start), int(end)))
            transcript.segments.sort()
            if transcript.segments[-1 if strand == "-" else 0] == (int(start), int(end)):
                transcript.phase = int(phase) if phase in {"1", "2"} else 0

    def names(self, contig: str, start: int, end: int) -> list[str]:
        """Return the genes that overlap start to end (1-based, included); where none does, the other regions."""
        genes = _overlapping(self._gene_bins, contig, start, end)
        return genes or _overlapping(self._region_bins, contig, start, end)

    def beside(self, contig: str, start: int, end: int) -> str:
        """Where start to end lies of which csq says nothing: "upstream" of a gene, else "downstream", within NEARBY
        bases, else "intergenic". Upstream of a gene on the reverse strand is behind its end.
        """
        return beside(_within(self._gene_bins, contig, start - NEARBY, end + NEARBY), start, end)

    def in_rna(self, contig: str, gene: str, start: int, end: int) -> str:
        """csq's word for the gravest of what start to end touches of a gene's transcripts that code for nothing; of any
        gene's, if gene is "".
        """
        return rna.worst(_within(self._rna_bins, contig, start, end), gene, start, end)

    def in_incomplete_codon(self, contig: str, start: int, end: int) -> bool:
        """True if start to end lies within a last codon of one or two bases: of a stop codon that polyadenylation
        completes, or of a transcript whose end is not known.
        """
        return in_codon(self._incomplete.get(contig, ()), start, end)

    def coding(self, contig: str, start: int, end: int) -> list[Span]:
        """Return the parts from start to end (1-based, included) that code in any transcript: neighbours are one."""
        return self._coding_parts.within(contig, start, end)

    @cached_property
    def _coding_parts(self) -> CodingParts:
        if self._rows:
            return CodingParts((self._contig, transcript_of_row(row, "").segments) for row in self._rows.values())
        return CodingParts((one.contig, one.segments) for one in self.transcripts.values())

    def stretches(self, contig: str) -> Stretches:
        """Return where on the contig the answers of this object may change."""
        edges = {1}
        spans = [(gene.start, gene.end) for gene in self.genes if gene.contig == contig]
        for start, end in spans:
            edges |= {start - NEARBY, start, end + 1, end + NEARBY + 1}
        for region in self.regions:
            if region.contig == contig:
                edges |= {region.start, region.end + 1}
        for one in self._rnas:
            if one.contig == contig:
                spans.append((one.start, one.end))
                edges.update(one.edges())
        for first, last in self._incomplete.get(contig, ()):
            edges |= {first, last + 1}
        rows = dict.fromkeys(row for place, rows in self._model_rows.items() if place[0] == contig for row in rows)
        models = [transcripts.of_row(contig, row) for _, _, row in rows]
        edges |= transcripts.edges(models)
        for name in list(self._rows):
            self.transcript(name, contig)
        coding = [one for one in self.transcripts.values() if one.contig == contig]
        spans += [(one.segments[0][0], one.segments[-1][1]) for one in coding]
        whole = {one.name for one in coding} <= {model.name for model in models}
        exons = [span for model in models for span in model.spans] if whole else []
        return Stretches(sorted(edge for edge in edges if edge > 0), spans, exons)

    def transcript(self, name: str, contig: str) -> Transcript | None:
        """Return the coding transcript of this name, None if there is none on the contig."""
        found = self.transcripts.get(name)
        if found is None and name in self._rows:  # where they stay: several threads ask
            found = self.transcripts[name] = transcript_of_row(self._rows[name], contig)
        return found if found and found.contig == contig else None

    def models(self, contig: str, start: int, end: int) -> list[Model]:
        """Return the transcripts that overlap start to end (1-based, included), in any order; none, if the table has no
        such rows.
        """
        found: dict[str, None] = {}
        for number in range(start >> BIN_BITS, (end >> BIN_BITS) + 1):
            for first, last, row in self._model_rows.get((contig, number), ()):
                if first <= end and last >= start:
                    found[row] = None
        return [self._model(contig, row) for row in found]


def coding_row(transcript: Transcript) -> str:
    """A coding transcript as a row of the table: CDS, name, strand, incomplete codon, phase, segments."""
    codon = transcript.incomplete_codon
    places = ",".join(f"{start}-{end}" for start, end in transcript.segments)
    incomplete = f"{codon[0]}-{codon[1]}" if codon else ""
    return f"CDS\t{transcript.name}\t{transcript.strand}\t{incomplete}\t{transcript.phase}\t{places}"


def transcript_of_row(row: str, contig: str) -> Transcript:
    """The coding transcript of a row of the table."""
    _, name, strand, _, phase, places = row.split("\t")
    segments = [(int(start), int(end)) for start, _, end in (place.partition("-") for place in places.split(","))]
    return Transcript(name, contig, strand, segments, int(phase))


def codon_of_row(row: str) -> tuple[int, int] | None:
    """The incomplete codon of a coding transcript's row of the table."""
    start, _, end = row.split("\t", 4)[3].partition("-")
    return (int(start), int(end)) if end else None


def feature_of_row(contig: str, row: str) -> Feature:
    """A gene's or region's row of the table."""
    kind, start, end, strand, biotype, name, description = row.split("\t")
    return Feature(name, kind, contig, int(start), int(end), strand, biotype, description)


class Stranded(Protocol):
    """What is read here of a gene."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def strand(self) -> str: ...


def beside(genes: Iterable[Stranded], start: int, end: int) -> str:
    """See Features.beside; genes: those within NEARBY bases, along the genome."""
    found = "intergenic"
    for gene in genes:
        if gene.start <= end and gene.end >= start:
            return "non_coding"  # of a gene without transcripts more is not known
        if (gene.start > end) is (gene.strand != "-"):
            return "upstream"
        found = "downstream"
    return found


def in_codon(codons: Container[tuple[int, int]], start: int, end: int) -> bool:
    """See Features.in_incomplete_codon. Each is of one or two bases."""
    return any((first, last) in codons for first in (start - 1, start) for last in (first, first + 1) if end <= last)


class SlicedFeatures:
    """The features of a pack with slices. Of each contig they are read when it is first asked for."""

    def __init__(self, table: Path, slices: Mapping[str, Slice]) -> None:
        self._table = table
        self._slices = slices
        # Of this object alone, and gone with it.
        self._of = lru_cache(maxsize=CONTIGS_KEPT)(self._read)

    def _read(self, contig: str) -> Features:
        place = self._slices.get(contig)
        return Features.of_table(contig, read_text(self._table, place).splitlines() if place else ())

    def names(self, contig: str, start: int, end: int) -> list[str]:
        """See Features.names."""
        return self._of(contig).names(contig, start, end)

    def beside(self, contig: str, start: int, end: int) -> str:
        """See Features.beside."""
        return self._of(contig).beside(contig, start, end)

    def in_rna(self, contig: str, gene: str, start: int, end: int) -> str:
        """See Features.in_rna."""
        return self._of(contig).in_rna(contig, gene, start, end)

    def in_incomplete_codon(self, contig: str, start: int, end: int) -> bool:
        """See Features.in_incomplete_codon."""
        return self._of(contig).in_incomplete_codon(contig, start, end)

    def coding(self, contig: str, start: int, end: int) -> list[Span]:
        """See Features.coding."""
        return self._of(contig).coding(contig, start, end)

    def stretches(self, contig: str) -> Stretches:
        """See Features.stretches."""
        return self._of(contig).stretches(contig)

    def transcript(self, name: str, contig: str) -> Transcript | None:
        """See Features.transcript."""
        return self._of(contig).transcript(name, contig)

    def models(self, contig: str, start: int, end: int) -> list[Model]:
        """See Features.models."""
        return self._of(contig).models(contig, start, end)


def attributes(text: str) -> dict[str, str]:
    """The last column of a GFF3 row, decoded."""
    pairs = (attribute.partition("=") for attribute in text.split(";"))
    return {key: unquote(value) for key, _, value in pairs}


class _Placed(Protocol):
    @property
    def contig(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


P = TypeVar("P", bound=_Placed)


def _bins(placed: Iterable[P]) -> dict[tuple[str, int], list[P]]:
    bins: dict[tuple[str, int], list[P]] = {}
    for one in sorted(placed, key=lambda one: (one.contig, one.start, one.end)):
        for number in range(one.start >> BIN_BITS, (one.end >> BIN_BITS) + 1):
            bins.setdefault((one.contig, number), []).append(one)
    return bins


def _overlapping(bins: Mapping[tuple[str, int], list[Feature]], contig: str, start: int, end: int) -> list[str]:
    # a dict and not a set: it keeps the order along the genome
    return list(dict.fromkeys(feature.name for feature in _within(bins, contig, start, end)))


def _within(bins: Mapping[tuple[str, int], list[P]], contig: str, start: int, end: int) -> Iterator[P]:
    """What shares a base with start to end, along the genome; what is in several bins comes as often."""
    for number in range(start >> BIN_BITS, (end >> BIN_BITS) + 1):
        for one in bins.get((contig, number), ()):
            if one.start <= end and one.end >= start:
                yield one
