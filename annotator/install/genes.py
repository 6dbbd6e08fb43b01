"""Gene models: from Ensembl's GFF3 to one slice per contig, for csq, and a table of what we ourselves look up; and an
index of where in both each gene is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annotator import rna, transcripts
from annotator.features import GENE_TYPES, REGION_TYPES, Transcript, attributes, coding_row
from annotator.install import chunks, htslib
from annotator.install.bgzip import BgzipFile, Slices
from annotator.install.errors import InstallError
from annotator.install.genome import whole_lines
from annotator.reference.gene_table import TableWriter
from annotator.reference.gff3 import ContigReader
from annotator.regions import GeneIndex
from annotator.rna import RnaReading
from annotator.transcripts import ModelReading

#: Rows without a gene, which are one in ten: CpG islands, predicted starts and the like.
LEFT_OUT = {b"biological_region"}
#: Bytes of text in a block of either file: a gene has some kilobytes, and those of a small file lie far apart.
BLOCK = 16 * 1024
_PARENT = re.compile(rb"(?:^|;)Parent=transcript:([^;]+)").search
_TRANSCRIPT = re.compile(rb"(?:^|;)ID=transcript:([^;]+)").search
_GENE = re.compile(rb"(?:^|;)Parent=gene:([^;]+)").search
_REGION = re.compile(rb"(?:^|;)ID=([A-Za-z_]+):").search
_MITOCHONDRIAL = re.compile(rb"(?:^|;)biotype=Mt_[tr]RNA(?:;|$)").search


@dataclass
class ContigGenes:
    """What a GFF3 says of one contig. aliases and circular come from the row that describes the contig itself."""

    name: str
    length: int | None = None
    aliases: tuple[str, ...] = ()
    circular: bool = False
    mitochondrial: bool = False  # it has the genes of a mitochondrion
    genes: int = 0
    transcripts: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)  # start, end, phase of each CDS
    strands: dict[str, str] = field(default_factory=dict)
    rnas: RnaReading = field(default_factory=RnaReading)
    models: ModelReading = field(default_factory=ModelReading)
    rows: list[tuple[int, bytes]] = field(default_factory=list)
    table: list[str] = field(default_factory=list)
    reader: ContigReader | None = None


@dataclass
class GeneModels:
    """What was written. facts are the `#!` lines (genome-build, genebuild-last-updated ...); left_out counts rows of
    contigs that the genome does not have.
    """

    contigs: list[ContigGenes]
    facts: dict[str, str]
    left_out: int
    gff: dict[str, tuple[int, int]]
    features: dict[str, tuple[int, int]]
    indexes: dict[str, tuple[int, int]]


def pack_genes(
    source: Path,
    gff: Path,
    features: Path,
    index: Path,
    gene_table: Path,
    gene_table_index: Path,
    *,
    lengths: Mapping[str, int],
    check: Callable[[ContigGenes], None],
    progress: Callable[[int], None] | None = None,
) -> GeneModels:
    """Write the gzip GFF3 source as slices to gff (with gff.csi) and features, and what is where to index; and
    the table of gene models with its index.

    lengths: of the genome's contigs. check is called with each contig before its rows are let go, and may raise.
    Raises InstallError.
    """
    with (
        source.open("rb") as packed,
        Slices(gff, b"##gff-version 3\n", BLOCK) as rows,
        Slices(features, b"#1\n", BLOCK) as table,
        TableWriter(gene_table, gene_table_index) as models_table,
    ):
        reading = _Reading(source.name, lengths, check, rows, table, models_table)
        for lines in whole_lines(packed, source.name, progress):
            for line in lines.splitlines():
                reading.add(line)
        reading.finish()
    indexes = chunks.write_indexes(index, reading.indexes, (gff, rows.places), (features, table.places))
    models = GeneModels(reading.contigs, reading.facts, reading.left_out, rows.places, table.places, indexes)
    if not models.gff:
        raise InstallError("no-genes", f"{source.name} has no genes on any contig of the genome.")
    if fault := htslib.index("tabix", gff):
        raise InstallError("bad-gff3", f"{source.name} cannot be indexed: {fault}.")
    return models


class _Reading:
    """A GFF3 as it goes by, contig after contig."""

    def __init__(
        self,
        source: str,
        lengths: Mapping[str, int],
        check: Callable[[ContigGenes], None],
        rows: Slices,
        table: Slices,
        models: TableWriter,
    ) -> None:
        self._models = models
        self._source = source
        self._lengths = lengths
        self._check = check
        self._rows = rows
        self._table = table
        self._current: ContigGenes | None = None
        self._called = b""
        self._done: set[str] = set()
        self.contigs: list[ContigGenes] = []
        self.facts: dict[str, str] = {}
        self.left_out = 0
        self.indexes: dict[str, GeneIndex] = {}

    def add(self, line: bytes) -> None:
        if not line or line.startswith(b"#"):
            if line.startswith(b"#!"):
                key, _, value = line[2:].decode("utf-8", "replace").strip().partition(" ")
                self.facts[key] = value.strip()
            return
        columns = line.split(b"\t")
        if len(columns) != 9 or not (columns[3].isdigit() and columns[4].isdigit()):
            raise InstallError("bad-gff3", f"{self._source} is no GFF3: {line[:60].decode('utf-8', 'replace')!r}.")
        if self._current is None or columns[0] != self._called:
            name = _name(columns[0].decode("utf-8", "replace"), self._lengths)
            if name is None:
                self.left_out += 1
                return
            self.finish()
            if name in self._done:
                raise InstallError("bad-gff3", f"{self._source} comes back to {name} after other contigs.")
            self._done.add(name)
            self._current, self._called = ContigGenes(name, reader=ContigReader(name)), columns[0]
        _add(self._current, columns, line, self._lengths[self._current.name], self._source)

    def finish(self) -> None:
        """Write the contig at hand, and let its rows go."""
        contig, self._current = self._current, None
        if contig is None:
            return
        length = self._lengths[contig.name]
        if contig.length not in {None, length}:
            has = f"{contig.name} has {contig.length:,} bases in {self._source}, {length:,} in the genome"
            raise InstallError("other-build", f"{has}: genes and genome are of two builds.")
        self._check(contig)
        if index := _write(contig, self._rows, self._table):
            self.indexes[contig.name] = index
        if contig.reader:
            self._models.add(contig.name, contig.reader.records())
        contig.rows, contig.table, contig.transcripts, contig.strands = [], [], {}, {}
        contig.rnas, contig.models, contig.reader = RnaReading(), ModelReading(), None
        self.contigs.append(contig)


def _name(name: str, lengths: Mapping[str, int]) -> str | None:
    """The genome's own name of a contig: genome and genes of one release may differ in a `chr`."""
    for candidate in (name, name.removeprefix("chr"), f"chr{name}"):
        if candidate in lengths:
            return candidate
    return None


def _add(contig: ContigGenes, columns: list[bytes], line: bytes, length: int, source: str) -> None:
    kind, start, end, tags = columns[2], int(columns[3]), int(columns[4]), columns[8]
    if kind in LEFT_OUT:
        return
    if end > length:
        text = f"{source} has {kind.decode()} up to base {end:,} of {contig.name}, which has {length:,} in the genome"
        raise InstallError("other-build", f"{text}: genes and genome are of two builds.")
    word = kind.decode()
    region = _REGION(tags)
    if region and region[1] == kind and word not in GENE_TYPES and b"Parent=" not in tags:
        # ID=chromosome:1 in a row of type chromosome: the contig itself.
        found = attributes(tags.decode("utf-8", "replace"))
        contig.length = end
        contig.aliases = tuple(alias for alias in found.get("Alias", "").split(",") if alias)
        contig.circular = found.get("Is_circular", "") == "true"
        contig.mitochondrial = contig.mitochondrial or found.get("genome", "") == "mitochondrion"
        return
    name = contig.name.encode()
    if contig.reader:
        contig.reader.add([column.decode("utf-8", "replace") for column in columns])
    contig.rows.append((start, line if columns[0] == name else name + line[len(columns[0]) :]))
    if word in GENE_TYPES or word in REGION_TYPES:
        found = attributes(tags.decode("utf-8", "replace"))
        contig.genes += 1
        contig.mitochondrial = contig.mitochondrial or bool(_MITOCHONDRIAL(tags))
        label = found.get("Name") or found.get("ID", "").removeprefix("gene:")
        strand, biotype, text = columns[6].decode(), found.get("biotype", ""), found.get("description", "")
        cells = (word, str(start), str(end), strand, biotype, label, text)
        contig.table.append("\t".join(" ".join(cell.split()) for cell in cells))
        contig.rnas.gene(found.get("ID", ""), " ".join(label.split()))
    elif word == "exon" and (parent := _PARENT(tags)):
        contig.rnas.exon(parent[1].decode(), start, end)
        contig.models.exon(parent[1].decode(), columns[6].decode())
    elif identity := _TRANSCRIPT(tags):
        gene = _GENE(tags)
        strand = columns[6].decode()
        contig.rnas.transcript(
            identity[1].decode(), gene[1].decode() if gene else "", contig.name, strand, (start, end)
        )
        contig.models.transcript(identity[1].decode(), strand, attributes(tags.decode("utf-8", "replace")))
    elif word == "CDS" and (parent := _PARENT(tags)):
        transcript = parent[1].decode()
        contig.rnas.coding.add(transcript)
        phase = int(columns[7]) if columns[7] in {b"1", b"2"} else 0
        contig.transcripts.setdefault(transcript, []).append((start, end, phase))
        contig.strands[transcript] = columns[6].decode()


def coding_transcript(name: str, contig: str, strand: str, segments: Sequence[tuple[int, int, int]]) -> Transcript:
    """A transcript of these coding segments (start, end, phase), in any order."""
    ordered = sorted(segments)
    phase = ordered[-1 if strand == "-" else 0][2]
    return Transcript(name, contig, strand, [(start, end) for start, end, _ in ordered], phase)


def _write(contig: ContigGenes, rows: Slices, table: Slices) -> GeneIndex | None:
    genes = chunks.Genes(contig.rows, GENE_TYPES | REGION_TYPES)
    ordered = genes.ordered(_table(contig, genes))

    def write_rows(out: BgzipFile) -> None:
        for line in genes.lines:
            out.write(line + b"\n")

    def write_table(out: BgzipFile) -> None:
        for _, line in ordered:
            out.write(f"{line}\n".encode())

    rows.add(contig.name, write_rows)
    table.add(contig.name, write_table)
    return genes.index(ordered, contig.transcripts)


def _table(contig: ContigGenes, genes: chunks.Genes) -> Iterator[tuple[bytes, str]]:
    """The rows of the table, each with its gene."""
    yield from zip(genes.heads, contig.table, strict=True)
    coding = {
        name: coding_transcript(name, contig.name, contig.strands[name], segments)
        for name, segments in contig.transcripts.items()
    }
    for name, transcript in coding.items():
        yield genes.of_transcript(name), coding_row(transcript)
    names = (name for name in contig.rnas.transcripts if name not in contig.rnas.coding)
    for name, one in zip(names, contig.rnas.found(), strict=True):
        yield genes.of_transcript(name), rna.row(one)
    for model in contig.models.found(contig.rnas, coding):
        yield genes.of_transcript(model.name), transcripts.row(model)
