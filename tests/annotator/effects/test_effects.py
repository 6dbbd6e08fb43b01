"""`Effects` says what `effect` says, and keeps the coding sequences that it read last."""

import random

from annotator.effects.allele import Change
from annotator.effects.effect import Effects, coding_sequence, effect
from annotator.effects.transcript import Transcript
from tests.support.random_genes import random_change, random_gene

GENOME = "ATG" + "AAAGCT" * 20 + "TAA"
CHANGES = [Change(5, "A", "T"), Change(5, "A", ""), Change(8, "", "GC"), Change(7, "GCT", "AAA")]


def model(name: str) -> Transcript:
    return Transcript(name, "G", "protein_coding", "+", ((1, len(GENOME)),), (1, len(GENOME)))


class Bases:
    """Bases that count how often all of them are read."""

    def __init__(self) -> None:
        self.whole = 0

    def fetch(self, start: int, end: int) -> str:
        self.whole += (start, end) == (1, len(GENOME))
        return GENOME[start - 1 : end]


def test_both_say_the_same() -> None:
    rng = random.Random(1)  # noqa: S311 - nothing secret
    effects = Effects(2_000)
    for _ in range(20):
        gene, contig = random_gene(rng)
        one, other = (
            Transcript("T.1", "G", "protein_coding", gene.strand, gene.exons, gene.coding, genetic_code=gene.code)
            for _ in range(2)
        )

        def fetch(start: int, end: int, contig: str = contig) -> str:
            return contig[start - 1 : end]

        for change in [random_change(rng, gene, contig) for _ in range(20)]:
            assert effects.of(change, one, fetch) == effect(change, one, fetch) == effects.of(change, other, fetch)


def test_a_coding_sequence_is_read_once() -> None:
    transcript, bases, effects = model("T.1"), Bases(), Effects()
    for change in CHANGES:
        effects.of(change, transcript, bases.fetch)

    assert bases.whole == 1


def test_one_coding_sequence_is_kept_however_long_it_is() -> None:
    transcript, bases, effects = model("T.1"), Bases(), Effects(1)
    for change in CHANGES:
        effects.of(change, transcript, bases.fetch)

    assert bases.whole == 1


def test_transcripts_of_one_name_are_kept_apart() -> None:
    bases, effects = Bases(), Effects()
    for transcript in (model("T.1"), model("T.1")):
        effects.of(CHANGES[0], transcript, bases.fetch)

    assert bases.whole == 2


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    bases, models = Bases(), [model(f"T.{number}") for number in range(4)]
    size = coding_sequence(models[0], bases.fetch).size
    effects = Effects(2 * size)
    bases.whole = 0
    for number in (0, 1, 0, 2, 0):
        effects.of(CHANGES[0], models[number], bases.fetch)
    assert bases.whole == 3

    effects.of(CHANGES[0], models[1], bases.fetch)
    assert bases.whole == 4
