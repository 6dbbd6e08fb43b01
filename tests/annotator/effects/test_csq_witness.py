"""Effects on real gene models, next to what `bcftools csq` says of them.

Every difference in the most severe term of a transcript belongs to a class of `tests.support.csq_differences`, which
says who is right and why.
"""

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.effects.allele import shortest
from annotator.effects.effect import effect
from tests.support import csq, gene_models
from tests.support.csq_differences import CLASSES, Pair, class_of, of_transcript
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


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    folder = tmp_path_factory.mktemp("csq")
    return [pair for name in SETS for pair in read(name, folder)]


def test_every_difference_from_csq_is_explained(pairs: list[Pair]) -> None:
    different = [pair for pair in pairs if pair.differs]
    unexplained = [pair for pair in different if not class_of(pair)]

    assert len(pairs) > 70_000
    assert not unexplained, [(one.allele, one.transcript.name, one.ours, one.theirs) for one in unexplained[:20]]


def test_every_class_of_differences_is_met(pairs: list[Pair]) -> None:
    met = Counter(class_of(pair) for pair in pairs if pair.differs)

    assert set(met) == {one.__name__ for one in CLASSES}
