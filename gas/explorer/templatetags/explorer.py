"""Cells of tables of variants, and fields of the form of filters."""

from collections.abc import Container, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from django import forms, template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from annotator.tables.schema import Column, Kind
from gas.explorer.filter_kinds import Range
from gas.explorer.filters import SIGNIFICANCE_LABELS, FilterForm
from gas.explorer.kept import Kept
from gas.explorer.keys import VariantKey
from gas.explorer.pages.context import Facet, FacetRow, Group
from gas.explorer.sample_filters import ZYGOSITY
from gas.jobs.models import Job
from gas.jobs.templatetags.charts import impact, plain
from gas.jobs.templatetags.ui import icon, widget

register = template.Library()

#: Longer texts are cut in tables; the whole is shown on hover and on the variant's page.
LONGEST = 40
LONGEST_ALLELE = 12
_MONO = frozenset({"hgvs_g", "hgvs_c", "hgvs_p", "codons", "amino_acids", "transcript", "gene_id", "id"})
#: Characters that stand in a path as they are.
_IN_PATHS = "/~:@!$&'()*+,;="
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
        return SafeString(f'<span title="{value}">{value:.4g}</span>')
    if column.kind == Kind.INTEGER:
        return SafeString(f"{value:,}")
    if column.kind == Kind.TEXTS:
        value = ", ".join(value)
    return _CELLS.get(column.name, _text)(value, column.name)


def _text(text: str, name: str) -> SafeString:
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    css = "mono" if name in _MONO or name.endswith("_gt") else ""
    words = _ZYGOSITY.get(text, cut) if name.endswith("zygosity") else cut
    title = "" if cut == text else escape(text[:2000])
    return SafeString(f'<span class="{css}" title="{title}">{escape(words)}</span>')


def _consequence(term: str, _: str) -> SafeString:
    return SafeString(f'<span class="swatch impact-{escape(impact(term))}"></span>{escape(plain(term))}')


def _impact(name: str, _: str) -> SafeString:
    return SafeString(f'<span class="swatch impact-{escape(name.lower())}"></span>{escape(name.capitalize())}')


def _significance(name: str, _: str) -> SafeString:
    return SafeString(escape(_SIGNIFICANCE.get(name, name)))


#: How columns of texts are shown that are not simply text.
_CELLS = {"consequence": _consequence, "impact": _impact, "significance": _significance}


@register.simple_tag
def change(row: Mapping[str, Any]) -> SafeString:
    """Return a variant's place and alleles, such as chr7:117559593 ATCT > A."""
    return SafeString(
        f'<span class="soft">{escape(row["contig"])}:</span>{row["pos"]} {_allele(row["ref"])} '
        f'<span class="soft">›</span><span class="visually-hidden"> to </span> {_allele(row["alt"] or ".")}'
    )


def _allele(bases: str) -> str:
    css = f" base-{bases.lower()}" if len(bases) == 1 and bases.isalpha() else ""
    if len(bases) <= LONGEST_ALLELE:
        return f'<span class="allele{escape(css)}">{escape(bases)}</span>'
    title = f"{len(bases)} bases: {bases[:120]}"
    return f'<span class="allele" title="{escape(title)}">{escape(bases[: LONGEST_ALLELE - 1])}…</span>'


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


#: Groups of the form of filters, as HTML: most of them have no value.
_groups = Kept(4 * 1024**2)


@register.simple_tag
def filter_group(form: FilterForm, group: Group) -> SafeString:
    """Return a group of the form of filters. What a group looks like with the same values is kept."""
    fields = [field for _, some in group.filters for field in some]

    def render() -> SafeString:
        return render_to_string("explorer/_filter_group.html", {"group": group})

    if any(field.errors for field in fields):
        return render()
    values = tuple(str(field.data) for field in fields)
    html: SafeString = _groups.get((form.columns.key, group.title, values), render, len)
    return html


@register.simple_tag
def table_rows(
    job: Job, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], marks: Container[int], query: str
) -> SafeString:
    """Return the rows of a table of variants. Made here, since a template takes a third of a page's time for them.

    Args:
        marks: numbers of rows that the person has starred.
        query: of the address; links to variants have it, so that they lead back.
    """
    star, cells = format_html("{} ", icon("star-fill", "Starred")), [(one, numeric(one)) for one in columns]
    # As `reverse` would make each, in a tenth of the time.
    start, end = reverse("explorer:variant", args=[job.pk, "KEY"]).split("KEY")
    tail = f"{end}?{query}" if query else end
    made = (_row(row, cells, star if row["row_number"] in marks else "", start, tail) for row in rows)
    return SafeString("\n".join(made))


def _row(row: Mapping[str, Any], columns: Sequence[tuple[Column, bool]], star: str, start: str, tail: str) -> str:
    known = row["known"] or row["significance"] in {"pathogenic", "likely_pathogenic"}
    css = ' class="is-known"' if known else ""
    url = escape(f"{start}{quote(key(row), safe=_IN_PATHS)}{tail}")
    shown = "".join(
        f'<td class="text-nowrap{" text-end number" if is_number else ""}">{cell(row, column)}</td>'
        for column, is_number in columns
    )
    head = f'<th scope="row" class="mono text-nowrap">{star}<a href="{url}">{change(row)}</a></th>'
    return f"<tr{css}>{head}{shown}</tr>"


@register.simple_tag
def column_boxes(choices: Sequence[tuple[Column, bool]]) -> SafeString:
    """Return a box to tick for each column that a table can have."""
    return SafeString("".join(_column_box(column, " checked" if chosen else "") for column, chosen in choices))


def _column_box(column: Column, checked: str) -> str:
    name, text = escape(column.name), escape(column.text)
    box = f'<input class="form-check-input" type="checkbox" name="column" value="{name}" id="column-{name}"{checked}>'
    label = f'<label class="form-check-label" for="column-{name}" title="{text}">{escape(column.label)}</label>'
    return f'<div class="form-check">{box}{label}</div>'


@register.simple_tag
def facet_rows(facet: Facet) -> SafeString:
    """Return the values of a facet, each a link that adds it to the filters or removes it."""
    chosen = icon("check-lg", "chosen")
    return SafeString("".join(_facet_row(row, chosen) for row in facet.rows))


def _facet_row(row: FacetRow, mark: str) -> str:
    label, count = escape(row.label), f'<span class="number">{row.count:,}</span>'
    if not row.url:
        return f"<li><span>{label}</span>{count}</li>"
    url = escape(row.url)
    more = (
        f' aria-current="true" title="Remove this filter">{label}{mark}'
        if row.chosen
        else f' title="Only these">{label}'
    )
    return f'<li><a href="{url}" hx-get="{url}" hx-push-url="true"{more}</a>{count}</li>'


@register.filter
def terms(text: str) -> str:
    """Return terms or a flag in words: "missense_variant&splice_region_variant" becomes "missense + splice region"."""
    return plain(text)
