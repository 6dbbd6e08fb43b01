"""The effects of an allele on all transcripts that it touches, and their summary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from annotator.effects import csq_field
from annotator.effects.allele import Change
from annotator.effects.effect import Effect, effect
from annotator.effects.genes import GeneModels, Nearby
from annotator.effects.hgvs_transcript import Fetch
from annotator.effects.terms import IMPACT, rank
from annotator.effects.transcript import Transcript

INTERGENIC = "intergenic_variant"


class Choice(StrEnum):
    """The transcripts that get an entry in INFO/CSQ."""

    ALL = "all"
    CODING = "coding"  # those that code for a protein
    ONE = "one"  # the picked transcript


@dataclass(frozen=True, slots=True)
class Consequences:
    """The effects of an allele on the transcripts that it touches.

    effects: each transcript with the effect on it, in the order of the gene models.
    picked: the index in `effects` of the picked transcript; None if there are no effects. See `picked`.
    genes: the genes of these transcripts; if there are none, the named regions.
    nearby: the gene near an allele that touches no transcript; None if there is none.
    """

    effects: tuple[tuple[Transcript, Effect], ...]
    picked: int | None
    genes: tuple[str, ...]
    nearby: Nearby | None = None

    @property
    def term(self) -> str:
        """The most severe term."""
        if self.effects:
            return min((effect.terms[0] for _, effect in self.effects), key=rank)
        return self.nearby.term if self.nearby else INTERGENIC

    @property
    def proteins(self) -> list[tuple[str, str]]:
        """The changed proteins, as gene and HGVS p. description, each pair once."""
        pairs = ((transcript.gene, effect.hgvs_p) for transcript, effect in self.effects if effect.hgvs_p)
        return list(dict.fromkeys(pairs))

    @property
    def hgvs_c(self) -> tuple[str, str]:
        """The description on the picked transcript, and its flag; two empty texts if there is none."""
        if self.picked is None:
            return "", ""
        transcript, effect = self.effects[self.picked]
        return (f"{transcript.name}:{effect.hgvs_c}", transcript.flag) if effect.hgvs_c else ("", "")

    def chosen(self, choice: Choice) -> list[int]:
        """Return the indexes in `effects` of the transcripts that get an entry."""
        if choice is Choice.ONE:
            return [] if self.picked is None else [self.picked]
        return [
            at
            for at, (transcript, _) in enumerate(self.effects)
            if choice is Choice.ALL or transcript.coding is not None
        ]

    def entries(self, choice: Choice) -> list[tuple[str, str, str]]:
        """Return the entries of INFO/CSQ: the fields before HGVSc, HGVSc, and the fields after it up to MANE."""
        if not self.effects:
            return self.entries_outside()
        return [
            (
                csq_field.before_hgvs_c(effect, transcript),
                csq_field.hgvs_c(effect, transcript),
                csq_field.after_hgvs_c(effect, transcript, is_picked=at == self.picked),
            )
            for at in self.chosen(choice)
            for transcript, effect in [self.effects[at]]
        ]

    def entries_outside(self) -> list[tuple[str, str, str]]:
        """Return the entry of an allele that touches no transcript, with DISTANCE in place of HGVSc."""
        near, term = self.nearby, self.term
        if near is None:
            return [csq_field.outside_genes(term, IMPACT[term], "", "", None, "")]
        gene = near.gene
        return [csq_field.outside_genes(term, IMPACT[term], gene.name, gene.gene_id, near.distance, gene.strand)]


def consequences(
    contig: str,
    change: Change,
    models: GeneModels,
    fetch: Fetch,
    *,
    compute: Callable[[Change, Transcript, Fetch], Effect | None] = effect,
) -> Consequences:
    """Return the effects of a change on all transcripts that it touches.

    Args:
        contig: The reference's name of the contig.
        change: In normal form.
        models: The gene models of the reference.
        fetch: Returns bases of the contig.
        compute: `effect`, or a function with the same results.
    """
    first, last = change.touched
    found = [
        (transcript, one)
        for transcript in models.transcripts(contig, first, last)
        if (one := compute(change, transcript, fetch)) is not None
    ]
    if found:
        return of_effects(found)
    return outside_transcripts(contig, first, last, models)


def outside_transcripts(contig: str, first: int, last: int, models: GeneModels) -> Consequences:
    """Return the consequences of an allele from `first` to `last` that touches no transcript; see `consequences`."""
    return Consequences((), None, tuple(models.regions(contig, first, last)), models.nearby(contig, first, last))


def of_effects(effects: Sequence[tuple[Transcript, Effect]]) -> Consequences:
    """Return the consequences of an allele from one or more effects on transcripts."""
    return Consequences(tuple(effects), picked(effects), tuple(dict.fromkeys(one.gene for one, _ in effects)))


def picked(effects: Sequence[tuple[Transcript, Effect]]) -> int:
    """Return the index of the transcript that is picked to describe an allele.

    It is the transcript with MANE Select, else MANE Plus Clinical, else Ensembl_canonical, else any; among several, the
    one with the most severe term, then one that codes for a protein, then the first by name.
    """

    def order(at: int) -> tuple[int, int, bool, str]:
        transcript, one = effects[at]
        return transcript.standing, rank(one.terms[0]), transcript.coding is None, transcript.name

    return min(range(len(effects)), key=order)


def without_hgvs_c(found: Consequences) -> Consequences:
    """Return the same without descriptions on transcripts.

    HGVS describes mitochondrial variants on the genome only.
    """
    return replace(found, effects=tuple((one, replace(told, hgvs_c="")) for one, told in found.effects))
