"""A small genome made from a seed, with genes as Ensembl writes them, laid out as Ensembl serves it.

Contigs 1 and 2 have coding genes on both strands, in several exons with UTRs, and a long non-coding RNA; MT has a gene
that reads in the vertebrate mitochondrial code alone. What each gene codes for is known here from the codons that it
was made of, not from reading it back.
"""

import gzip
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

SPECIES, ASSEMBLY, RELEASE = "testus_exampli", "TEST1.0", "115"
STEM = f"Testus_exampli.{ASSEMBLY}"
#: One or two codons for some amino acids: enough to make proteins of, and each is known by heart.
CODONS = {
    "A": ("GCT", "GCC"), "D": ("GAT", "GAC"), "E": ("GAA", "GAG"), "F": ("TTT", "TTC"), "G": ("GGT", "GGC"),
    "H": ("CAT", "CAC"), "K": ("AAA", "AAG"), "L": ("CTT", "CTC"), "N": ("AAT", "AAC"), "P": ("CCT", "CCC"),
    "Q": ("CAA", "CAG"), "R": ("CGT", "CGC"), "S": ("TCT", "TCC"), "T": ("ACT", "ACC"), "V": ("GTT", "GTC"),
    "Y": ("TAT", "TAC"),
}  # fmt: skip
COMPLEMENT = str.maketrans("ACGT", "TGCA")
#: A stretch that holds all of any contig.
WHOLE = [(1, 10**9)]


@dataclass
class Gene:
    """A gene and its one transcript.

    places: genomic position of each coding base, in the direction of the gene; exons: in genomic order; protein: with
    its stop.
    """

    number: int
    contig: str
    strand: str
    biotype: str
    exons: list[tuple[int, int]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    codons: list[str] = field(default_factory=list)
    protein: str = ""

    @property
    def name(self) -> str:
        return f"GEN{self.number}"

    @property
    def id(self) -> str:
        return f"TESG{self.number:011d}"

    @property
    def transcript(self) -> str:
        return f"TEST{self.number:011d}"

    @property
    def start(self) -> int:
        return self.exons[0][0]

    @property
    def end(self) -> int:
        return self.exons[-1][1]

    def substitution(self, codon: int, new: str) -> tuple[int, str, str]:
        """(POS, REF, ALT) on the forward strand that turn codon number `codon` (from 0) into `new`, one base away."""
        old = self.codons[codon]
        (at,) = [i for i in range(3) if old[i] != new[i]]
        ref, alt = old[at], new[at]
        if self.strand == "-":
            ref, alt = ref.translate(COMPLEMENT), alt.translate(COMPLEMENT)
        return self.places[3 * codon + at], ref, alt


@dataclass
class Genome:
    sequences: dict[str, str]
    genes: dict[str, Gene]  # by name


def make_genome(seed: int = 7, *, mitochondrion: bool = True) -> Genome:
    rng = random.Random(seed)  # noqa: S311
    sequences = {"1": _bases(rng, 60_000), "2": _bases(rng, 40_000)}
    plan = [
        ("1", "+", 10_000, 4),
        ("1", "-", 25_000, 3),
        ("1", "", 45_000, 2),
        ("2", "+", 8_000, 1),
        ("2", "-", 20_000, 5),
    ]
    genes = []
    for number, (contig, strand, start, exons) in enumerate(plan, 1):
        gene = Gene(number, contig, strand or "+", "protein_coding" if strand else "lncRNA")
        text = _gene(rng, gene, start, exons)
        whole = sequences[contig]
        sequences[contig] = whole[: start - 1] + text + whole[start - 1 + len(text) :]
        genes.append(gene)
    if mitochondrion:
        gene = Gene(9, "MT", "+", "protein_coding")
        # ATA is methionine there, TGA tryptophan, and AGA a stop.
        gene.codons = ["ATA", *(rng.choice([c for two in CODONS.values() for c in two]) for _ in range(98)), "AGA"]
        gene.codons[10] = gene.codons[40] = "TGA"
        gene.protein = "M" + "".join(_amino(codon) for codon in gene.codons[1:-1]) + "*"
        coding = "".join(gene.codons)
        gene.exons = [(501, 500 + len(coding))]
        gene.places = list(range(501, 501 + len(coding)))
        sequences["MT"] = _bases(rng, 500) + coding + _bases(rng, 1200)
        genes.append(gene)
    return Genome(sequences, {gene.name: gene for gene in genes})


def _bases(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("ACGT", k=count))


def _amino(codon: str) -> str:
    if codon == "TGA":
        return "W"
    return next(amino for amino, two in CODONS.items() if codon in two)


def _gene(rng: random.Random, gene: Gene, start: int, exon_count: int) -> str:
    """Lay the gene out from position start on, and return its bases on the forward strand."""
    coding = ""
    if gene.biotype == "protein_coding":
        aminos = rng.choices(sorted(CODONS), k=150)
        gene.codons = ["ATG", *(rng.choice(CODONS[amino]) for amino in aminos), "TAA"]
        gene.protein = f"M{''.join(aminos)}*"
        coding = "".join(gene.codons)
    before, after = (_bases(rng, 60), _bases(rng, 90)) if coding else ("", _bases(rng, 600))
    spliced = before + coding + after
    cuts = sorted(rng.sample(range(len(before) + 20, len(before) + max(len(coding), 300) - 20), exon_count - 1))
    text = ""  # in the gene's direction
    exons: list[tuple[int, int]] = []
    offsets: list[int] = []  # in the text, of each spliced base
    for first, last in zip([0, *cuts], [*cuts, len(spliced)], strict=True):
        if exons:
            text += "GT" + _bases(rng, 396) + "AG"
        exons.append((len(text), len(text) + last - first - 1))
        offsets += range(len(text), len(text) + last - first)
        text += spliced[first:last]
    coding_offsets = offsets[len(before) : len(before) + len(coding)]
    if gene.strand == "-":
        size = len(text)
        text = text[::-1].translate(COMPLEMENT)
        exons = [(size - 1 - last, size - 1 - first) for first, last in reversed(exons)]
        coding_offsets = [size - 1 - offset for offset in coding_offsets]
    gene.exons = [(start + first, start + last) for first, last in exons]
    gene.places = [start + offset for offset in coding_offsets]
    return text


def gff3(genome: Genome, *, alias: bool = True) -> str:
    lines = ["##gff-version 3"]
    lines += [f"##sequence-region   {name} 1 {len(bases)}" for name, bases in genome.sequences.items()]
    lines += [f"#!genome-build  {ASSEMBLY}", "#!genome-version TEST1", "#!genebuild-last-updated 2026-01"]
    accessions = {"1": "CM000001.1,NC_000901.1", "2": "CM000002.1,NC_000902.1", "MT": "NC_000999.1"}
    for contig, bases in genome.sequences.items():
        known = f";Alias={accessions[contig]}" if alias else ""
        circular = ";Is_circular=true" if contig == "MT" else ""
        where = f"{contig}\t{ASSEMBLY}\tchromosome\t1\t{len(bases)}\t.\t.\t.\t"
        lines.append(f"{where}ID=chromosome:{contig}{known}{circular}")
        lines.append("###")
        lines.append(f"{contig}\t.\tbiological_region\t5\t90\t0.9\t+\t.\texternal_name=oe %3D 0.9;logic_name=cpg")
        for gene in genome.genes.values():
            if gene.contig == contig:
                lines += [*_rows(gene), "###"]
    return "\n".join(lines) + "\n"


def _rows(gene: Gene) -> list[str]:
    def row(kind: str, start: int, end: int, tags: str, phase: str = ".") -> str:
        return f"{gene.contig}\thavana\t{kind}\t{start}\t{end}\t.\t{gene.strand}\t{phase}\t{tags}"

    coding = gene.biotype == "protein_coding"
    parent = f"Parent=transcript:{gene.transcript}"
    named = f"Name={gene.name};biotype={gene.biotype};description=made%3B for tests;gene_id={gene.id}"
    rows = [
        row("gene" if coding else "ncRNA_gene", gene.start, gene.end, f"ID=gene:{gene.id};{named}"),
        row(
            "mRNA" if coding else "lnc_RNA",
            gene.start,
            gene.end,
            f"ID=transcript:{gene.transcript};Parent=gene:{gene.id};Name={gene.name}-201;biotype={gene.biotype};"
            "tag=basic,Ensembl_canonical",
        ),
    ]
    inside = set(gene.places)
    first, last = (min(inside), max(inside)) if inside else (0, 0)
    for number, (start, end) in enumerate(gene.exons, 1):
        rows.append(row("exon", start, end, f"{parent};Name=E{gene.number}.{number};rank={number}"))
        if not coding:
            continue
        low, high = ("five", "three") if gene.strand == "+" else ("three", "five")
        if start < first:
            rows.append(row(f"{low}_prime_UTR", start, min(end, first - 1), parent))
        if end > last:
            rows.append(row(f"{high}_prime_UTR", max(start, last + 1), end, parent))
        from_, to = max(start, first), min(end, last)
        if from_ <= to:
            begin = gene.places.index(from_ if gene.strand == "+" else to)
            rows.append(row("CDS", from_, to, f"ID=CDS:P{gene.number};{parent}", str(-begin % 3)))
    return rows


def fasta(genome: Genome) -> str:
    parts = []
    for name, bases in genome.sequences.items():
        parts.append(f">{name} dna:chromosome chromosome:{ASSEMBLY}:{name}:1:{len(bases)}:1 REF\n")
        parts += [bases[at : at + 60] + "\n" for at in range(0, len(bases), 60)]
    return "".join(parts)


def serve_as_ensembl(
    root: Path, genome: Genome, *, release: str = RELEASE, current: bool = True, gff: str = ""
) -> tuple[Path, Path]:
    """Write the genome into root in the layout of Ensembl's pub folder; returns the paths of FASTA and GFF3."""
    dna, genes = root / f"release-{release}/fasta/{SPECIES}/dna", root / f"release-{release}/gff3/{SPECIES}"
    dna.mkdir(parents=True)
    genes.mkdir(parents=True)
    sequence, models = dna / f"{STEM}.dna.toplevel.fa.gz", genes / f"{STEM}.{release}.gff3.gz"
    sequence.write_bytes(gzip.compress(fasta(genome).encode(), mtime=0))
    models.write_bytes(gzip.compress((gff or gff3(genome)).encode(), mtime=0))
    (dna / f"{STEM}.dna_rm.toplevel.fa.gz").write_bytes(b"masked")
    (genes / f"{STEM}.{release}.chr.gff3.gz").write_bytes(b"chromosomes")
    (genes / f"{STEM}.{release}.abinitio.gff3.gz").write_bytes(b"predicted")
    for folder in (dna, genes):
        write_sums(folder)
    if current:
        for name, target in (("current_fasta", "fasta"), ("current_gff3", "gff3")):
            (root / name).symlink_to(root / f"release-{release}" / target)
    return sequence, models


def write_sums(folder: Path) -> None:
    """CHECKSUMS as Ensembl makes them, by the program `sum`."""
    lines = []
    for path in sorted(folder.glob("*.gz")):
        with path.open("rb") as file:
            said = subprocess.run(["sum", "-r"], stdin=file, capture_output=True, text=True, check=True).stdout.split()
        lines.append(f"{said[0]} {said[1]} {path.name}\n")
    (folder / "CHECKSUMS").write_text("".join(lines))
