"""Every filter, once. The form, the query, the export, the help page and the API are made from these.

To add a filter, add one entry to FIXED, or to what `of_sources` or `of_samples` make for each source column and sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from django import forms
from django.http import QueryDict

from annotator.effects.terms import IMPACT, Impact
from annotator.run.outputs.summary import TYPES
from annotator.sources.findings import Significance
from annotator.tables.schema import Kind
from gas.explorer.columns import ResultColumns, quoted
from gas.explorer.families import Family
from gas.explorer.filter_kinds import (
    MOST_CHARACTERS,
    Condition,
    Contains,
    Filter,
    Flag,
    Listed,
    OneOf,
    Range,
    Values,
    WordsField,
    every,
)
from gas.explorer.kept import Kept
from gas.explorer.place_filters import Genes, Regions, Terms
from gas.explorer.sample_filters import GENOTYPES, of_samples

WHERE, EFFECT, CLINICAL, FILE, SOURCES, FAMILY = (
    "Place",
    "Consequence",
    "Disease",
    "Uploaded file",
    "Sources",
    "Family",
)
SIGNIFICANCE_LABELS = {
    Significance.PATHOGENIC: "Pathogenic",
    Significance.LIKELY_PATHOGENIC: "Likely pathogenic",
    Significance.CONFLICTING: "Conflicting",
    Significance.UNCERTAIN: "Uncertain significance",
    Significance.BENIGN: "Benign or likely benign",
    Significance.OTHER: "Other",
}


def _significance(_: ResultColumns) -> list[tuple[str, str]]:
    return [(value.value, label) for value, label in SIGNIFICANCE_LABELS.items()]


def _terms(_: ResultColumns) -> list[tuple[str, str]]:
    return [(term, term.replace("_", " ")) for term in IMPACT]


#: The bases that an allele has more than REF, as SQL.
LENGTH_CHANGE = "CASE WHEN type IN ('SNV', 'MNV', 'insertion', 'deletion') THEN length(alt) - length(ref) END"
NOT_CLASSIFIED = "Not classified"
#: The filters that every file has.
FIXED: tuple[Filter, ...] = (
    Contains(
        "q",
        WHERE,
        "Text",
        "Variants whose gene, HGVS description, ID or disease contains the text. Upper and lower case are the same.",
        ("gene", "hgvs_g", "hgvs_c", "hgvs_p", "known", "id"),
    ),
    Genes(
        "gene",
        WHERE,
        "Genes",
        "Variants that touch one of the genes, in any transcript. Give one symbol or many, with spaces, commas or line "
        "ends between them. Upper and lower case are the same.",
    ),
    Regions(
        "region",
        WHERE,
        "Regions",
        "Variants that overlap one of the regions: chr7:117,559,590-117,559,600, chr7:117559593, or a whole chr7. "
        "Positions count from 1, both ends are included, and chr7 and 7 are the same.",
    ),
    OneOf(
        "consequence",
        EFFECT,
        "Most severe consequence",
        "Variants whose most severe consequence, over all transcripts, is one of the terms.",
        "consequence",
        _terms,
        missing="None predicted",
    ),
    Terms(
        "term",
        EFFECT,
        "Consequence in any transcript",
        "Variants that have one of the terms in any of their transcripts, most severe or not.",
    ),
    OneOf(
        "impact",
        EFFECT,
        "Impact",
        "Variants whose most severe consequence has this impact.",
        "impact",
        lambda _: [(one.value, one.value.capitalize()) for one in Impact],
        missing="None predicted",
    ),
    OneOf(
        "type",
        EFFECT,
        "Variant type",
        "SNV: one base for another. MNV: several bases for as many. Other: symbolic alleles, breakends and mixtures.",
        "type",
        lambda _: [(one, one) for one in TYPES],
        missing="No variant allele",
    ),
    OneOf(
        "substitution",
        EFFECT,
        "Substitution",
        "SNVs that replace this base of the reference by that one.",
        "CASE WHEN type = 'SNV' THEN right(hgvs_g, 3) END",
        lambda _: [(f"{ref}>{alt}", f"{ref}>{alt}") for ref in "ACGT" for alt in "ACGT" if ref != alt],
    ),
    Range(
        "length-change",
        EFFECT,
        "Change of length",
        "Bases that the allele has more than the reference; below zero for deletions. Symbolic alleles have no value.",
        LENGTH_CHANGE,
        whole=True,
    ),
    OneOf(
        "significance",
        CLINICAL,
        "Clinical significance",
        "Variants that a clinical source, such as ClinVar, classifies as one of these.",
        "significance",
        _significance,
        missing=NOT_CLASSIFIED,
    ),
    OneOf(
        "not-significance",
        CLINICAL,
        "Leave out clinical significance",
        "Leaves out variants that a clinical source classifies as one of these. What no source classifies stays, "
        "unless that is chosen too.",
        "significance",
        _significance,
        exclude=True,
        missing=NOT_CLASSIFIED,
    ),
    Flag(
        "known",
        CLINICAL,
        "Known for disease",
        "Only variants that the reference's own table associates with a disease.",
        "known IS NOT NULL",
    ),
    Range("qual", FILE, "QUAL", "Quality of the record in the uploaded file.", "qual"),
    Listed(
        "filter",
        FILE,
        "FILTER",
        "Variants whose FILTER is or has one of the words, such as PASS. Write . for records without a filter.",
        "list_has_any(string_split(coalesce(filter, '.'), ';'), ?::VARCHAR[])",
    ),
    Listed(
        "id",
        FILE,
        "ID",
        "Variants with one of the identifiers, such as rs334, in the ID column of the uploaded file.",
        "list_has_any(string_split(id, ';'), ?::VARCHAR[])",
    ),
    Range("carriers", GENOTYPES, "Carriers", "Samples that have the allele.", "(samples_het + samples_hom)", True, 0),
    Range("het", GENOTYPES, "Heterozygous samples", "Samples that are heterozygous.", "samples_het", True, 0),
    Range("hom", GENOTYPES, "Homozygous samples", "Samples that have no other allele.", "samples_hom", True, 0),
    Range("called", GENOTYPES, "Called samples", "Samples with a genotype.", "samples_called", True, 0),
)


def of_sources(columns: ResultColumns) -> list[Filter]:
    """Return a filter for each column that an installed source has added, by its type. Names begin with source-."""
    found: list[Filter] = []
    for one in columns.metadata.sources:
        name, text = f"source-{one.name}", f"{one.text} ({one.source} {one.version})" if one.source else one.text
        if one.kind in {Kind.NUMBER, Kind.INTEGER}:
            found.append(Range(name, SOURCES, one.tag, text, quoted(one.name), one.kind == Kind.INTEGER))
        else:
            found.append(Contains(name, SOURCES, one.tag, f"Contains this text. {text}", (quoted(one.name),)))
    return found


def filters_for(columns: ResultColumns) -> list[Filter]:
    """Return all filters that a file can be filtered by."""
    all_of_them = [*FIXED, *of_sources(columns), *of_samples(columns)]
    if columns.samples:
        all_of_them.append(Family("family", FAMILY, "Inheritance", "See the rules below."))
    return all_of_them


#: The filters of files with the same columns, each with its fields.
_fields = Kept(4 * 1024**2)


def _fields_of(columns: ResultColumns) -> list[tuple[Filter, dict[str, forms.Field]]]:
    return [(one, one.fields(columns)) for one in filters_for(columns)]


class FilterForm(forms.Form):
    """All filters of a file. Make it with `form_for`."""

    def __init__(self, columns: ResultColumns, data: Mapping[str, Any] | None = None) -> None:
        """data: a QueryDict; other parameters in it do no harm."""
        super().__init__(data=data)
        self.columns = columns
        # Forms share their fields: to make a hundred takes longer than to find the variants.
        self._fields_of = _fields.get(columns.key, partial(_fields_of, columns), lambda found: 1000 * len(found))
        self.filters = [one for one, _ in self._fields_of]
        for _, fields in self._fields_of:
            self.fields.update(fields)

    def clean(self) -> dict[str, Any]:
        """Add what is wrong with several fields together."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for one in self.filters:
            for name, sentence in one.errors(values, self.columns).items():
                self.add_error(name, sentence)
        lists = {name: len(values.get(name, "")) for name, one in self.fields.items() if isinstance(one, WordsField)}
        if sum(lists.values()) > MOST_CHARACTERS:
            sentence = f"This is too long. All lists together have at most {MOST_CHARACTERS:,} characters."
            self.add_error(max(lists, key=lambda name: lists[name]), sentence)
        return values

    def groups(self) -> dict[str, list[tuple[Filter, list[forms.BoundField]]]]:
        """Return each filter with its fields, by group, in order."""
        found: dict[str, list[tuple[Filter, list[forms.BoundField]]]] = {}
        for one, fields in self._fields_of:
            if fields:
                found.setdefault(one.group, []).append((one, [self[name] for name in fields]))
        return found

    def state(self) -> "State":
        """Return what a valid form asks for; that it is valid must be seen first."""
        return State(self.filters, self.columns, self.cleaned_data)


def form_for(columns: ResultColumns, data: QueryDict | None = None) -> FilterForm:
    """Return the form for a file; bound if there is data."""
    return FilterForm(columns, data)


@dataclass(frozen=True)
class State:
    """What is asked for: the cleaned values of a file's filters."""

    filters: list[Filter]
    columns: ResultColumns
    values: Values = field(default_factory=dict)

    @cached_property
    def where(self) -> Condition:
        """The condition of all filters."""
        return every(self.parts)

    @cached_property
    def parts(self) -> list[Condition]:
        """The condition of each filter that asks for something. A family's rule sees what the other filters leave."""
        others = [one for one in self.filters if not isinstance(one, Family)]
        found = [part for one in others if (part := one.condition(self.values, self.columns))]
        rest = every(found)
        families = [one for one in self.filters if isinstance(one, Family)]
        return [*found, *(rule for one in families if (rule := one.among(rest, self.values, self.columns)))]

    @cached_property
    def in_words(self) -> list[str]:
        """What each filter asks for, for people."""
        return [text for one in self.filters if (text := one.in_words(self.values, self.columns))]
