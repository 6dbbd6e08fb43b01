"""Random changes on random genes: the annotator and a plain implementation of the definitions say the same."""

import os
import random

import pytest

from annotator.effects.effect import effect
from tests.annotator.effects import plain
from tests.support.random_genes import bases_of, random_change, random_gene, transcript_of

#: Changes that are tried; each is a chance of its own to find a difference.
COUNT = 200_000 if os.environ.get("THOROUGH") else 6_000
PARTS = 12


@pytest.mark.parametrize("part", range(PARTS))
def test_both_say_the_same(part: int) -> None:
    rng = random.Random(part)  # noqa: S311 - nothing secret
    for _ in range(COUNT // PARTS // 20):
        gene, contig = random_gene(rng)
        transcript = transcript_of(gene)
        reference = plain.Transcript(gene, contig)
        for _ in range(20):
            change = random_change(rng, gene, contig)
            found = effect(change, transcript, bases_of(contig))
            assert found is not None
            assert (set(found.terms), found.hgvs_p) == reference.effect(change.pos, change.ref, change.alt), (
                gene,
                contig,
                change,
            )
