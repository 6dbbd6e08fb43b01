"""Gene models and sequences for tests of effects, read from FASTA and Ensembl's GFF3."""

import gzip
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from annotator.effects.transcript import Span, Transcript
from annotator.reference.gene_models import merged


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, which may be packed with gzip, without their ends."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for line in file:
            yield line.rstrip("\n")


def read_fasta(path: Path) -> dict[str, str]:
    """Return {contig: bases in upper case}."""
    parts: dict[str, list[str]] = {}
    name = ""
    for line in lines(path):
        if line.startswith(">"):
            name = line[1:].split()[0]
            parts[name] = []
        else:
            parts[name].append(line.upper())
    return {contig: "".join(found) for contig, found in parts.items()}


def read_transcripts(path: Path, genetic_code: int = 1) -> dict[str, list[Transcript]]:
    """Return {contig: its transcripts}, each named by its identifier without the version."""
    rows: dict[str, list[list[str]]] = defaultdict(list)
    heads: dict[str, tuple[list[str], dict[str, str]]] = {}
    for line in lines(path):
        if not line or line.startswith("#"):
            continue
        cells = line.split("\t")
        tags = dict(part.split("=", 1) for part in cells[8].split(";") if "=" in part)
        if tags.get("ID", "").startswith("transcript:"):
            heads[tags["ID"]] = cells, tags
        elif cells[2] in {"exon", "CDS"}:
            rows[tags["Parent"]].append(cells)
    found = defaultdict(list)
    for identity, (cells, tags) in heads.items():
        found[cells[0]].append(
            _transcript(identity.removeprefix("transcript:"), cells, tags, rows[identity], genetic_code)
        )
    return found


def _transcript(name: str, cells: list[str], tags: dict[str, str], rows: list[list[str]], code: int) -> Transcript:
    exons = sorted((int(row[3]), int(row[4])) for row in rows if row[2] == "exon")
    coding = sorted((int(row[3]), int(row[4]), row[7]) for row in rows if row[2] == "CDS")
    strand = cells[6]
    first = coding[-1 if strand == "-" else 0] if coding else None
    return Transcript(
        name=name,
        gene=tags["Parent"].removeprefix("gene:"),
        biotype=tags.get("biotype", ""),
        strand=strand,
        exons=tuple(exons or [(start, end) for start, end, _ in coding] or [(int(cells[3]), int(cells[4]))]),
        coding=(coding[0][0], coding[-1][1]) if coding else None,
        phase=int(first[2]) if first and first[2] in {"1", "2"} else 0,
        start_known="cds_start_NF" not in tags.get("tag", ""),
        end_known="cds_end_NF" not in tags.get("tag", ""),
        genetic_code=code,
    )


class Models:
    """Transcripts of contig 1."""

    def __init__(self, *transcripts: Transcript) -> None:
        self._transcripts = sorted(transcripts, key=lambda one: (one.start, one.end, one.name))
        exons = [exon for one in transcripts for exon in one.coding_exons]
        self._coding = merged(exons)

    def transcripts(self, contig: str, start: int, end: int, /) -> list[Transcript]:
        assert start <= end
        return [one for one in self._transcripts if contig == "1" and one.start <= end and one.end >= start]

    def coding(self, contig: str, start: int, end: int, /) -> list[Span]:
        low = bisect_left(self._coding, start, key=lambda span: span[1])
        high = bisect_right(self._coding, end, key=lambda span: span[0])
        return [(max(start, first), min(end, last)) for first, last in self._coding[low:high]]
