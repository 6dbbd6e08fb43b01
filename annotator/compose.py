"""Puts together what is known of each allele, and writes it into the record's INFO."""

import re
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import NamedTuple

from annotator import consequence, hgvs, tags, transcripts
from annotator.alleles import Change, Kind, shortest
from annotator.consequence import Consequence, rank
from annotator.known import KnownVariant
from annotator.preflight.records import Record
from annotator.references import Reference
from annotator.sources.matching import Fetch, Variant, normal
from annotator.transcripts import Model

#: Symbolic alleles that stand for "any other allele" and not for a change.
ANY_ALLELE = {"<NON_REF>", "<*>", "<X>"}
#: The last field of an entry of BCSQ.
_CHANGE = re.compile(r"\|[0-9]+[ACGT]+>[ACGT]+\b")
#: Alleles whose description is kept, for files that have one allele in many records.
REMEMBERED = 8192
_PHASED = list(tags.DESCRIPTIONS).index(tags.PHASED)


@dataclass(slots=True)
class Allele:
    """One ALT allele and what was found of it. type is that of Change, or "other" for what is not written in bases."""

    alt: str
    kind: Kind
    type: str = "other"
    change: Change | None = None
    term: str = ""  # Sequence Ontology; "" where nothing was predicted
    genes: list[str] = field(default_factory=list)
    hgvs_g: str = ""
    on_transcript: tuple[str, str] = ("", "")  # its c. or n. description, and the transcript's flag
    proteins: list[tuple[str, str]] = field(default_factory=list)  # gene, p. description
    known: KnownVariant | None = None
    bcsq: str = ""  # csq's own answer
    values: tuple[str, ...] = ("",) * len(tags.DESCRIPTIONS)  # of our INFO tags, in their order, "" for none

    @property
    def counts(self) -> bool:
        """False for what is no variant allele: ".", "*" and the placeholders of gVCF."""
        return self.kind not in (Kind.MISSING, Kind.OVERLAPPING) and self.alt not in ANY_ALLELE


class Found(NamedTuple):
    """What an allele does: the genes it touches, its most severe term, the proteins changed (gene, p.), and the
    transcript that matters most of those that it touches.
    """

    genes: list[str]
    term: str
    proteins: list[tuple[str, str]]
    model: Model | None = None

    @property
    def gene(self) -> str:
        """GAS_GENE, not escaped."""
        return "&".join(self.genes)

    @property
    def protein(self) -> str:
        """GAS_HGVSP, not escaped."""
        return "&".join(f"{gene}:{text}" for gene, text in self.proteins) if self.proteins else ""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known of a change before csq has answered. models: the transcripts that it touches; likely: the one of
    them that would be chosen if csq had nothing to say; on_transcript: see Allele, of this one.
    """

    change: Change
    hgvs_g: str
    models: Sequence[Model]
    likely: Model | None
    on_transcript: tuple[str, str]


def respelled(bcsq: str, written: Variant) -> str:
    """csq's answer to an allele's normal form, with the change spelled as the file does."""
    pos, ref, alt = written
    return _CHANGE.sub(f"|{pos}{ref}>{alt}", bcsq)


def predictable(record: Record) -> list[str]:
    """Return the ALT alleles that csq can say something about, in order: those written in bases."""
    return [
        alt for alt, kind in zip(record.alts, record.kinds, strict=True) if kind is Kind.SEQUENCE and alt != record.ref
    ]


def normal_forms(records: Sequence[Record], fetch: Fetch) -> tuple[list[Variant], list[int]]:
    """Return the normal form of each of predictable(record), of all the records, and the number of its record.

    It is by this form that csq, the genes and the sources are asked: what they say must not hang on the way in which a
    file writes a change, and csq's answers do.
    """
    variants: list[Variant] = []
    owners: list[int] = []
    for number, record in enumerate(records):
        for alt in predictable(record):
            variants.append(normal(record.contig, record.pos, record.ref, alt, fetch))
            owners.append(number)
    return variants, owners


class Composer:
    """Describes alleles on one reference."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._features = reference.features
        self._circular = {one.name for one in reference.contigs if one.circular}
        self._sequence = reference.sequence
        self._known = reference.known
        # What is remembered must not keep this object: else both would stay until Python looks for garbage in cycles.
        own = weakref.proxy(self)
        self._described = lru_cache(maxsize=REMEMBERED)(partial(Composer._describe, own))
        self._foreseen = lru_cache(maxsize=REMEMBERED)(partial(Composer._foresee, own))

    def alleles(
        self,
        record: Record,
        answers: Iterable[tuple[Variant, str]],
        phased: Mapping[Variant, str] = MappingProxyType({}),
    ) -> list[Allele]:
        """Describe the ALT alleles of a record; answers: the normal form, and csq's answer to it, of each of
        predictable(record); phased: what GAS_PHASED has for normal forms, escaped.
        """
        given = iter(answers)
        found = []
        for alt, kind in zip(record.alts, record.kinds, strict=True):
            if kind is Kind.SEQUENCE and alt != record.ref:
                variant, bcsq = next(given)
                allele = self._described(record.contig, variant, alt, bcsq)
                if text := phased.get(variant):
                    allele = replace(allele, values=(*allele.values[:_PHASED], text, *allele.values[_PHASED + 1 :]))
                written = record.pos, record.ref, alt
                found.append(allele if variant == written else replace(allele, bcsq=respelled(bcsq, written)))
                continue
            # REF repeated as ALT is no more of an allele than "." is.
            allele = Allele(alt, Kind.MISSING if alt == record.ref else kind)
            if allele.counts:
                end = record.end if kind is Kind.SYMBOLIC else record.pos + len(record.ref) - 1
                allele.genes = self._features.names(record.contig, record.pos, end)
                allele.values = _values(allele)
            found.append(allele)
        return found

    def prepare(self, contig: str, variants: Iterable[Variant]) -> None:
        """Find out what can be known of normal forms before csq has answered."""
        for variant in variants:
            self._foreseen(contig, variant)

    def _foresee(self, contig: str, variant: Variant) -> Foreseen:
        change = shortest(*variant)
        hgvs_g = self.genomic(contig, change)
        models = self.models(contig, change)
        likely = transcripts.chosen(models, ())
        on_transcript = likely.describe(change, partial(self._sequence.fetch, contig)) if likely else ("", "")
        return Foreseen(change, hgvs_g, models, likely, on_transcript)

    def models(self, contig: str, change: Change) -> Sequence[Model]:
        """The transcripts that a change touches."""
        # Of mitochondrial genes HGVS has m. descriptions alone.
        prefix = self._reference.hgvs_prefix_of(contig)
        return () if prefix == "m" else self._features.models(contig, *change.touched)

    def _describe(self, contig: str, variant: Variant, alt: str, bcsq: str) -> Allele:
        foreseen = self._foreseen(contig, variant)
        change = foreseen.change
        allele = Allele(alt, Kind.SEQUENCE, change.type, change, bcsq=bcsq, hgvs_g=foreseen.hgvs_g)
        found = self.found(contig, change, bcsq, foreseen.models)
        allele.genes, allele.term, allele.proteins = found.genes, found.term, found.proteins
        if found.model is foreseen.likely:
            allele.on_transcript = foreseen.on_transcript
        elif found.model:
            allele.on_transcript = found.model.describe(change, partial(self._sequence.fetch, contig))
        allele.known = self._known.get(contig, allele.hgvs_g)
        allele.values = _values(allele)
        return allele

    def genomic(self, contig: str, change: Change) -> str:
        """HGVS on the genome."""
        return hgvs.genomic(change, contig, self._sequence, self._reference.hgvs_prefix_of(contig))

    def found(self, contig: str, change: Change, bcsq: str, models: Sequence[Model] | None = None) -> Found:
        """What csq's answer says of a change, with what else is known of the place; models: the transcripts that it
        touches, if they are known already.
        """
        start, end = change.touched
        answers = tuple(self._placed(answer, contig, start, end) for answer in consequence.parse(bcsq))
        genes = dict.fromkeys(answer.gene for answer in answers if answer.gene)
        term = consequence.worst(
            answers,
            partial(self._features.in_incomplete_codon, contig, change.pos, change.end),
            partial(self._beside, contig, start, end),
        )
        proteins = []
        for answer in answers:
            if answer.amino_change or "start_lost" in answer.words:
                protein_of = partial(self._reference.protein, answer.transcript, contig)
                text = hgvs.protein(answer.amino_change, answer.words, protein_of)
                if text:
                    proteins.append((answer.gene, text))
        model = transcripts.chosen(self.models(contig, change) if models is None else models, answers)
        return Found(list(genes) or self._features.names(contig, start, end), term, proteins, model)

    def _placed(self, answer: Consequence, contig: str, start: int, end: int) -> Consequence:
        """csq says of a transcript that codes for nothing that it is touched, and of one that should code but has no
        coding part that it is an intron; here is said what it is.
        """
        if answer.words not in {"non_coding", "intron"}:
            return answer
        word = self._features.in_rna(contig, answer.gene, start, end)
        if not word or (answer.words == "intron" and rank(consequence.TERMS[word]) > rank(answer.term)):
            return answer
        return Consequence(consequence.TERMS[word], *answer[1:])

    def _beside(self, contig: str, start: int, end: int) -> str:
        """Where that lies of which csq says nothing: it leaves out genes of many kinds, such as tRNA."""
        if word := self._features.in_rna(contig, "", start, end):
            return word
        # A mitochondrion's genes lie so close that all of it would be upstream of one.
        return "intergenic" if contig in self._circular else self._features.beside(contig, start, end)

    @staticmethod
    def info(info: str, alleles: list[Allele], added: str = "") -> str:
        """Return a record's INFO column, "" for none, with everything added to it; added is what sources say."""
        parts = [info] if info else []
        if len(alleles) == 1:
            (allele,) = alleles
            if allele.bcsq:
                parts.append(f"{tags.BCSQ}={allele.bcsq}")
            parts += [f"{tag}={value}" for tag, value in zip(tags.DESCRIPTIONS, allele.values, strict=True) if value]
        else:
            # What csq says of a gene and not of an allele comes once for each: it is written once.
            entries = dict.fromkeys(entry for allele in alleles if allele.bcsq for entry in allele.bcsq.split(","))
            if entries:
                parts.append(f"{tags.BCSQ}={','.join(entries)}")
            for tag, values in zip(tags.DESCRIPTIONS, zip(*(one.values for one in alleles), strict=True), strict=True):
                if any(values):
                    parts.append(f"{tag}={','.join(value or '.' for value in values)}")
        if added:
            parts.append(added)
        return ";".join(parts) or "."


def _values(allele: Allele) -> tuple[str, ...]:
    known = allele.known
    values = (
        "&".join(allele.genes),
        allele.term,
        allele.hgvs_g,
        *allele.on_transcript,
        "&".join([f"{gene}:{text}" for gene, text in allele.proteins]),
        "",  # GAS_PHASED hangs on other alleles
        known.disease.replace("; ", "&") if known else "",
        known.source.replace("; ", "&") if known else "",
    )
    together = "".join(values)  # nearly always there is nothing to escape
    return values if tags.escape(together) == together else tuple(map(tags.escape, values))
