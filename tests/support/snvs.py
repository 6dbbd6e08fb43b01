"""SNVs around random transcripts, and their columns."""

import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from annotator.effects.transcript import FLAGS, Transcript
from annotator.run.columnar.alleles import Alleles, described
from annotator.run.columnar.compiled import array_of
from annotator.run.columnar.scan import Forms, Lines, scan
from annotator.run.columnar.text_sets import words
from annotator.run.columnar.window import Fetch, Window, window
from tests.support.random_genes import mature_products, random_gene, transcript_of

Row = tuple[int, str, str]  # POS, REF and an ALT of another base or more
Make = Callable[[random.Random], tuple[Transcript, str]]
_FORMS = Forms(8, words({".": 0}), words({}), words({}), np.zeros((0, 0), np.int64))


class Columns(NamedTuple):
    """Rows as a block has them."""

    lines: Lines
    window: Window
    alleles: Alleles
    fetch: Fetch


def columns_of(contig: str, rows: Iterable[Row]) -> Columns:
    """Return the columns of sorted rows, one allele a row."""
    text = array_of("".join(f"1\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\n" for pos, ref, alt in rows).encode())

    def fetch(start: int, end: int) -> str:
        return contig[max(start, 1) - 1 : max(end, 0)]

    lines = scan(text, _FORMS)
    around = window(lines.pos, np.arange(len(lines.pos)), fetch)
    return Columns(lines, around, described(text, lines, around), fetch)


def substitutions(contig: str, first: int, last: int) -> list[Row]:
    """Return all SNVs from one position to another."""
    places = range(max(1, first), min(last, len(contig)) + 1)
    return [
        (at, contig[at - 1], alt) for at in places if contig[at - 1] != "N" for alt in "ACGT" if alt != contig[at - 1]
    ]


def random_transcript(rng: random.Random) -> tuple[Transcript, str]:
    """Return an irregular transcript and its contig: with introns of any length, unknown bases, stops within."""
    exons, at = [], 61
    for _ in range(rng.randrange(1, 6)):
        size = rng.choice([1, 2, 4, rng.randrange(3, 80)])
        exons.append((at, at + size - 1))
        at += size + rng.choice([0, 1, 3, rng.randrange(1, 40), rng.randrange(700, 1500)])
    letters = rng.choice(["ACGT", "ACGT", "ACGTN", "TGA", "AG"])
    contig = "".join(rng.choices(letters, weights=[9] * len(letters.strip("N")) + [1] * letters.count("N"), k=at + 60))
    places = [place for first, last in exons for place in range(first, last + 1)]
    codes_for = rng.random() < 0.85
    coding = sorted(rng.choices(places, k=2)) if rng.random() < 0.7 else [places[0], places[-1]]
    return Transcript(
        "T 1.1",
        gene="G;1",
        gene_id="ENSG1",
        protein_id=rng.choice(["", "ENSP1.2"]),
        biotype=rng.choice(["protein_coding", "nonsense_mediated_decay"]),
        strand=rng.choice("+-"),
        exons=tuple(exons),
        coding=(coding[0], coding[1]) if codes_for else None,
        phase=rng.choice([0, 0, 1, 2]) if codes_for else 0,
        start_known=rng.random() < 0.8,
        end_known=rng.random() < 0.8,
        genetic_code=rng.choice([1, 2, 6]),
        flags=tuple(flag for flag in FLAGS if rng.random() < 0.3),
        mature=() if codes_for else mature_products(rng, exons),
    ), contig


def whole_gene(rng: random.Random) -> tuple[Transcript, str]:
    """Return a transcript from start to stop codon, and its contig."""
    gene, contig = random_gene(rng)
    return transcript_of(gene), contig
