"""A genome with as many genes as ours, on a tenth of the bases, laid out as Ensembl serves it.

60,000 genes with 250,000 transcripts on 25 contigs make three million rows of GFF3, as Ensembl's for GRCh38 has. What
is read at the start of a run is genes; of the bases only those around variants and in genes are, so a genome of 3,100
million would take the disk's space and not a run's time. The contigs have the proportions of GRCh38's. The
mitochondrion has no genes. All of it follows from the seed.
"""

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.chromosome import COMPLEMENT, SENSE, STOPS

SPECIES, ASSEMBLY, RELEASE = "bench_human", "BENCH1", "1"
STEM = f"Bench_human.{ASSEMBLY}"
GENES, TRANSCRIPTS, BASES = 60_000, 250_000, 300_000_000
#: Millions of bases of GRCh38's chromosomes 1 to 22, X and Y.
MILLIONS = (
    248.96, 242.19, 198.30, 190.21, 181.54, 170.81, 159.35, 145.14, 138.39, 133.80, 135.09, 133.28,
    114.36, 107.04, 101.99, 90.34, 83.26, 80.37, 58.62, 64.44, 46.71, 50.82, 156.04, 57.23,
)  # fmt: skip
NAMES = (*(str(number) for number in range(1, 23)), "X", "Y")
MITOCHONDRION = 16_569
EXONS, CODING, UTR, INTRON = 6, 120, 60, 400  # bases: coding ones of an exon, whole codons; UTR at both ends
NON_CODING = 8  # every so manieth gene
LEVEL = 1
_BASES = bytes("ACGT"[value & 3].encode()[0] for value in range(256))


@dataclass(frozen=True)
class Made:
    """What was written. rows: of the GFF3."""

    genome: Path
    genes: Path
    bases: int
    gene_count: int
    transcripts: int
    rows: int


def lengths(scale: float) -> dict[str, int]:
    each = {name: int(millions / sum(MILLIONS) * BASES * scale) for name, millions in zip(NAMES, MILLIONS, strict=True)}
    return {**each, "MT": MITOCHONDRION}


def write(root: Path, scale: float = 1.0, seed: int = 1) -> Made:
    """Write the genome into root in the layout of Ensembl's pub folder; some minutes for all of it.

    scale: which share of it. CHECKSUMS are left to the caller.
    """
    rng = random.Random(seed)  # noqa: S311  (nothing secret)
    dna, models = root / f"release-{RELEASE}/fasta/{SPECIES}/dna", root / f"release-{RELEASE}/gff3/{SPECIES}"
    for folder in (dna, models):
        folder.mkdir(parents=True)
    fasta, genes = dna / f"{STEM}.dna.toplevel.fa.gz", models / f"{STEM}.{RELEASE}.gff3.gz"
    sizes = lengths(scale)
    spacing = BASES // GENES
    counts = [0, 0, 0]
    with gzip.open(fasta, "wb", LEVEL) as sequence, gzip.open(genes, "wb", LEVEL) as rows:
        rows.write(b"##gff-version 3\n#!genome-build  BENCH1\n")
        number = 0
        for name, size in sizes.items():
            bases = bytearray(rng.randbytes(size).translate(_BASES))
            rows.write(f"{name}\tbench\tchromosome\t1\t{size}\t.\t.\t.\tID=chromosome:{name}\n".encode())
            counts[2] += 1
            starts = () if name == "MT" else range(1000, size - 2 * spacing, spacing)
            for start in starts:
                number += 1
                lines, transcripts = _gene(rng, name, number, start + rng.randrange(500), bases)
                rows.write("".join(lines).encode())
                counts[0], counts[1], counts[2] = counts[0] + 1, counts[1] + transcripts, counts[2] + len(lines)
            _write_sequence(sequence, name, bases)
    return Made(fasta, genes, sum(sizes.values()), *counts)


def _write_sequence(out: gzip.GzipFile, name: str, bases: bytearray) -> None:
    out.write(f">{name} dna:chromosome chromosome:{ASSEMBLY}:{name}:1:{len(bases)}:1 REF\n".encode())
    for start in range(0, len(bases), 6_000_000):
        piece = bytes(bases[start : start + 6_000_000])
        out.write(b"".join(piece[at : at + 60] + b"\n" for at in range(0, len(piece), 60)))


def _gene(rng: random.Random, contig: str, number: int, start: int, bases: bytearray) -> tuple[list[str], int]:
    """Lay a gene out from start on, its coding bases into bases; its rows, and how many transcripts it has.

    Transcripts after the first leave out one or two inner exons, each of whole codons.
    """
    coding = number % NON_CODING != 0
    exons = []
    for place in range(EXONS):
        size = CODING + (UTR if place in {0, EXONS - 1} else 0)
        exons.append((start, start + size - 1))
        start += size + INTRON + rng.randrange(100)
    strand = rng.choice("+-")
    cds = [(exons[0][0] + UTR, exons[0][1]), *exons[1:-1], (exons[-1][0], exons[-1][1] - UTR)]
    if coding:
        codons = "".join(["ATG", *rng.choices(SENSE, k=EXONS * CODING // 3 - 2), rng.choice(sorted(STOPS))])
        if strand == "-":
            codons = codons.translate(COMPLEMENT)[::-1]
        for place, (first, last) in enumerate(cds):
            bases[first - 1 : last] = codons[place * CODING : (place + 1) * CODING].encode()
    kind = "protein_coding" if coding else "lncRNA"
    feature, transcript = ("gene", "mRNA") if coding else ("ncRNA_gene", "lnc_RNA")
    span = f"{exons[0][0]}\t{exons[-1][1]}\t.\t{strand}\t."
    lines = [
        (
            f"{contig}\tbench\t{feature}\t{span}\tID=gene:BNCG{number:011d};Name=BENCH{number};biotype={kind};"
            f"description=made for measuring;gene_id=BNCG{number:011d};logic_name=bench;version=1\n"
        )
    ]
    count = max(1, min(9, round(rng.gauss(TRANSCRIPTS / GENES, 1.5))))
    for copy in range(1, count + 1):
        left_out = set() if copy == 1 else set(rng.sample(range(1, EXONS - 1), rng.choice((1, 1, 2))))
        name = f"BNCT{number * 10 + copy:012d}"
        tag = "tag=gencode_basic,Ensembl_canonical,MANE_Select" if copy == 1 else "tag=gencode_basic"
        lines.append(
            f"{contig}\tbench\t{transcript}\t{span}\tID=transcript:{name};Parent=gene:BNCG{number:011d};"
            f"Name=BENCH{number}-20{copy};biotype={kind};{tag};transcript_id={name};version=1\n"
        )
        kept = [one for one in range(EXONS) if one not in left_out]
        lines += _rows(contig, strand, name, [exons[one] for one in kept], [cds[one] for one in kept], coding=coding)
    return lines, count


def _rows(
    contig: str, strand: str, name: str, exons: list[tuple[int, int]], cds: list[tuple[int, int]], *, coding: bool
) -> Iterator[str]:
    parent = f"Parent=transcript:{name}"
    for rank, (first, last) in enumerate(exons, 1):
        yield (
            f"{contig}\tbench\texon\t{first}\t{last}\t.\t{strand}\t.\t{parent};Name={name}E{rank};constitutive=0;"
            f"ensembl_end_phase=0;ensembl_phase=0;exon_id={name}E{rank};rank={rank};version=1\n"
        )
    if not coding:
        return
    low, high = ("five", "three") if strand == "+" else ("three", "five")
    yield f"{contig}\tbench\t{low}_prime_UTR\t{exons[0][0]}\t{cds[0][0] - 1}\t.\t{strand}\t.\t{parent}\n"
    yield f"{contig}\tbench\t{high}_prime_UTR\t{cds[-1][1] + 1}\t{exons[-1][1]}\t.\t{strand}\t.\t{parent}\n"
    for first, last in cds:
        yield (
            f"{contig}\tbench\tCDS\t{first}\t{last}\t.\t{strand}\t0\tID=CDS:{name}P;{parent};protein_id={name}P;"
            "version=1\n"
        )
