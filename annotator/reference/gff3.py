"""Read gene models from Ensembl's GFF3 (https://www.ensembl.org/info/website/upload/gff3.html)."""

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from annotator.effects.genes import Gene, Record, Region
from annotator.effects.transcript import FLAGS, NO_END, NO_START, Span, Transcript
from annotator.reference.gene_models import InMemory, merged

#: In old files, genes have other types, and are recognized by their identifiers or by their transcripts.
GENE_TYPES = {"gene", "ncRNA_gene", "pseudogene"}
REGION_TYPES = {"D_loop", "origin_of_replication"}
GENE, TRANSCRIPT = "gene:", "transcript:"
#: Below a transcript, this type is a mature product of a microRNA; Ensembl's own rows, below genes, are transcripts.
MATURE, MATURE_PARENT = "miRNA", f"Parent={TRANSCRIPT}"
_PARENT = re.compile(r"(?:^|;)Parent=([^;]+)").search
_PROTEIN = re.compile(r"(?:^|;)protein_id=([^;]+)").search


@dataclass(frozen=True, slots=True)
class _Row:
    """The row of a gene, a region or a transcript. tags: its decoded attributes."""

    kind: str
    start: int
    end: int
    strand: str
    tags: dict[str, str]

    @property
    def identifier(self) -> str:
        return self.tags.get("ID", "").removeprefix(GENE).removeprefix(TRANSCRIPT)

    @property
    def name(self) -> str:
        return self.tags.get("Name") or self.identifier


@dataclass(slots=True)
class _Parts:
    """The exons, coding segments and mature products below a row.

    coding: with the phase as in the file.
    mature: the mature products of a microRNA.
    """

    exons: list[Span] = field(default_factory=list)
    coding: list[tuple[int, int, str]] = field(default_factory=list)
    mature: list[Span] = field(default_factory=list)
    strands: set[str] = field(default_factory=set)
    protein_id: str = ""


class ContigReader:
    """Assembles the rows of one contig, which come in any order."""

    def __init__(self, contig: str) -> None:
        self._contig = contig
        self._rows: list[_Row] = []
        self._parts: dict[str, _Parts] = {}

    def add(self, columns: Sequence[str]) -> None:
        """Add a row. columns: the nine columns of GFF3."""
        _, _, kind, start, end, _, strand, phase, text = columns
        is_mature = kind == MATURE and MATURE_PARENT in text
        if kind not in {"exon", "CDS"} and not is_mature:
            if "ID=" in text or kind in GENE_TYPES or kind in REGION_TYPES:
                self._rows.append(_Row(kind, int(start), int(end), strand, attributes(text)))
            return
        found = _PARENT(text)
        for parent in found[1].split(",") if found else ():
            parts = self._parts.setdefault(unquote(parent), _Parts())
            parts.strands.add(strand)
            if is_mature:
                parts.mature.append((int(start), int(end)))
            elif kind == "exon":
                parts.exons.append((int(start), int(end)))
            else:
                parts.coding.append((int(start), int(end), phase))
                if not parts.protein_id and (protein := _PROTEIN(text)):
                    parts.protein_id = _clean(unquote(protein[1]))

    def records(self, genetic_code: int = 1) -> list[Record]:
        """Return the genes, regions and transcripts, in the order of their rows. genetic_code: NCBI's number."""
        transcripts: dict[str, _Row] = {}
        for row in self._rows:
            if row.tags.get("ID", "").startswith(TRANSCRIPT):
                transcripts.setdefault(row.tags["ID"], row)
        parents = {parent for row in transcripts.values() if (parent := row.tags.get("Parent"))}
        genes: dict[str, Gene] = {}
        found: list[Record] = []
        for row in self._rows:
            identity = row.tags.get("ID", "")
            if identity in transcripts:
                continue
            if row.kind in GENE_TYPES or identity.startswith(GENE) or identity in parents:
                gene = Gene(
                    name=row.name,
                    gene_id=row.identifier,
                    kind=row.kind,
                    contig=self._contig,
                    start=row.start,
                    end=row.end,
                    strand=row.strand,
                    biotype=row.tags.get("biotype", ""),
                    description=row.tags.get("description", ""),
                )
                found.append(gene)
                if identity in parents:
                    genes.setdefault(identity, gene)
                if identity not in parents or identity in self._parts:
                    found.append(self._transcript(row, gene, identity, genetic_code))
            elif row.kind in REGION_TYPES:
                found.append(Region(row.name, row.start, row.end))
        without_row = self._without_row(transcripts, genes)
        genes |= without_row
        transcribed = (
            self._transcript(row, genes[row.tags.get("Parent") or identity], identity, genetic_code)
            for identity, row in transcripts.items()
        )
        return [*found, *without_row.values(), *transcribed]

    def _without_row(self, transcripts: Mapping[str, _Row], genes: Mapping[str, Gene]) -> dict[str, Gene]:
        """Return the genes without a row: those named by transcripts, and one for each transcript that names none."""
        rows: dict[str, list[_Row]] = {}
        for identity, row in transcripts.items():
            parent = row.tags.get("Parent") or identity
            if parent not in genes:
                rows.setdefault(parent, []).append(row)
        found = {}
        for identity, some in rows.items():
            name = identity.removeprefix(GENE).removeprefix(TRANSCRIPT)
            span = min(row.start for row in some), max(row.end for row in some)
            biotype = some[0].tags.get("biotype", "")
            found[identity] = Gene(name, name, "gene", self._contig, *span, some[0].strand, biotype, "")
        return found

    def _transcript(self, row: _Row, gene: Gene, identity: str, genetic_code: int) -> Transcript:
        """Return the transcript of a row. The row is the gene's own if the gene has no transcripts."""
        parts = self._parts.get(identity) or _Parts()
        coding = sorted(parts.coding)
        segments = [(start, end) for start, end, _ in coding]
        exons = sorted(parts.exons) or segments or [(row.start, row.end)]
        is_consistent = parts.strands <= {row.strand} and fit(exons, segments)
        if not is_consistent:
            exons = merged([*exons, *segments], gap=0)
        first_phase = coding[-1 if row.strand == "-" else 0][2] if coding else ""
        tags = set(row.tags.get("tag", "").split(","))
        is_gene = not identity.startswith(TRANSCRIPT)
        return Transcript(
            name=row.identifier if is_gene else _versioned(row.identifier, row.tags.get("version", "")),
            gene=gene.name,
            biotype=row.tags.get("biotype", ""),
            strand=row.strand,
            exons=tuple(exons),
            coding=(segments[0][0], max(end for _, end in segments)) if segments else None,
            phase=int(first_phase) if first_phase in {"1", "2"} else 0,
            start_known=NO_START not in tags,
            end_known=NO_END not in tags,
            genetic_code=genetic_code,
            gene_id=gene.gene_id,
            protein_id=parts.protein_id,
            flags=tuple(flag for flag in FLAGS if flag in tags),
            mature=tuple(sorted(parts.mature)),
            is_consistent=is_consistent,
        )


def _versioned(name: str, version: str) -> str:
    ending = f".{version}"
    return name if not version or name.endswith(ending) else name + ending


def fit(exons: list[Span], coding: list[Span]) -> bool:
    """Return whether no exons overlap, and all exon bases from the first to the last coding base are coding.

    With ribosomal slippage, a base is read twice or not at all. Both lists are sorted.
    """
    if any(left[1] >= right[0] for left, right in pairwise(exons)):
        return False
    if not coding:
        return True
    first, last = coding[0][0], coding[-1][1]
    return coding == [(max(start, first), min(end, last)) for start, end in exons if start <= last and end >= first]


def attributes(text: str) -> dict[str, str]:
    """Return the decoded attributes of a row's last column, with whitespace reduced to single spaces."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {key.strip(): _clean(unquote(value)) for key, _, value in pairs}


def _clean(text: str) -> str:
    return " ".join(text.split())


def read_gff3(path: Path, genetic_codes: Mapping[str, int]) -> InMemory:
    """Read a GFF3, plain or gzip, into memory.

    Args:
        path: The file.
        genetic_codes: NCBI's number of each contig's genetic code; rows of other contigs are skipped.
    """
    readers = {contig: ContigReader(contig) for contig in genetic_codes}
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as rows:
        for columns in _columns(rows):
            if columns[0] in readers:
                readers[columns[0]].add(columns)
    return InMemory({contig: reader.records(genetic_codes[contig]) for contig, reader in readers.items()})


def _columns(rows: Iterable[str]) -> Iterator[list[str]]:
    for row in rows:
        if row.startswith("##FASTA"):
            return
        columns = row.rstrip("\r\n").split("\t")
        if not row.startswith("#") and len(columns) == 9:
            yield columns
