"""Changes on small genes whose right answer was worked out by hand, each on both strands.

`cases/cases.tsv` has a row for each: its kind, the allele, the most severe term (several where the Sequence Ontology
leaves a choice) and the description of the protein, "" where only the term is told. `gff_without_utr_rows` and
`gff_wrong_phase` are gene models that lack rows or have phases that do not fit.
"""

from functools import cache
from pathlib import Path

import pytest

from annotator.effects.allele import shortest
from annotator.effects.effect import Effect, effect
from annotator.effects.transcript import Transcript
from tests.support import gene_models

FOLDER = Path(__file__).parent / "cases"
CASES = [tuple(line.split("\t")) for line in gene_models.lines(FOLDER / "cases.tsv") if not line.startswith("#")]
PACK = Path(__file__).parents[3] / "annotator" / "reference" / "packs" / "rCRS"


@cache
def genes() -> tuple[dict[str, str], dict[str, list[Transcript]]]:
    bases = gene_models.read_fasta(FOLDER / "genome.fa") | gene_models.read_fasta(next(PACK.glob("*.fa")))
    own = gene_models.read_transcripts(FOLDER / "genes.gff3")
    return bases, own | gene_models.read_transcripts(next(PACK.glob("*.gff3")), genetic_code=2)


def effects(contig: str, pos: int, ref: str, alt: str) -> list[Effect]:
    bases, transcripts = genes()
    sequence = bases[contig]
    found = (
        effect(shortest(pos, ref, alt), one, lambda start, end: sequence[start - 1 : end])
        for one in transcripts[contig]
    )
    return [one for one in found if one]


@pytest.mark.parametrize(
    ("kind", "contig", "pos", "ref", "alt", "terms", "hgvs_p"),
    CASES,
    ids=[f"{case[0]}-{case[1].partition('.')[2] or case[1]}-{case[2]}-{case[3]}-{case[4]}" for case in CASES],
)
def test_a_change_is_what_was_worked_out(
    kind: str, contig: str, pos: str, ref: str, alt: str, terms: str, hgvs_p: str
) -> None:
    found = [(one.terms[0], one.hgvs_p) for one in effects(contig, int(pos), ref, alt)]

    assert any(term in terms.split("|") and protein == hgvs_p for term, protein in found), found
