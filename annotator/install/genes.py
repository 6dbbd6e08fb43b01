"""Convert Ensembl's GFF3 to the pack's table of genes and transcripts, and to a sorted, indexed GFF3."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from annotator.effects.genes import Record
from annotator.install import htslib
from annotator.install.bgzip import BgzipFile
from annotator.install.errors import InstallError
from annotator.install.genome import whole_lines
from annotator.reference.gene_table import TableWriter
from annotator.reference.gff3 import GENE_TYPES, ContigReader, attributes

#: Rows without a gene, about one in ten: CpG islands, predicted starts and so on.
LEFT_OUT = {b"biological_region"}
_REGION = re.compile(rb"(?:^|;)ID=([A-Za-z_]+):").search
_MITOCHONDRIAL = re.compile(rb"(?:^|;)biotype=Mt_[tr]RNA(?:;|$)").search


@dataclass
class ContigGenes:
    """The rows of a GFF3 for one contig.

    name: the genome's name of the contig.
    length, aliases, circular: from the row of the contig itself; length is None without such a row.
    mitochondrial: whether it has mitochondrial genes.
    genes: the number of gene rows.
    rows: start and text of each kept row, until the contig is written.
    reader: assembles the rows, until the contig is written.
    """

    name: str
    length: int | None = None
    aliases: tuple[str, ...] = ()
    circular: bool = False
    mitochondrial: bool = False
    genes: int = 0
    rows: list[tuple[int, bytes]] = field(default_factory=list)
    reader: ContigReader | None = None


@dataclass
class GeneModels:
    """The result of packing.

    contigs: those with rows, in the file's order.
    facts: the `#!` lines, such as genome-build and genebuild-last-updated.
    left_out: number of rows on contigs that the genome does not have.
    """

    contigs: list[ContigGenes]
    facts: dict[str, str]
    left_out: int


Check = Callable[[ContigGenes, list[Record]], None]


def pack_genes(
    source: Path,
    gff: Path,
    table: Path,
    table_index: Path,
    *,
    lengths: Mapping[str, int],
    check: Check,
    progress: Callable[[int], None] | None = None,
) -> GeneModels:
    """Write the table of gene models with its index, and the sorted GFF3 with gff.csi.

    Args:
        source: A GFF3 compressed with gzip.
        gff, table, table_index: Paths to write.
        lengths: Lengths of the genome's contigs.
        check: Called with each contig and its records before they are written; may raise.
        progress: Called with the number of bytes read from source.

    Raises:
        InstallError: The source is not a GFF3, has no genes, or belongs to another genome.
    """
    with (
        source.open("rb") as packed,
        BgzipFile(gff) as rows,
        TableWriter(table, table_index) as models,
    ):
        rows.write(b"##gff-version 3\n")
        reading = _Reading(source.name, lengths, check, rows, models)
        for lines in whole_lines(packed, source.name, progress):
            for line in lines.splitlines():
                reading.add(line)
        reading.finish()
    found = GeneModels(reading.contigs, reading.facts, reading.left_out)
    if not reading.written:
        raise InstallError("no-genes", f"{source.name} has no genes on any contig of the genome.")
    if fault := htslib.index("tabix", gff):
        raise InstallError("bad-gff3", f"{source.name} cannot be indexed: {fault}.")
    return found


class _Reading:
    """Reads a GFF3, contig by contig."""

    def __init__(
        self, source: str, lengths: Mapping[str, int], check: Check, rows: BgzipFile, models: TableWriter
    ) -> None:
        self._source = source
        self._lengths = lengths
        self._check = check
        self._rows = rows
        self._models = models
        self._current: ContigGenes | None = None
        self._called = b""
        self._done: set[str] = set()
        self.contigs: list[ContigGenes] = []
        self.facts: dict[str, str] = {}
        self.left_out = 0
        self.written = 0

    def add(self, line: bytes) -> None:
        """Read a row. Raises InstallError."""
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
        """Write the current contig."""
        contig, self._current = self._current, None
        if contig is None or contig.reader is None:
            return
        length = self._lengths[contig.name]
        if contig.length not in {None, length}:
            has = f"{contig.name} has {contig.length:,} bases in {self._source}, {length:,} in the genome"
            raise InstallError("other-build", f"{has}: genes and genome are of two builds.")
        records = contig.reader.records()
        self._check(contig, records)
        for _, row in sorted(contig.rows, key=lambda pair: pair[0]):
            self._rows.write(row + b"\n")
        self.written += len(contig.rows)
        self._models.add(contig.name, records)
        contig.rows, contig.reader = [], None
        self.contigs.append(contig)


def _name(name: str, lengths: Mapping[str, int]) -> str | None:
    """Return the genome's name of a contig: a genome and its genes may differ in a `chr` prefix."""
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
        # A row such as ID=chromosome:1 with type chromosome describes the contig itself.
        found = attributes(tags.decode("utf-8", "replace"))
        contig.length = end
        contig.aliases = tuple(alias for alias in found.get("Alias", "").split(",") if alias)
        contig.circular = found.get("Is_circular", "") == "true"
        contig.mitochondrial = contig.mitochondrial or found.get("genome", "") == "mitochondrion"
        return
    name = contig.name.encode()
    if contig.reader is not None:
        contig.reader.add([column.decode("utf-8", "replace") for column in columns])
    contig.rows.append((start, line if columns[0] == name else name + line[len(columns[0]) :]))
    if word in GENE_TYPES:
        contig.genes += 1
        contig.mitochondrial = contig.mitochondrial or bool(_MITOCHONDRIAL(tags))
