"""Transcripts as gene models have them: their flags, and the one on which a change is described.

In Ensembl's GFF3 the row of a transcript has `tag=basic,Ensembl_canonical,MANE_Select` and `version=5`. A pack's table
has what is needed of them as rows of the kind TX; a pack that was made without them loads all the same, and then
nothing is described on a transcript.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Protocol

from annotator.alleles import Change
from annotator.consequence import Consequence, rank
from annotator.hgvs_c import Fetch, Layout, described
from annotator.rna import RnaReading

#: The flags that we know, the weightiest first: https://www.ensembl.org/info/genome/genebuild/mane.html and
#: https://www.ensembl.org/info/genome/genebuild/canonical.html.
FLAGS = ("MANE_Select", "MANE_Plus_Clinical", "Ensembl_canonical")
#: Its coding sequence begins before the transcript does, so nobody knows where c.1 is.
NO_START = "cds_start_NF"
_LEAST = 10_000  # less severe than any term


@dataclass(frozen=True)
class Model:
    """A transcript. gene: its gene's name; version: "" if it is not told; flags: those of FLAGS that it has, in that
    order; start and end: 1-based and included; coding: the first and the last coding base, None if it codes for
    nothing; exons: as the table has them, such as 101-200,301-400, "" where no base can be numbered.
    """

    gene: str
    name: str
    version: str
    contig: str
    strand: str
    start: int
    end: int
    flags: tuple[str, ...] = ()
    coding: tuple[int, int] | None = None
    exons: str = ""

    @property
    def label(self) -> str:
        """The name with its version, as ENST00000373020.9."""
        ending = f".{self.version}"
        return self.name if not self.version or self.name.endswith(ending) else self.name + ending

    @property
    def flag(self) -> str:
        """The weightiest of its flags, "" if it has none."""
        return self.flags[0] if self.flags else ""

    @property
    def standing(self) -> int:
        """0 for the weightiest flag, and so on; that of no flag is the highest."""
        return FLAGS.index(self.flags[0]) if self.flags else len(FLAGS)

    def describe(self, change: Change, fetch: Fetch) -> tuple[str, str]:
        """(ENST00000373020.9:c.76A>T, MANE_Select): see `describe`. ("", "") where the change reaches out of the
        transcript, and where its bases cannot be numbered.
        """
        text = described(self.layout, change, fetch) if self.layout else ""
        return (f"{self.label}:{text}", self.flag) if text else ("", "")

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Its exons; all of it where they are not told, or do not reach from its start to its end."""
        spans = _spans(self.exons)
        whole = spans and (spans[0][0], spans[-1][1]) == (self.start, self.end)
        return spans if whole else ((self.start, self.end),)

    @cached_property
    def layout(self) -> Layout | None:
        """How its bases are numbered. A contig has thousands of transcripts, and of few this is asked."""
        return Layout(self.strand, _spans(self.exons), self.coding) if self.exons else None


class Coding(Protocol):
    """What is read from here of a coding transcript: annotator.features.Transcript."""

    segments: list[tuple[int, int]]
    phase: int


@dataclass
class ModelReading:
    """Gathers from a GFF3 what RnaReading leaves out. A transcript's row comes before those of its exons."""

    _told: dict[str, tuple[str, tuple[str, ...], bool]] = field(default_factory=dict)
    _strands: dict[str, str] = field(default_factory=dict)
    _scattered: set[str] = field(default_factory=set)  # with exons on both strands

    def transcript(self, identity: str, strand: str, tags: Mapping[str, str]) -> None:
        """tags: of the transcript's own row, decoded."""
        name = identity.removeprefix("transcript:")
        has = set(tags.get("tag", "").split(","))
        flags = tuple(flag for flag in FLAGS if flag in has)
        self._told[name] = "".join(tags.get("version", "").split()), flags, NO_START in has
        self._strands[name] = strand

    def exon(self, parent: str, strand: str) -> None:
        name = parent.removeprefix("transcript:")
        if self._strands.get(name, strand) != strand:
            self._scattered.add(name)

    def found(self, rnas: RnaReading, coding: Mapping[str, Coding]) -> Iterator[Model]:
        """Every transcript that rnas has; coding: those with coding segments, by name."""
        for name, (gene, contig, strand, start, end) in rnas.transcripts.items():
            version, flags, no_start = self._told.get(name, ("", (), False))
            segments = coding.get(name)
            span = (segments.segments[0][0], segments.segments[-1][1]) if segments else None
            exons: list[tuple[int, int]] = []
            if not no_start and name not in self._scattered:
                exons = _exons((start, end), rnas.exons.get(name, []), segments)
            text = ",".join(f"{first}-{last}" for first, last in exons)
            yield Model(gene, name, version, contig, strand, start, end, flags, span, text)


def _exons(span: tuple[int, int], exons: list[tuple[int, int]], coding: Coding | None) -> list[tuple[int, int]]:
    """The exons in genomic order; [] where bases cannot be numbered: the first codon is not whole, so what is in front
    of it is not known, or exons and coding segments do not fit each other. Without rows of exons, the coding segments
    are taken for them, or the whole transcript.
    """
    parts = sorted(exons) or (coding.segments if coding else [span])
    if any(left[1] >= right[0] for left, right in pairwise(parts)):
        return []
    if coding is None:
        return parts
    first, last = coding.segments[0][0], coding.segments[-1][1]
    inside = [(max(start, first), min(end, last)) for start, end in parts if start <= last and end >= first]
    return parts if inside == coding.segments and not coding.phase else []


def row(model: Model) -> str:
    """As a row of a pack's table: TX, start, end, strand, gene, name, version, flags, coding span, exons."""
    coding = f"{model.coding[0]}-{model.coding[1]}" if model.coding else ""
    cells = (str(model.start), str(model.end), model.strand, model.gene, model.name, model.version)
    return "\t".join(("TX", *cells, ",".join(model.flags), coding, model.exons))


def of_row(contig: str, text: str) -> Model:
    """A row of the table, whole."""
    _, start, end, strand, gene, name, version, flags, coding, exons = text.split("\t")
    known = tuple(flags.split(",")) if flags else ()
    span = _span(coding) if coding else None
    return Model(gene, name, version, contig, strand, int(start), int(end), known, span, exons)


def _spans(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(_span(one) for one in text.split(",")) if text else ()


def _span(text: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    return int(start), int(end)


class ModelLookup(Protocol):
    """annotator.features.FeatureLookup has it."""

    def models(self, contig: str, start: int, end: int) -> list[Model]: ...


def chosen(models: Sequence[Model], answers: Sequence[Consequence]) -> Model | None:
    """The transcript that matters most of those that a change touches: with MANE Select, else MANE Plus Clinical, else
    Ensembl's canonical one, else any; of several, the one for which csq has the most severe answer, then one that codes
    for a protein, then the first by name. None if there are none.

    csq names no transcript for an intron: such an answer is taken for all of the gene's that it does not name.
    """
    ordered = [(model.standing, model) for model in models]
    least = min((standing for standing, _ in ordered), default=0)
    rivals = [model for standing, model in ordered if standing == least]
    if len(rivals) < 2:  # nearly all genes have one transcript with the weightiest flag
        return rivals[0] if rivals else None
    severity: dict[str, int] = {}
    for answer in answers:
        key = answer.transcript if answer.transcript != answer.gene else f"gene:{answer.gene}"
        severity[key] = min(rank(answer.term), severity.get(key, _LEAST))

    def order(model: Model) -> tuple[int, bool, str]:
        of_gene = severity.get(f"gene:{model.gene}", _LEAST)
        return severity.get(model.name, of_gene), model.coding is None, model.name

    return min(rivals, key=order)


def edges(models: Iterable[Model]) -> set[int]:
    """The positions at which `chosen` may come to choose another transcript: from each to the one in front of the next,
    it chooses the same for the same answers, as long as these are all models of the contig.
    """
    coming = sorted(models, key=lambda model: model.start, reverse=True)
    found: set[int] = set()
    present: list[tuple[int, int, Model]] = []  # standing, end
    before: list[Model] = []
    for cut in sorted({cut for model in coming for cut in (model.start, model.end + 1)}):
        present = [one for one in present if one[1] >= cut]
        while coming and coming[-1].start == cut:
            model = coming.pop()
            present.append((model.standing, model.end, model))
        best = min((standing for standing, _, _ in present), default=0)
        rivals = [model for standing, _, model in present if standing == best]
        if rivals != before:
            found.add(cut)
        before = rivals
    return found


def describe(
    features: ModelLookup, fetch: Fetch, contig: str, change: Change, answers: Sequence[Consequence]
) -> tuple[str, str]:
    """Describe a change on the transcript that matters most: (ENST00000373020.9:c.76A>T, MANE_Select).

    fetch: of the contig. The latter is the transcript's weightiest flag, "" without any. ("", "") where the change
    touches no transcript, and where the chosen one does not describe it: see Model.describe.
    """
    model = chosen(features.models(contig, *change.touched), answers)
    return model.describe(change, fetch) if model else ("", "")
