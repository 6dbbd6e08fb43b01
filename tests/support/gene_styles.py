"""One small genome's gene models as Ensembl, GENCODE and NCBI RefSeq write them: see tests.support.genome."""

from collections.abc import Callable, Iterator

from tests.support.genome import Gene, Genome

Parts = list[tuple[str, int, int, str]]


def parts(gene: Gene, *, stop_in_coding: bool = True) -> Parts:
    """Return type, first base, last base and phase of each exon and coding part, along the contig.

    Args:
        gene: Which.
        stop_in_coding: Whether the stop codon belongs to the coding sequence, as in GFF3; in GTF it does not.
    """
    places = gene.places if stop_in_coding else gene.places[:-3]
    numbers = {place: number for number, place in enumerate(places)}
    found: Parts = []
    for start, end in gene.exons:
        found.append(("exon", start, end, "."))
        inside = [place for place in range(start, end + 1) if place in numbers]
        if inside:
            first = inside[0] if gene.strand == "+" else inside[-1]
            found.append(("CDS", inside[0], inside[-1], str(-numbers[first] % 3)))
    if places and not stop_in_coding:
        stop = sorted(gene.places[-3:])
        runs = [[stop[0]]]
        for place in stop[1:]:
            if place == runs[-1][-1] + 1:
                runs[-1].append(place)
            else:
                runs.append([place])
        found += [("stop_codon", run[0], run[-1], "0") for run in runs]
    return found


def transcript(gene: Gene) -> str:
    """Return an accession like Ensembl's, whose version is told from its name."""
    return f"ENST{gene.number:011d}"


def _row(gene: Gene, kind: str, start: int, end: int, phase: str, tags: str, contig: str = "") -> str:
    return f"{contig or gene.contig}\ttest\t{kind}\t{start}\t{end}\t.\t{gene.strand}\t{phase}\t{tags}"


def gencode_gff3(gene: Gene) -> Iterator[str]:
    tags = f"gene_id={gene.id}.3;gene_type={gene.biotype};gene_name={gene.name}"
    chrom = f"chr{gene.contig}".replace("chrMT", "chrM")
    yield _row(gene, "gene", gene.start, gene.end, ".", f"ID={gene.id}.3;{tags}", chrom)
    own = f"transcript_id={transcript(gene)}.2;transcript_type={gene.biotype};tag=basic,Ensembl_canonical,MANE_Select"
    identity = f"ID={transcript(gene)}.2;Parent={gene.id}.3"
    yield _row(gene, "transcript", gene.start, gene.end, ".", f"{identity};{tags};{own}", chrom)
    for number, (kind, start, end, phase) in enumerate(parts(gene), 1):
        identity = f"ID={kind}:{transcript(gene)}.2:{number};Parent={transcript(gene)}.2"
        yield _row(gene, kind, start, end, phase, f"{identity};{tags};{own}", chrom)


def refseq_gff3(gene: Gene) -> Iterator[str]:
    biotype = {"lncRNA": "lncRNA"}.get(gene.biotype, "protein_coding")
    tags = f"ID=gene-{gene.name};Dbxref=GeneID:{gene.number};Name={gene.name};gbkey=Gene;gene={gene.name}"
    yield _row(gene, "gene", gene.start, gene.end, ".", f"{tags};gene_biotype={biotype};description=made%2C for tests")
    if gene.contig == "MT":  # RefSeq's mitochondria have no transcripts
        for kind, start, end, phase in parts(gene):
            if kind == "CDS":
                yield _row(gene, kind, start, end, phase, f"ID=cds-{gene.number};Parent=gene-{gene.name};gbkey=CDS")
        return
    kind = "lnc_RNA" if gene.biotype == "lncRNA" else "mRNA"
    name = f"{transcript(gene)}.2"
    own = f"ID=rna-{name};Parent=gene-{gene.name};Name={name};gbkey=mRNA;tag=MANE Select;transcript_id={name}"
    yield _row(gene, kind, gene.start, gene.end, ".", own)
    for number, (part, start, end, phase) in enumerate(parts(gene), 1):
        identity = f"ID={part.lower()}-{gene.number}-{number};Parent=rna-{name}"
        yield _row(gene, part, start, end, phase, f"{identity};gene={gene.name};transcript_id={name}")


def _gtf(gene: Gene, gene_type: str, transcript_type: str, *, versions: bool) -> Iterator[str]:
    identity = f'gene_id "{gene.id}"; gene_version "3"' if versions else f'gene_id "{gene.id}.3"'
    tags = f'{identity}; gene_name "{gene.name}"; {gene_type} "{gene.biotype}"'
    yield _row(gene, "gene", gene.start, gene.end, ".", f"{tags};")
    named = (
        f'transcript_id "{transcript(gene)}"; transcript_version "2"'
        if versions
        else f'transcript_id "{transcript(gene)}.2"'
    )
    own = (
        f'{tags}; {named}; {transcript_type} "{gene.biotype}"; tag "basic"; tag "Ensembl_canonical"; tag "MANE_Select";'
    )
    yield _row(gene, "transcript", gene.start, gene.end, ".", own)
    for kind, start, end, phase in parts(gene, stop_in_coding=False):
        yield _row(gene, kind, start, end, phase, own)


def ensembl_gtf(gene: Gene) -> Iterator[str]:
    yield from _gtf(gene, "gene_biotype", "transcript_biotype", versions=True)


def gencode_gtf(gene: Gene) -> Iterator[str]:
    yield from _gtf(gene, "gene_type", "transcript_type", versions=False)


def refseq_gtf(gene: Gene) -> Iterator[str]:
    tags = f'gene_id "{gene.name}"; transcript_id ""; gene "{gene.name}"; gene_biotype "{gene.biotype}";'
    yield _row(gene, "gene", gene.start, gene.end, ".", tags)
    own = f'gene_id "{gene.name}"; transcript_id "{transcript(gene)}.2"; gene "{gene.name}"; tag "MANE Select";'
    kind = "lnc_RNA" if gene.biotype == "lncRNA" else "mRNA"
    yield _row(gene, "transcript", gene.start, gene.end, ".", f'{own} gbkey "{kind}"; transcript_biotype "{kind}";')
    for part, start, end, phase in parts(gene, stop_in_coding=False):
        yield _row(gene, part, start, end, phase, own)


STYLES: dict[str, Callable[[Gene], Iterator[str]]] = {
    "gencode.gff3": gencode_gff3,
    "refseq.gff3": refseq_gff3,
    "ensembl.gtf": ensembl_gtf,
    "gencode.gtf": gencode_gtf,
    "refseq.gtf": refseq_gtf,
}


def text(genome: Genome, style: Callable[[Gene], Iterator[str]]) -> str:
    """Return the gene models of a whole genome in a style."""
    lines = ["##gff-version 3"]
    for contig in genome.sequences:
        for gene in genome.genes.values():
            if gene.contig == contig:
                lines += style(gene)
    return "\n".join(lines) + "\n"
