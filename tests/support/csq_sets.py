"""The sets of real gene models on which effects are compared with what `bcftools csq` says."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from annotator.effects.allele import shortest
from annotator.effects.effect import effect
from tests.support import csq, gene_models
from tests.support.csq_differences import Pair, of_transcript
from tests.support.vep_differences import FOLDER, PACK, references

SETS = ("human", "other", "mt")


def files(name: str, folder: Path) -> tuple[Path, Path, int]:
    """Return FASTA and GFF3 of a set, and the genetic code."""
    fasta, genes = folder / f"{name}.fa", folder / f"{name}.gff3"
    if name == "mt":
        fasta.write_bytes(next(PACK.glob("*.fa")).read_bytes())
        genes.write_bytes(next(PACK.glob("*.gff3")).read_bytes())
        return fasta, genes, 2
    fasta.write_bytes(gzip.decompress((FOLDER / f"{name}.fa.gz").read_bytes()))
    genes.write_bytes(gzip.decompress((FOLDER / f"{name}.gff3.gz").read_bytes()))
    return fasta, genes, 1


def read(name: str, folder: Path) -> Iterator[Pair]:
    """Yield each allele of a set with each transcript that it touches, or that csq says it touches."""
    rows = (line.split("\t")[:4] for line in gene_models.lines(FOLDER / f"{name}.vep.tsv.gz") if line[0] != "#")
    alleles = {(contig, int(pos), ref, alt) for contig, pos, ref, alt in rows}
    bases, transcripts = references(name)
    fasta, genes, code = files(name, folder)
    symbols = csq.symbols(genes)
    for allele, entries in csq.answers(alleles, fasta, genes, folder, code):
        contig, pos, ref, alt = allele
        change, sequence = shortest(pos, ref, alt), bases[contig]

        def fetch(start: int, end: int, sequence: str = sequence) -> str:
            return sequence[start - 1 : end]

        named = {entry.transcript for entry in entries}
        for transcript in transcripts[contig]:
            found = effect(change, transcript, fetch)
            if found or transcript.name in named:
                theirs = of_transcript(entries, transcript, symbols.get(transcript.gene, transcript.gene))
                yield Pair(allele, change, transcript, found.terms if found else (), theirs, fetch)
