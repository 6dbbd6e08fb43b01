"""Describe the alleles of a record, and write the annotations into its INFO column."""

import logging
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from types import MappingProxyType

from annotator.effects import csq_field, hgvs_genomic, hgvs_protein, info_tags
from annotator.effects.allele import ANY_ALLELE, Change, Kind, shortest
from annotator.effects.consequences import (
    Choice,
    Consequences,
    consequences,
    of_effects,
    outside_transcripts,
    without_hgvs_c,
)
from annotator.effects.contradictions import contradiction
from annotator.effects.effect import Effect, Effects
from annotator.effects.hgvs_transcript import Fetch as FetchOnContig
from annotator.effects.normalize import Fetch, Variant, normal
from annotator.effects.structural import Touched, most_severe, structural_effect
from annotator.effects.structural_alleles import StructuralAllele, parse
from annotator.effects.transcript import Transcript
from annotator.preflight.record import Record
from annotator.reference.known_variants import KnownVariant
from annotator.reference.pack import Reference

log = logging.getLogger(__name__)

#: Maximum number of cached allele descriptions, for files that have one allele in many records.
REMEMBERED = 8192
#: Maximum number of genes in GAS_GENE of one allele: a deletion of 100 megabases touches more than a thousand.
MOST_GENES = 200
START_LOST = "start_lost"
_PHASED = list(info_tags.DESCRIPTIONS).index(info_tags.PHASED)


@dataclass(slots=True)
class Allele:
    """One ALT allele and its annotations.

    alt: as the file writes it.
    type: Change.type, or "other" for an allele that is not written in bases.
    change: None for an allele that is not written in bases.
    term: the most severe Sequence Ontology term; "" if nothing is predicted.
    genes: the genes that the allele touches.
    proteins: gene and HGVS p. description of each changed protein.
    entries: the entries of INFO/CSQ, without the allele at the start and its number at the end.
    values: the values of the tags in info_tags.DESCRIPTIONS, in the same order; "" for none.
    """

    alt: str
    kind: Kind
    type: str = "other"
    change: Change | None = None
    term: str = ""
    genes: Sequence[str] = ()
    hgvs_g: str = ""
    proteins: Sequence[tuple[str, str]] = ()
    known: KnownVariant | None = None
    entries: Sequence[str] = ()
    values: tuple[str, ...] = field(default=("",) * len(info_tags.DESCRIPTIONS))

    @property
    def counts(self) -> bool:
        """Whether this is a variant allele: False for ".", "*" and the placeholders of gVCF."""
        return self.kind not in (Kind.MISSING, Kind.OVERLAPPING) and self.alt not in ANY_ALLELE


@dataclass(frozen=True, slots=True)
class Described:
    """The description of an allele in bases, in whatever way a file spells it. The fields are those of Allele."""

    change: Change
    consequences: Consequences
    hgvs_g: str
    known: KnownVariant | None
    entries: tuple[str, ...]
    values: tuple[str, ...]


def normal_forms(records: Sequence[Record], fetch: Fetch) -> tuple[list[Variant], list[int]]:
    """Return the normal form of each predictable allele of all records, and the index of its record.

    Genes, transcripts and sources are looked up by normal form: results must not depend on how a file writes a change.
    """
    variants: list[Variant] = []
    owners: list[int] = []
    for number, record in enumerate(records):
        for alt in record.predictable:
            variants.append(normal(record.contig, record.pos, record.ref, alt, fetch))
            owners.append(number)
    return variants, owners


class Composer:
    """Describes alleles on one reference. For one thread only.

    Args:
        reference: the reference pack.
        choice: the transcripts that get an entry in INFO/CSQ.
        predicted: whether protein descriptions are in parentheses.
    """

    def __init__(self, reference: Reference, choice: Choice = Choice.ALL, *, predicted: bool = False) -> None:
        self.choice = choice
        self.predicted = predicted
        #: Number of effects that contradict themselves. Their descriptions are not written.
        self.contradictions = 0
        self._reference = reference
        self._models = reference.gene_models
        self._effects = Effects()
        self._sequence = reference.sequence
        self._known = reference.known
        # The cache has only a weak reference to this object. A strong one would be a cycle that keeps both in memory.
        #: The description of an allele in normal form, by contig and variant.
        self.described = lru_cache(maxsize=REMEMBERED)(partial(Composer._describe, weakref.proxy(self)))

    def alleles(
        self, record: Record, variants: Iterable[Variant], phased: Mapping[Variant, str] = MappingProxyType({})
    ) -> list[Allele]:
        """Describe the ALT alleles of a record.

        Args:
            record: a record that passed its checks.
            variants: the normal form of each predictable allele.
            phased: values of GAS_PHASED, escaped, by normal form.
        """
        given = iter(variants)
        found = []
        for alt, kind in zip(record.alts, record.kinds, strict=True):
            if kind is Kind.SEQUENCE and alt != record.ref:
                variant = next(given)
                found.append(self._in_bases(record.contig, variant, alt, phased.get(variant, "")))
                continue
            # An ALT that repeats REF is not a variant allele, just as ".".
            allele = Allele(alt, Kind.MISSING if alt == record.ref else kind)
            if allele.counts:
                self._describe_unwritten(allele, record, len(found))
            found.append(allele)
        return found

    def _describe_unwritten(self, allele: Allele, record: Record, number: int) -> None:
        """Describe an allele that is not written in known bases; `number` is its index in the record, from 0."""
        contig, pos = record.contig, record.pos
        structural = parse(contig, pos, record.ref, allele.alt, number, record.info, self._reference.canonical)
        if structural is None:
            last = pos + len(record.ref) - 1
            genes = dict.fromkeys(one.gene for one in self._models.transcripts(contig, pos, last))
            allele.genes = list(genes) or self._models.regions(contig, pos, last)
            allele.values = (_gene_text(allele.genes), *allele.values[1:])
            return
        found = self._structural(contig, structural)
        allele.term, allele.genes = found.term, found.genes
        allele.entries = tuple("|".join(parts) for parts in found.entries(self.choice))
        allele.values = _values(found, "", None)

    def _structural(self, contig: str, allele: StructuralAllele) -> Consequences:
        """Return a structural allele's consequences: all genes, and the effects on the transcripts with an entry."""
        first, last = allele.touched
        touched = [
            Touched(transcript, one)
            for transcript in self._models.transcripts(contig, first, last)
            if (one := self._structural_effect(contig, allele, transcript)) is not None
        ]
        if not touched:
            return outside_transcripts(contig, first, last, self._models)
        listed = of_effects(most_severe(touched))
        genes = tuple(dict.fromkeys(one.transcript.gene for one in touched))
        if len(genes) > MOST_GENES:
            genes = tuple(dict.fromkeys((*listed.genes, *genes)))
        return replace(listed, genes=genes)

    def _structural_effect(self, contig: str, allele: StructuralAllele, transcript: Transcript) -> Effect | None:
        """Return the effect of a structural allele, without start_lost if the first codon is not a start codon."""
        found = structural_effect(allele, transcript)
        if found is None or START_LOST not in found.terms:
            return found
        sequence = self._effects.coding_sequence(transcript, partial(self._sequence.fetch, contig))
        terms = (term for term in found.terms if term != START_LOST or sequence.has_start)
        return replace(found, terms=tuple(terms))

    def _in_bases(self, contig: str, variant: Variant, alt: str, phased: str) -> Allele:
        found = self.described(contig, variant)
        values = found.values
        if phased:
            values = (*values[:_PHASED], phased, *values[_PHASED + 1 :])
        did = found.consequences
        return Allele(
            alt,
            Kind.SEQUENCE,
            found.change.type,
            found.change,
            did.term,
            did.genes,
            found.hgvs_g,
            did.proteins,
            found.known,
            found.entries,
            values,
        )

    def _describe(self, contig: str, variant: Variant) -> Described:
        change = shortest(*variant)
        hgvs_g = self.genomic(contig, change)
        known = self._known.get(contig, hgvs_g)
        found = self.consequences(contig, change)
        entries = tuple("|".join(parts) for parts in found.entries(self.choice))
        return Described(change, found, hgvs_g, known, entries, _values(found, hgvs_g, known))

    def consequences(self, contig: str, change: Change) -> Consequences:
        """Return the consequences of a change for the transcripts that it touches."""
        fetch = partial(self._sequence.fetch, contig)
        found = consequences(contig, change, self._models, fetch, compute=self._checked)
        return without_hgvs_c(found) if self.is_mitochondrial(contig) else found

    def _checked(self, change: Change, transcript: Transcript, fetch: FetchOnContig) -> Effect | None:
        """Return the effect of a change, without its descriptions if it contradicts itself."""
        found = self._effects.of(change, transcript, fetch)
        if found is None or not (fault := contradiction(found, change)):
            return replace(found, hgvs_p=self.protein(found.hgvs_p)) if found and self.predicted else found
        self.contradictions += 1
        log.error("%s on %s contradicts itself: %s", change, transcript.name, fault)
        return replace(found, hgvs_c="", hgvs_p="")

    def protein(self, text: str) -> str:
        """Return a protein description as it is written: in parentheses if `predicted`."""
        return hgvs_protein.predicted(text) if self.predicted else text

    def is_mitochondrial(self, contig: str) -> bool:
        """Return whether HGVS describes variants of the contig only on the genome, with the prefix m."""
        return self._reference.hgvs_prefix_of(contig) == "m"

    def genomic(self, contig: str, change: Change) -> str:
        """Return the HGVS description of a change on the genome."""
        return hgvs_genomic.genomic(change, contig, self._sequence, self._reference.hgvs_prefix_of(contig))

    @staticmethod
    def info(ref: str, info: str, alleles: list[Allele], added: str = "") -> str:
        """Return a record's INFO column with all annotations; "." if it is empty.

        Args:
            ref: the record's REF.
            info: its own INFO; "" for none.
            alleles: its ALT alleles.
            added: the INFO entries from sources.
        """
        parts = [info] if info else []
        alts = tuple(allele.alt for allele in alleles)
        entries = [
            f"{csq_field.allele(ref, alts, allele.alt)}|{entry}|{number}"
            for number, allele in enumerate(alleles, 1)
            for entry in allele.entries
        ]
        if entries:
            parts.append(f"{info_tags.CSQ}={','.join(entries)}")
        if len(alleles) == 1:
            values = zip(info_tags.DESCRIPTIONS, alleles[0].values, strict=True)
            parts += [f"{tag}={value}" for tag, value in values if value]
        else:
            for tag, of_alleles in zip(
                info_tags.DESCRIPTIONS, zip(*(one.values for one in alleles), strict=True), strict=True
            ):
                if any(of_alleles):
                    parts.append(f"{tag}={','.join(value or '.' for value in of_alleles)}")
        if added:
            parts.append(added)
        return ";".join(parts) or "."


def summary_texts(found: Consequences) -> tuple[str, str, str, str, str]:
    """Return the values of GAS_GENE, GAS_CSQ, GAS_HGVSC, GAS_TRANSCRIPT and GAS_HGVSP; "" for none."""
    escaped = csq_field.escaped
    hgvs_c, flag = found.hgvs_c
    proteins = [escaped(f"{gene}:{text}") for gene, text in found.proteins]
    return _gene_text(found.genes), found.term, escaped(hgvs_c), flag, "&".join(proteins)


def _gene_text(genes: Sequence[str]) -> str:
    """Return the value of GAS_GENE: the first MOST_GENES genes, and the number of further genes."""
    names = "&".join(map(csq_field.escaped, genes[:MOST_GENES]))
    return f"{names}&and_{len(genes) - MOST_GENES}_more" if len(genes) > MOST_GENES else names


def _values(found: Consequences, hgvs_g: str, known: KnownVariant | None) -> tuple[str, ...]:
    gene, term, hgvs_c, flag, protein = summary_texts(found)
    phased = ""  # depends on other alleles
    disease, source = (known.disease, known.source) if known else ("", "")
    told = (info_tags.escape(text.replace("; ", "&")) for text in (disease, source))
    return gene, term, info_tags.escape(hgvs_g), hgvs_c, flag, protein, phased, *told
