"""A synthetic chromosome to measure on: sequence, genes as Ensembl writes them, variants, and a source of known ones.

All of it follows from the seed. Densities are about those of human chromosome 22: a variant every 50 bases, of which
85 % are substitutions; a gene every 60,000 bases with nine exons; every eighth gene is a long non-coding RNA.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAME = "22"
SPACING = 50  # bases between two variants, on average
GENE_SPACING = 60_000
EXONS, EXON, INTRON = 9, 150, 3_000
UTR = 120
STOPS = {"TAA", "TAG", "TGA"}
SENSE = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT" if a + b + c not in STOPS]
COMPLEMENT = str.maketrans("ACGT", "TGCA")
_BASES = bytes("ACGT"[value & 3].encode()[0] for value in range(256))
TRANSITIONS = {"A": "G", "G": "A", "C": "T", "T": "C"}


@dataclass(frozen=True)
class Gene:
    """One transcript: exons in genomic order, 1-based and closed; what codes lies between coding_start and -end."""

    number: int
    strand: str
    exons: list[tuple[int, int]]
    coding: bool

    @property
    def start(self) -> int:
        return self.exons[0][0]

    @property
    def end(self) -> int:
        return self.exons[-1][1]

    @property
    def cds(self) -> list[tuple[int, int]]:
        """The coding part of the exons: all but UTR bases at both ends."""
        first, last = self.exons[0], self.exons[-1]
        return [(first[0] + UTR, first[1]), *self.exons[1:-1], (last[0], last[1] - UTR)]


def length(variants: int) -> int:
    return variants * SPACING + 2 * GENE_SPACING


def genes(rng: random.Random, size: int) -> list[Gene]:
    """One in the middle of each stretch of GENE_SPACING; the coding parts of each are whole codons together."""
    found = []
    for number in range(1, size // GENE_SPACING):
        start = number * GENE_SPACING + rng.randrange(10_000)
        exons = []
        for _ in range(EXONS):
            exons.append((start, start + EXON + rng.randrange(60) - 1))
            start = exons[-1][1] + INTRON + rng.randrange(1_000)
        exons[0] = (exons[0][0] - UTR, exons[0][1])
        exons[-1] = (exons[-1][0], exons[-1][1] + UTR)
        gene = Gene(number, rng.choice("+-"), exons, coding=number % 8 != 0)
        extra = sum(end - begin + 1 for begin, end in gene.cds) % 3
        exons[-1] = (exons[-1][0], exons[-1][1] - extra)
        found.append(gene)
    return found


def sequence(rng: random.Random, size: int, found: list[Gene]) -> bytearray:
    """Random bases; each coding part is put in as ATG, sense codons, and a stop."""
    bases = bytearray(rng.randbytes(size).translate(_BASES))
    for gene in found:
        if not gene.coding:
            continue
        places = [place for begin, end in gene.cds for place in range(begin, end + 1)]
        codons = "".join(["ATG", *rng.choices(SENSE, k=len(places) // 3 - 2), rng.choice(sorted(STOPS))])
        if gene.strand == "-":
            codons = codons.translate(COMPLEMENT)[::-1]
        for place, base in zip(places, codons, strict=True):
            bases[place - 1] = ord(base)
    return bases


def gff3(found: list[Gene], size: int) -> Iterator[str]:
    yield f"##gff-version 3\n##sequence-region {NAME} 1 {size}\n"
    for gene in found:
        kind = "protein_coding" if gene.coding else "lncRNA"
        feature, transcript = ("gene", "mRNA") if gene.coding else ("ncRNA_gene", "lnc_RNA")
        number, span = f"{gene.number:011d}", f"{gene.start}\t{gene.end}\t.\t{gene.strand}\t."
        yield (
            f"{NAME}\tbench\t{feature}\t{span}\tID=gene:BNCG{number};Name=BENCH{gene.number};biotype={kind};"
            f"gene_id=BNCG{number}\n"
        )
        yield (
            f"{NAME}\tbench\t{transcript}\t{span}\tID=transcript:BNCT{number};Parent=gene:BNCG{number};"
            f"Name=BENCH{gene.number}-201;biotype={kind};tag=Ensembl_canonical;transcript_id=BNCT{number}\n"
        )
        for begin, end in gene.exons:
            yield f"{NAME}\tbench\texon\t{begin}\t{end}\t.\t{gene.strand}\t.\tParent=transcript:BNCT{number}\n"
        if gene.coding:
            yield from _coding(gene, number)


def _coding(gene: Gene, number: str) -> Iterator[str]:
    cds, parent = gene.cds, f"Parent=transcript:BNCT{number}"
    ends = ((gene.start, cds[0][0] - 1), (cds[-1][1] + 1, gene.end))
    names = ("five_prime_UTR", "three_prime_UTR") if gene.strand == "+" else ("three_prime_UTR", "five_prime_UTR")
    for name, (begin, end) in zip(names, ends, strict=True):
        yield f"{NAME}\tbench\t{name}\t{begin}\t{end}\t.\t{gene.strand}\t.\t{parent}\n"
    done = 0
    for begin, end in cds if gene.strand == "+" else reversed(cds):
        phase = -done % 3
        yield f"{NAME}\tbench\tCDS\t{begin}\t{end}\t.\t{gene.strand}\t{phase}\tID=CDS:BNCP{number};{parent}\n"
        done += end - begin + 1


def records(seed: int, bases: bytes, count: int) -> Iterator[tuple[int, str, str]]:
    """Position, REF, ALT: in order, one a position, each within a stretch of its own."""
    rng = random.Random(seed)  # noqa: S311  (nothing secret)
    step = (len(bases) - 1000) / count
    for number in range(count):
        pos = int(number * step) + 1 + rng.randrange(int(step) - 12 if step > 24 else 1)
        base = chr(bases[pos - 1])
        dice = rng.random()
        if dice < 0.85:
            alt = TRANSITIONS[base] if rng.random() < 0.67 else rng.choice([b for b in "ACGT" if b != base])
            yield pos, base, alt
        elif dice < 0.92:
            yield pos, base, base + "".join(rng.choices("ACGT", k=rng.randint(1, 6)))
        elif dice < 0.98:
            yield pos, bases[pos - 1 : pos + rng.randint(1, 6)].decode(), base
        else:
            others = [b for b in "ACGT" if b != base]
            yield pos, base, ",".join(rng.sample(others, 2))


def vcf(seed: int, bases: bytes, count: int) -> Iterator[str]:
    """Yield a person's file: one sample, phased, with the fields that callers write."""
    rng = random.Random(seed)  # noqa: S311  (nothing secret)
    yield (
        f"##fileformat=VCFv4.2\n##contig=<ID={NAME},length={len(bases)}>\n"
        '##FILTER=<ID=PASS,Description="All filters passed">\n'
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
        '##INFO=<ID=MQ,Number=1,Type=Float,Description="Mapping quality">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tperson\n"
    )
    genotypes = ("0|1", "1|0", "1|1", "0/1")
    for pos, ref, alt in records(seed, bases, count):
        depth = rng.randrange(8, 60)
        genotype = "1|2" if "," in alt else genotypes[depth & 3]
        yield (
            f"{NAME}\t{pos}\t.\t{ref}\t{alt}\t{30 + depth}\tPASS\tDP={depth};MQ={depth % 10 + 50}.{depth % 7}"
            f"\tGT:DP\t{genotype}:{depth}\n"
        )


def source(seed: int, bases: bytes, count: int) -> Iterator[str]:
    """Known variants as ClinVar gives them: as many as the person's file has, every second of them one of its."""
    yield (
        f"##fileformat=VCFv4.1\n##fileDate=2026-11-01\n##source=ClinVar\n##contig=<ID={NAME},length={len(bases)}>\n"
        '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="Aggregate germline classification">\n'
        '##INFO=<ID=CLNDN,Number=.,Type=String,Description="Name of the disease">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    theirs, others = records(seed, bases, count), records(seed + 1, bases, count)  # the n-th lies in the n-th stretch
    for number, both in enumerate(zip(theirs, others, strict=True)):
        pos, ref, alt = both[number % 2]
        word = ("Benign", "Uncertain_significance", "Pathogenic")[number % 3]
        yield f"{NAME}\t{pos}\t{number}\t{ref}\t{alt}\t.\t.\tCLNSIG={word};CLNDN=Condition_{number % 997}\n"


def write(folder: Path, variants: int, seed: int = 1) -> None:
    """Write genome.fa, genes.gff3, person.vcf and source.vcf with N variants; takes 10 s per million."""
    rng = random.Random(seed)  # noqa: S311  (nothing secret)
    size = length(variants)
    found = genes(rng, size)
    bases = bytes(sequence(rng, size, found))
    with (folder / "genome.fa").open("wb") as file:
        file.write(f">{NAME}\n".encode())
        for start in range(0, size, 60):
            file.write(bases[start : start + 60] + b"\n")
    texts = {
        "genes.gff3": gff3(found, size),
        "person.vcf": vcf(seed, bases, variants),
        "source.vcf": source(seed, bases, variants),
    }
    for name, lines in texts.items():
        with (folder / name).open("w") as file:
            file.writelines(lines)
