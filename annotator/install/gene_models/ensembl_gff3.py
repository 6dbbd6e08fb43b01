"""Write gene models in the form of Ensembl's GFF3."""

from collections.abc import Iterable, Iterator

from annotator.install.gene_models.model import Gene, Transcript
from annotator.install.gene_models.rows import Row
from annotator.reference.gff3 import MATURE

_ESCAPES = str.maketrans({"%": "%25", ";": "%3B", "=": "%3D", "&": "%26", ",": "%2C", "\t": "%09", "\n": "%0A"})


def contig_line(contig: str, length: int, aliases: Iterable[str], *, circular: bool, mitochondrial: bool) -> str:
    """Return the row of a contig itself. `genome=mitochondrion` is RefSeq's; in Ensembl's files the genes show it."""
    tags = [f"ID=chromosome:{contig}"]
    if named := ",".join(map(_escaped, aliases)):
        tags.append(f"Alias={named}")
    if circular:
        tags.append("Is_circular=true")
    if mitochondrial:
        tags.append("genome=mitochondrion")
    return f"{contig}\t.\tchromosome\t1\t{length}\t.\t.\t.\t{';'.join(tags)}"


def region_line(contig: str, row: Row, name: str, start: int, end: int) -> str:
    """Return the row of a named region that is not a gene, such as a D-loop."""
    tags = f"ID=region:{_escaped(name)}:{start};Name={_escaped(name)}"
    return f"{contig}\t.\t{row.kind}\t{start}\t{end}\t.\t{row.strand}\t.\t{tags}"


def lines(contig: str, gene: Gene) -> Iterator[str]:
    """Yield the rows of a gene, its transcripts, and their exons, UTRs, coding segments and mature products."""
    start = min(one.start for one in gene.transcripts)
    end = max(one.end for one in gene.transcripts)

    def row(kind: str, first: int, last: int, tags: dict[str, str], phase: str = ".") -> str:
        text = ";".join(f"{key}={value}" for key, value in tags.items() if value)
        return f"{contig}\t.\t{kind}\t{first}\t{last}\t.\t{gene.strand}\t{phase}\t{text}"

    named = {"Name": _escaped(gene.name), "biotype": _escaped(gene.biotype), "description": _escaped(gene.description)}
    yield row(gene.kind, start, end, {"ID": f"gene:{_escaped(gene.identifier)}", **named})
    for one in gene.transcripts:
        name = _escaped(one.name)
        tags = {
            "ID": f"transcript:{name}",
            "Parent": f"gene:{_escaped(gene.identifier)}",
            "biotype": _escaped(one.biotype),
            "tag": ",".join(map(_escaped, one.tags)),
            "transcript_id": name,
            "version": one.version,
        }
        yield row(one.kind, one.start, one.end, tags)
        parent = {"Parent": f"transcript:{name}"}
        coding = {**parent, "protein_id": _escaped(one.protein_id)}
        for kind, first, last, phase in _parts(one, gene.strand):
            yield row(kind, first, last, coding if kind == "CDS" else parent, phase)


def _parts(transcript: Transcript, strand: str) -> Iterator[tuple[str, int, int, str]]:
    """Yield type, first base, last base and phase of each part, along the contig."""
    low, high = ("five_prime_UTR", "three_prime_UTR") if strand == "+" else ("three_prime_UTR", "five_prime_UTR")
    coding = transcript.coding
    for start, end in transcript.exons:
        yield "exon", start, end, "."
        if coding and start < coding[0][0]:
            yield low, start, min(end, coding[0][0] - 1), "."
        if coding and end > coding[-1][1]:
            yield high, max(start, coding[-1][1] + 1), end, "."
    for start, end, phase in coding:
        yield "CDS", start, end, phase
    for start, end in transcript.mature:
        yield MATURE, start, end, "."


def _escaped(text: str) -> str:
    return " ".join(text.split()).translate(_ESCAPES)
