"""Effects in columns are those of `effects.effect`, to the byte of an entry of INFO/CSQ, and contradict nothing."""

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from annotator.effects import csq_field
from annotator.effects.allele import shortest
from annotator.effects.contradictions import contradiction
from annotator.effects.effect import Effect, Effects
from annotator.effects.terms import IMPACT
from annotator.effects.transcript import Transcript
from annotator.run.columnar import numbering
from annotator.run.columnar.csq_writer import CsqWriter
from annotator.run.columnar.snv_effects import Pairs, snv_effects
from annotator.run.columnar.term_masks import mask_of, ranks_of, terms_of
from annotator.run.columnar.transcript_columns import transcript_columns
from tests.support import gene_models
from tests.support.snvs import Make, Row, columns_of, random_transcript, substitutions, whole_gene
from tests.support.vep_differences import FOLDER, references

MARGIN = 20


class Seen(NamedTuple):
    """Of pairs with an SNV: how many there are, and how many the columns tell; and the terms of these."""

    pairs: int
    told: int
    terms: frozenset[str]


def compared(contig: str, transcripts: Sequence[Transcript], rows: Iterable[Row]) -> Seen:
    """Ask about all pairs of alleles and transcripts in both ways."""
    rows = sorted(set(rows))
    lines, around, alleles, fetch = columns_of(contig, rows)
    changes = [shortest(*rows[line]) for line in alleles.line.tolist()]
    touched = [
        (number, model)
        for number, change in enumerate(changes)
        for model, one in enumerate(transcripts)
        if change.touched[0] <= one.end and change.touched[1] >= one.start
    ]
    if not touched:
        return Seen(0, 0, frozenset())
    pairs = Pairs(*(np.array(column, np.int64) for column in zip(*touched, strict=True)))
    picked = np.arange(len(touched)) % 3 == 0
    columns = transcript_columns(transcripts)
    found = snv_effects(alleles, pairs, columns, around, lines.pos, fetch)
    letters, begins = CsqWriter(transcripts, columns).write(alleles, pairs, found, picked, ~found.left)
    numbered = [one.is_numbered for one in transcripts]
    on = np.array([model if numbered[model] else -1 for _, model in touched], np.int64)
    hgvs_c = numbering.described(alleles, pairs.allele, on, transcripts, columns, fetch)

    effects, singles, terms = Effects(), 0, set()
    for pair, (number, model) in enumerate(touched):
        change, transcript = changes[number], transcripts[model]
        singles += change.type == "SNV"
        if found.left[pair]:
            assert begins[3 * pair] == begins[3 * pair + 3]
            continue
        plain = effects.of(change, transcript, fetch)
        assert plain is not None
        assert terms_of(int(found.mask[pair])) == plain.terms, (change, transcript)
        bounds = pairwise(begins[3 * pair : 3 * pair + 4].tolist())
        before, between, after = (letters[start:stop].tobytes().decode("latin-1") for start, stop in bounds)
        assert (before, between, after) == (
            csq_field.before_hgvs_c(plain, transcript),
            "",
            csq_field.after_hgvs_c(plain, transcript, is_picked=bool(picked[pair])),
        ), (change, transcript)
        place = hgvs_c.letters[hgvs_c.start[pair] : hgvs_c.stop[pair]].tobytes().decode("latin-1")
        assert not contradiction(read_back(before, place, after), change), (before, place, after)
        terms.update(plain.terms)
    return Seen(singles, len(touched) - int(found.left.sum()), frozenset(terms))


def read_back(before: str, hgvs_c: str, after: str) -> Effect:
    """Return what the fields of an entry say, as far as it can contradict itself."""
    terms, *_, exon, _ = before.split("|")
    hgvs_p, *_ = after.split("|")
    return Effect(
        tuple(terms.split("&")),
        hgvs_c.rpartition(":")[2],
        hgvs_p.rpartition(":")[2].replace("%3D", "="),
        exon=exon,
    )


@pytest.mark.parametrize("make", [whole_gene, random_transcript])
def test_snvs_around_exons_have_the_effects_that_they_have_one_by_one(make: Make) -> None:
    rng = random.Random(1)  # noqa: S311 - nothing secret
    seen = []
    for _ in range(60):
        transcript, contig = make(rng)
        for first, last in transcript.exons:
            seen.append(compared(contig, [transcript], substitutions(contig, first - MARGIN, last + MARGIN)))

    pairs = sum(one.pairs for one in seen)
    assert pairs > 10_000
    assert sum(one.told for one in seen) >= 0.95 * pairs


def test_the_random_transcripts_have_all_terms_of_snvs() -> None:
    rng = random.Random(2)  # noqa: S311 - nothing secret
    terms = set()
    for make in [whole_gene, random_transcript] * 20:
        transcript, contig = make(rng)
        first, last = transcript.exons[len(transcript.exons) // 2]
        terms |= compared(contig, [transcript], substitutions(contig, first - MARGIN, last + MARGIN)).terms

    assert len(terms) == 21


@pytest.mark.parametrize("name", ["human", "other", "mt"])
def test_alleles_on_real_transcripts_have_the_effects_that_they_have_one_by_one(name: str) -> None:
    bases, transcripts = references(name)
    rows: dict[str, list[Row]] = {}
    for line in gene_models.lines(FOLDER / f"{name}.vep.tsv.gz"):
        if not line.startswith("#"):
            contig, pos, ref, alt, *_ = line.split("\t")
            rows.setdefault(contig, []).append((int(pos), ref, alt))
    seen = [compared(bases[contig], transcripts.get(contig, []), found) for contig, found in rows.items()]

    pairs = sum(one.pairs for one in seen)
    assert pairs > 1_000
    assert sum(one.told for one in seen) >= 0.95 * pairs


def test_a_mask_has_a_bit_for_each_term() -> None:
    assert all(terms_of(mask_of([term])) == (term,) for term in IMPACT)
    masks = np.array([mask_of([term, "intergenic_variant"]) for term in IMPACT], np.int64)
    assert ranks_of(masks).tolist() == list(range(len(IMPACT)))


def test_a_transcript_whose_parts_do_not_fit_is_left() -> None:
    contig = "ATG" + "ACG" * 30
    transcript = Transcript("T.1", "G", "protein_coding", "+", ((1, 90),), (1, 90), is_consistent=False)

    assert compared(contig, [transcript], substitutions(contig, 1, 90))[:2] == (270, 0)


def test_what_is_no_snv_is_left() -> None:
    contig = "ATG" + "ACG" * 30
    transcript = Transcript("T.1", "G", "protein_coding", "+", ((1, 90),), (1, 90))
    rows = [(5, "CG", "GA"), (5, "C", "CT"), (5, "CG", "C")]

    assert compared(contig, [transcript], rows)[:2] == (0, 0)
