"""Cells of tables of variants, and fields of the form of filters."""

from collections.abc import Mapping
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from annotator.tables.schema import Column, Kind
from gas.explorer.filter_kinds import Range
from gas.explorer.filters import SIGNIFICANCE_LABELS, ZYGOSITY
from gas.explorer.keys import VariantKey
from gas.jobs.templatetags.charts import impact, plain
from gas.jobs.templatetags.ui import widget

register = template.Library()

#: Longer texts are cut in tables; the whole is shown on hover and on the variant's page.
LONGEST = 40
LONGEST_ALLELE = 12
_MONO = frozenset({"hgvs_g", "hgvs_c", "hgvs_p", "codons", "amino_acids", "transcript", "gene_id", "id"})
_SIGNIFICANCE = {key.value: label for key, label in SIGNIFICANCE_LABELS.items()}
_ZYGOSITY = dict(ZYGOSITY)
_NOTHING = SafeString('<span class="soft" aria-label="none">–</span>')


@register.simple_tag
def cell(row: Mapping[str, Any], column: Column) -> SafeString:
    """Return what a row has in a column, for people."""
    value = row.get(column.name)
    if value is None or value == "":
        return _NOTHING
    if column.kind == Kind.NUMBER:
        return format_html('<span title="{}">{}</span>', value, f"{value:.4g}")
    if column.kind == Kind.INTEGER:
        return format_html("{}", f"{value:,}")
    if column.kind == Kind.TEXTS:
        value = ", ".join(value)
    return _CELLS.get(column.name, _text)(value, column.name)


def _text(text: str, name: str) -> SafeString:
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    css = "mono" if name in _MONO or name.endswith("_gt") else ""
    words = _ZYGOSITY.get(text, cut) if name.endswith("zygosity") else cut
    return format_html('<span class="{}" title="{}">{}</span>', css, "" if cut == text else text[:2000], words)


def _consequence(term: str, _: str) -> SafeString:
    return format_html('<span class="swatch impact-{}"></span>{}', impact(term), plain(term))


def _impact(name: str, _: str) -> SafeString:
    return format_html('<span class="swatch impact-{}"></span>{}', name.lower(), name.capitalize())


def _significance(name: str, _: str) -> SafeString:
    return format_html("{}", _SIGNIFICANCE.get(name, name))


#: How columns of texts are shown that are not simply text.
_CELLS = {"consequence": _consequence, "impact": _impact, "significance": _significance}


@register.simple_tag
def change(row: Mapping[str, Any]) -> SafeString:
    """Return a variant's place and alleles, such as chr7:117559593 ATCT > A."""
    return format_html(
        '<span class="soft">{}:</span>{} {} <span class="soft">›</span><span class="visually-hidden"> to </span> {}',
        row["contig"],
        row["pos"],
        _allele(row["ref"]),
        _allele(row["alt"] or "."),
    )


def _allele(bases: str) -> SafeString:
    css = f" base-{bases.lower()}" if len(bases) == 1 and bases.isalpha() else ""
    if len(bases) <= LONGEST_ALLELE:
        return format_html('<span class="allele{}">{}</span>', css, bases)
    title = f"{len(bases)} bases: {bases[:120]}"
    return format_html('<span class="allele" title="{}">{}…</span>', title, bases[: LONGEST_ALLELE - 1])


@register.filter
def key(row: Mapping[str, Any]) -> str:
    """Return what names a row's variant in addresses."""
    return str(VariantKey.of_row(row))


@register.filter
def numeric(column: Column) -> bool:
    """Whether a column's values are aligned as numbers."""
    return column.kind in {Kind.INTEGER, Kind.NUMBER}


@register.filter
def is_range(one: object) -> bool:
    """Whether a filter has bounds."""
    return isinstance(one, Range)


@register.filter
def is_choice(field: BoundField) -> bool:
    """Whether a field is a list to tick."""
    return isinstance(field.field, forms.MultipleChoiceField)


@register.filter
def bare_widget(field: BoundField) -> SafeString:
    """Return a field's widget without a reference to its help, which is not next to it."""
    field.help_text = ""
    return widget(field)


@register.simple_tag
def boxes(field: BoundField) -> SafeString:
    """Return a box to tick for each choice of a field."""
    chosen = set(field.data or ()) if field.form.is_bound else set()
    choices: Any = getattr(field.field, "choices", ())
    cells = [
        (field.name, value, SafeString(" checked" if value in chosen else ""), f"{field.auto_id}_{number}", label)
        for number, (value, label) in enumerate(choices)
    ]
    return format_html_join(
        "",
        '<div class="form-check"><input class="form-check-input" type="checkbox" name="{0}" value="{1}" id="{3}"{2}>'
        '<label class="form-check-label" for="{3}">{4}</label></div>',
        cells,
    )


@register.filter
def terms(text: str) -> str:
    """Return terms or a flag in words: "missense_variant&splice_region_variant" becomes "missense + splice region"."""
    return plain(text)
