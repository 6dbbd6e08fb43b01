"""Random genes, and changes of them."""

import random
from collections.abc import Sequence

from annotator.effects.allele import Change, shortest
from annotator.effects.hgvs_transcript import Fetch
from annotator.effects.transcript import Transcript
from tests.annotator.effects import plain

CODONS = {
    1: [codon for codons in plain.STANDARD.values() for codon in codons.split() if codon not in {"TAA", "TAG", "TGA"}],
    2: [
        codon
        for codons in plain.STANDARD.values()
        for codon in codons.split()
        if codon not in {"TAA", "TAG", "AGA", "AGG"}
    ],
}
STOPS = {1: ["TAA", "TAG", "TGA"], 2: ["TAA", "TAG", "AGA", "AGG"]}


def random_gene(rng: random.Random) -> tuple[plain.Gene, str]:
    """Return a gene with up to five exons, and its contig.

    Repeats in some let a change lie at many places. Some have a first codon that is no start codon, or codons of
    selenocysteine. Of those that code for nothing, some have mature products as microRNAs do.
    """
    code = rng.choice([1, 1, 1, 2])
    codes_for = rng.random() < 0.85
    few = rng.random() < 0.3
    letters = rng.choice(["ACGT", "AC", "GT", "ACG"]) if few else "ACGT"
    coding = ""
    if codes_for:
        codons = [codon for codon in CODONS[code] if set(codon) <= set(letters)] or CODONS[code]
        begins = rng.choice(codons if rng.random() < 0.15 else sorted(plain.STARTS[code]))
        if code == 1 and rng.random() < 0.25:
            codons = codons + ["TGA"] * (len(codons) // 8 + 1)
        coding = begins + "".join(rng.choices(codons, k=rng.randrange(4, 30)))
        coding += rng.choice(STOPS[code])
    before, after = ("".join(rng.choices(letters, k=rng.randrange(1, 30))) for _ in range(2))
    spliced = before + coding + after if codes_for else "".join(rng.choices(letters, k=120))
    cuts = sorted(rng.sample(range(4, len(spliced) - 4), min(rng.randrange(5), 4)))
    text = ""
    exons: list[tuple[int, int]] = []
    for first, last in zip([0, *cuts], [*cuts, len(spliced)], strict=True):
        if first == last:
            continue
        if exons:
            text += "GT" + "".join(rng.choices(letters, k=rng.randrange(9, 60))) + "AG"
        exons.append((len(text), len(text) + last - first - 1))
        text += spliced[first:last]
    offsets = [at for begin, end in exons for at in range(begin, end + 1)]
    span = (offsets[len(before)], offsets[len(before) + len(coding) - 1]) if coding else None
    strand = rng.choice("+-")
    if strand == "-":
        text = "".join(plain.PAIRS[letter] for letter in reversed(text))
        size = len(text)
        exons = [(size - 1 - end, size - 1 - begin) for begin, end in reversed(exons)]
        span = (size - 1 - span[1], size - 1 - span[0]) if span else None
    left, right = ("".join(rng.choices("ACGT", k=60)) for _ in range(2))
    placed = tuple((begin + 61, end + 61) for begin, end in exons)
    coding_span = (span[0] + 61, span[1] + 61) if span else None
    mature = () if coding_span else mature_products(rng, placed)
    return plain.Gene(strand, placed, coding_span, code, mature), left + text + right


def mature_products(rng: random.Random, exons: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return up to one span in each exon, half of the time none at all."""
    ends = [sorted(rng.choices(range(first, last + 1), k=2)) for first, last in exons]
    kept = rng.random() < 0.5
    return tuple((first, last) for first, last in ends if kept and rng.random() < 0.7)


def random_change(rng: random.Random, gene: plain.Gene, contig: str) -> Change:
    """Return a change within the transcript, in left-aligned normal form."""
    first, last = gene.exons[0][0], gene.exons[-1][1]
    edges = [one for exon in gene.exons for one in exon] + list(gene.coding or ())
    while True:
        near = rng.choice(edges) + rng.randrange(-9, 10) if rng.random() < 0.6 else rng.randrange(first, last + 1)
        size = min(rng.choice([0, 0, 1, 1, 1, 2, 3, 3, 4, 6, 9, rng.randrange(1, 41)]), last - near)
        if not first < near <= last or size < 0:
            continue
        ref = contig[near - 1 : near - 1 + size]
        kind = rng.random()
        if kind < 0.2 and size:
            alt = ""
        elif kind < 0.4:
            alt = ref + contig[near - 1 - rng.randrange(1, 7) : near - 1]
        else:
            alt = "".join(rng.choices("ACGT", k=rng.choice([size, size, 0, 1, 3, rng.randrange(1, 41)])))
        change = shortest(near, ref, alt)
        change = left_aligned(change, contig)
        if (change.ref or change.alt) and first < change.pos and change.end < last:
            return change


def left_aligned(change: Change, contig: str) -> Change:
    pos, ref, alt = change.pos, change.ref, change.alt
    while bool(ref) != bool(alt) and contig[pos - 2] == (ref or alt)[-1]:
        pos -= 1
        ref, alt = (contig[pos - 1] + ref[:-1] if ref else ""), (contig[pos - 1] + alt[:-1] if alt else "")
    return Change(pos, ref, alt)


def transcript_of(gene: plain.Gene) -> Transcript:
    """Return a gene as the annotator has it."""
    return Transcript(
        "T.1",
        "G",
        "protein_coding",
        gene.strand,
        gene.exons,
        gene.coding,
        genetic_code=gene.code,
        mature=gene.mature,
    )


def bases_of(contig: str) -> Fetch:
    """Return a function that reads bases of a contig."""
    return lambda start, end: contig[start - 1 : end]
