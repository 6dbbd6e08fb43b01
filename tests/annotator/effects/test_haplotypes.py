"""Several changes on one molecule: the annotator and a plain implementation of the definition say the same."""

import os
import random
from collections import Counter

import pytest

from annotator.effects.allele import Change, shortest
from annotator.effects.effect import effect
from annotator.effects.haplotypes import effect_together
from annotator.effects.transcript import Transcript
from tests.annotator.effects import plain
from tests.support.random_genes import left_aligned, random_gene

COUNT = 100_000 if os.environ.get("THOROUGH") else 3_000
PARTS = 6


def transcript_of(gene: plain.Gene) -> Transcript:
    return Transcript("T.1", "G", "protein_coding", gene.strand, gene.exons, gene.coding, genetic_code=gene.code)


def coding_positions(gene: plain.Gene) -> list[int]:
    assert gene.coding is not None
    first, last = gene.coding
    return [at for begin, end in gene.exons for at in range(begin, end + 1) if first <= at <= last]


def random_changes(rng: random.Random, gene: plain.Gene, contig: str) -> list[Change]:
    """Return two or three changes that lie near each other in the spliced coding sequence; many near introns."""
    places = coding_positions(gene)
    parted = [at for at in range(1, len(places)) if places[at] - places[at - 1] > 1]
    center = rng.choice(parted) + rng.randrange(-3, 4) if parted and rng.random() < 0.6 else rng.randrange(len(places))
    changes = []
    for _ in range(rng.choice([2, 2, 3])):
        at = min(max(0, center + rng.choice([0, 1, 2, -1, -2, rng.randrange(-25, 26)])), len(places) - 1)
        pos = places[at]
        size = rng.choice([0, 1, 1, 1, 1, 1, 2, 3])
        ref = contig[pos - 1 : pos - 1 + size]
        kind = rng.random()
        if size == 0 or kind < 0.15:
            alt = ref + "".join(rng.choices("ACGT", k=rng.choice([1, 1, 2, 3])))
        elif kind < 0.35:
            alt = ""
        else:
            alt = "".join(rng.choices("ACGT", k=size))
        change = left_aligned(shortest(pos, ref, alt), contig)
        if (change.ref or change.alt) and gene.exons[0][0] < change.pos and change.end < gene.exons[-1][1]:
            changes.append(change)
    return changes


@pytest.mark.parametrize("part", range(PARTS))
def test_both_say_the_same(part: int) -> None:
    rng = random.Random(part)  # noqa: S311 - nothing secret
    seen: Counter[str] = Counter()
    for _ in range(COUNT // PARTS // 20):
        gene, contig = random_gene(rng)
        if gene.coding is None:
            continue
        transcript, reference = transcript_of(gene), plain.Transcript(gene, contig)
        for _ in range(20):
            changes = random_changes(rng, gene, contig)
            found = effect_together(changes, transcript, lambda start, end, contig=contig: contig[start - 1 : end])
            expected = reference.together([(one.pos, one.ref, one.alt) for one in changes])
            told = (set(found.terms), found.hgvs_p) if found else None
            assert told == expected, (gene, contig, changes)
            seen["none" if found is None else "split" if "-" in found.exon else "one exon"] += 1
            frames = [(len(one.alt) - len(one.ref)) % 3 for one in changes]
            seen["restored"] += found is not None and any(frames) and sum(frames) % 3 == 0
    assert min(seen[kind] for kind in ("none", "split", "one exon", "restored")) > 5


@pytest.mark.parametrize("part", range(PARTS))
def test_a_haplotype_of_one_exon_is_the_same_change_written_as_one(part: int) -> None:
    rng = random.Random(100 + part)  # noqa: S311 - nothing secret
    compared = 0
    for _ in range(COUNT // PARTS // 20):
        gene, contig = random_gene(rng)
        if gene.coding is None:
            continue
        transcript = transcript_of(gene)

        def fetch(start: int, end: int, contig: str = contig) -> str:
            return contig[start - 1 : end]

        for _ in range(20):
            changes = sorted(random_changes(rng, gene, contig), key=lambda one: (one.pos, one.end))
            found = effect_together(changes, transcript, fetch)
            if found is None or "-" in found.exon or not all(map(is_plain, changes)):
                continue
            start, end = changes[0].pos, changes[-1].end
            text = contig[:end]
            for one in reversed(changes):
                text = text[: one.pos - 1] + one.alt + text[one.end :]
            one_change = shortest(start, contig[start - 1 : end], text[start - 1 :])
            if is_plain(one_change) and all(
                effect_together([one, changes[0]], transcript, fetch) for one in changes[1:]
            ):
                alone = effect(one_change, transcript, fetch)
                assert alone is not None
                for name in ("terms", "hgvs_p", "codons", "amino_acids", "cdna", "cds", "protein", "exon"):
                    assert getattr(found, name) == getattr(alone, name), (gene, contig, changes, name)
                compared += 1
    assert compared > 20


def is_plain(change: Change) -> bool:
    """Whether there is one place only to write it."""
    return bool(change.ref) and bool(change.alt)


#: ATG GCA TGG: the codon GCA in two exons, "GC" and "A", with an intron between.
SPLIT = "CCCCATGGC" + "GTAAGTTTTTTTTTTTTAG" + "ATGGAAATAACCCC"


@pytest.mark.parametrize("reverse", [False, True])
def test_a_codon_that_an_intron_splits(reverse: bool) -> None:
    contig = SPLIT
    changes = [Change(8, "G", "T"), Change(29, "A", "T")]  # GCA > TCT
    exons, coding = ((1, 9), (29, len(SPLIT))), (5, len(SPLIT) - 4)
    if reverse:
        size = len(contig)
        contig = "".join(plain.PAIRS[one] for one in reversed(contig))
        flip = [(size + 1 - last, size + 1 - first) for first, last in (*exons, coding)]
        exons, coding = (flip[1], flip[0]), flip[2]
        changes = [Change(size + 1 - one.pos, plain.PAIRS[one.ref], plain.PAIRS[one.alt]) for one in changes]
    transcript = Transcript("T.1", "G", "protein_coding", "-" if reverse else "+", exons, coding)

    def fetch(start: int, end: int) -> str:
        return contig[start - 1 : end]

    found = effect_together(changes, transcript, fetch)
    assert found is not None
    assert (found.terms[0], found.hgvs_p, found.codons, found.amino_acids) == (
        "missense_variant",
        "p.Ala2Ser",
        "GCA/TCT",
        "A/S",
    )
    assert (found.exon, found.protein) == ("1-2/2", (2, 2))
    assert effect_together(changes[:1], transcript, fetch) is None
    intronic = Change(changes[0].pos + (-5 if reverse else 5), "A", "G")
    assert effect_together([changes[0], intronic], transcript, fetch) is None
