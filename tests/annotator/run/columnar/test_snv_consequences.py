"""Consequences of SNVs in columns are those of `effects.consequences`, with the texts that are written of them."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from annotator.effects.allele import Change, shortest
from annotator.effects.consequences import Choice, consequences, without_hgvs_c
from annotator.effects.effect import Effect, effect
from annotator.effects.hgvs_protein import predicted
from annotator.effects.hgvs_transcript import Fetch
from annotator.effects.terms import IMPACT
from annotator.effects.transcript import FLAGS, Transcript
from annotator.reference.gene_models import InMemory
from annotator.run.columnar.snv_consequences import SnvDescriber
from annotator.run.columnar.texts import Texts
from annotator.run.columnar.transcript_columns import transcript_columns
from annotator.run.composer import summary_texts
from tests.support.genome import WHOLE
from tests.support.snvs import columns_of, random_transcript, substitutions

MARGIN = 20


def gene_models(rng: random.Random) -> tuple[list[Transcript], str]:
    """Return transcripts that overlap, of genes that they share and with flags of every weight, and their contig."""
    first, contig = random_transcript(rng)
    found = [first]
    for number in range(rng.randrange(6)):
        if rng.random() < 0.5:
            other = replace(found[-1], name=f"T {rng.randrange(4)}.{number}")
        else:
            exons = tuple(exon for exon in first.exons if rng.random() < 0.8) or first.exons
            other = replace(first, name=f"N{number}", exons=exons, coding=None, biotype="lncRNA", phase=0)
        flags = tuple(flag for flag in FLAGS if rng.random() < 0.3)
        gene, protein = rng.choice(["G;1", "G&2", "other"]), rng.choice(["", "P=1"])
        found.append(replace(other, gene=gene, protein_id=protein, flags=flags))
    models = InMemory({"1": found})
    return models.near("1", WHOLE, WHOLE).transcripts, contig


def in_parentheses(change: Change, transcript: Transcript, fetch: Fetch) -> Effect | None:
    """Return the effect of a change, its protein described as predicted."""
    found = effect(change, transcript, fetch)
    return found and replace(found, hgvs_p=predicted(found.hgvs_p))


def texts_of(texts: Texts, kind: int) -> list[str]:
    """Return the texts of a kind."""
    bounds = texts.begins[5 * kind : 5 * kind + 6].tolist()
    return [texts.letters[a:b].tobytes().decode("latin-1") for a, b in pairwise(bounds)]


def entries_of(texts: Texts, transcripts: Sequence[Transcript], kind: int) -> list[tuple[str, str, Transcript | None]]:
    """Return the entries of a kind that are written: the fields before HGVSc and after it, and the transcript."""
    found = []
    for entry in range(texts.entries[kind], texts.entries[kind + 1]):
        begin, middle, after, end = texts.entry_begins[3 * entry : 3 * entry + 4].tolist()
        on = int(texts.transcript[entry])
        fields = (texts.entry_letters[a:b].tobytes().decode("latin-1") for a, b in ((begin, middle), (after, end)))
        if begin < middle:
            found.append((*fields, transcripts[on] if on >= 0 else None))
    return found


@pytest.mark.parametrize("choice", Choice)
@pytest.mark.parametrize(("mitochondrial", "parentheses"), [(False, False), (False, True), (True, False)])
def test_snvs_on_overlapping_transcripts_have_the_consequences_that_they_have_one_by_one(
    choice: Choice, mitochondrial: bool, parentheses: bool
) -> None:
    rng = random.Random(f"{choice}{mitochondrial}")  # noqa: S311 - nothing secret
    described = several = 0
    compute = in_parentheses if parentheses else effect
    for _ in range(40):
        transcripts, contig = gene_models(rng)
        models = InMemory({"1": transcripts})
        places = range(1, len(contig) + 1) if len(contig) < 400 else rng.sample(range(1, len(contig) + 1), 300)
        rows = [row for at in sorted(places) for row in substitutions(contig, at, at)]
        lines, window, alleles, fetch = columns_of(contig, rows)
        describer = SnvDescriber(
            transcripts,
            transcript_columns(transcripts),
            choice,
            fetch,
            is_mitochondrial=mitochondrial,
            predicted=parentheses,
        )
        chosen = np.arange(0, len(rows), 2)
        found = describer.describe(alleles, chosen, window, lines.pos)

        assert set(found.alleles.tolist()) <= set(chosen.tolist())
        genes: Counter[str] = Counter()
        for kind, number in enumerate(found.alleles.tolist()):
            plain = consequences("1", shortest(*rows[number]), models, fetch, compute=compute)
            plain = without_hgvs_c(plain) if mitochondrial else plain
            genes.update(plain.genes)
            assert IMPACT.keys() >= {plain.term}
            assert list(IMPACT)[found.rank[kind]] == plain.term
            gene, term, _, flag, protein = summary_texts(plain)
            assert plain.picked is not None
            picked, _ = plain.effects[plain.picked]
            assert texts_of(found.texts, kind) == [gene, term, "", flag or picked.flag, protein]
            assert found.texts.picked[kind] == plain.picked
            pick = found.texts.transcript[found.texts.entries[kind] + plain.picked]
            is_numbered = picked.is_numbered and not mitochondrial
            assert (found.transcripts[pick] if pick >= 0 else None) is (picked if is_numbered else None)
            expected = [
                (before, after, one if one.is_numbered and not mitochondrial else None)
                for (before, _, after), one in zip(
                    plain.entries(choice), (plain.effects[at][0] for at in plain.chosen(choice)), strict=True
                )
            ]
            assert entries_of(found.texts, found.transcripts, kind) == expected
            several += len(plain.genes) > 1
        assert dict(found.genes) == dict(genes)
        described += len(found.alleles)
    assert described > 3_000
    assert several > 300
