"""What the table's page is made of."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.forms import BoundField
from django.http import QueryDict
from django.urls import reverse
from django.utils.text import slugify

from annotator.tables.schema import Column, Kind
from gas.explorer import presets, query
from gas.explorer.columns import COLUMNS, IDENTITY
from gas.explorer.database import Database, QueryRefused
from gas.explorer.export_formats import FORMATS
from gas.explorer.filter_kinds import Filter, words
from gas.explorer.filters import FilterForm, State, form_for
from gas.explorer.models import NAME_CHARACTERS, ColumnChoice, SavedFilter, VariantExport
from gas.explorer.ordering import SORT
from gas.explorer.pages.access import own_marks
from gas.explorer.pages.address import CURSOR, Address
from gas.explorer.place_filters import Region, region
from gas.explorer.sample_filters import sample_groups
from gas.jobs.models import Job
from gas.jobs.pages.access import visit_of
from gas.users.requests import PersonRequest

SORTABLE = {Kind.TEXT, Kind.INTEGER, Kind.NUMBER}
FACET_TITLES = {
    "impact": "Impact",
    "consequence": "Most severe consequence",
    "type": "Variant type",
    "significance": "Clinical significance",
    "gene": "Gene",
    "contig": "Contig",
}
#: Facets whose filter takes several values at once.
SEVERAL = {"impact", "consequence", "type", "significance"}


@dataclass(frozen=True)
class Chip:
    """An active filter. text: for people. url: without it."""

    text: str
    url: str


@dataclass(frozen=True)
class FacetRow:
    """A value of a facet.

    label: for people. share: in percent. url: with the value as a filter, or without it if it is one; "" if it cannot.
    """

    label: str
    value: str
    count: int
    share: float
    url: str
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """Values of a column and how many variants have each. more: values that are not listed."""

    name: str
    title: str
    rows: list[FacetRow]
    more: int


@dataclass(frozen=True)
class Group:
    """Filters under one heading.

    active: how many ask for something.
    open: whether they are shown at first.
    sample: number of the sample whose they are; 0 for others.
    """

    title: str
    filters: list[tuple[Filter, list[BoundField]]]
    active: int
    open: bool
    sample: int = 0

    @property
    def id(self) -> str:
        """Return what names it on the page. Names of samples may be any text."""
        return f"group-s{self.sample}" if self.sample else f"group-{slugify(self.title)}"


@dataclass(frozen=True)
class Head:
    """A column's head.

    url: sorts by it, or the other way; "" if it cannot. direction: "ascending", "descending" or "".
    """

    column: Column
    url: str
    direction: str


def _remembered(request: PersonRequest) -> list[str]:
    choice = None if visit_of(request) else ColumnChoice.objects.filter(owner=request.user).first()
    return choice.names if choice else []


@dataclass(frozen=True)
class Asked:
    """What a request asks of a table: the form, the address, and, if the form is valid, the state."""

    form: FilterForm
    address: Address
    columns: list[Column]
    order: query.Order
    state: State | None

    @classmethod
    def of(cls, request: PersonRequest, job: Job, database: Database) -> "Asked":
        """Read a request's parameters."""
        form = form_for(database.columns, request.GET)
        address = Address.of(reverse("explorer:table", args=[job.pk]), request.GET, form)
        columns = database.columns.of_address(request.GET.getlist(COLUMNS), _remembered(request))
        order = query.Order.of_address(request.GET.get(SORT, ""), database.columns)
        return cls(form, address, columns, order, form.state() if form.is_valid() else None)

    @property
    def export_query(self) -> str:
        """The parameters of an export: with the columns of the table, which may be remembered ones."""
        return self.address.other(COLUMNS, ",".join(one.name for one in self.columns)).query

    def chips(self) -> list[Chip]:
        """Return the active filters."""
        if self.state is None:
            return []
        columns = self.form.columns
        return [
            Chip(text, str(self.address.without(one.fields(columns))))
            for one in self.form.filters
            if (text := one.in_words(self.state.values, columns))
        ]

    def groups(self) -> list[Group]:
        """Return the form's filters by heading."""
        found, samples = [], sample_groups(self.form.columns)
        for title, filters in self.form.groups().items():
            fields = [field for _, some in filters for field in some]
            asked = {name for name, _ in self.address.filters}
            active = sum(any(field.name in asked for field in some) for _, some in filters)
            is_open = bool(active) or any(field.errors for field in fields)
            found.append(Group(title, filters, active, is_open, samples.get(title, 0)))
        return found

    def sample_group(self, number: int) -> Group | None:
        """Return the filters of a sample; None if the file has few samples, or no such one."""
        return next((one for one in self.groups() if number and one.sample == number), None)

    def heads(self) -> list[Head]:
        """Return the heads of the columns; the first is that of the variants themselves, along the genome."""
        place = Column("", Kind.TEXT, "Variant", "Contig, position, REF and ALT; sorts along the genome")
        return [self._head(one) for one in (place, *self.columns)]

    def _head(self, column: Column) -> Head:
        if column.kind not in SORTABLE:
            return Head(column, "", "")
        is_this = self.order.column == column.name
        direction = ("descending" if self.order.descending else "ascending") if is_this else ""
        following = query.Order(column.name, is_this and not self.order.descending)
        text = str(following) if following != query.Order() else ""
        return Head(column, str(self.address.other(SORT, text)), direction)


def facets(asked: Asked, found: query.Facets) -> list[Facet]:
    """Return the facets with the addresses that their values lead to."""
    return [_facet(asked, name, title, found) for name, title in FACET_TITLES.items() if found.values.get(name)]


def _facet(asked: Asked, name: str, title: str, found: query.Facets) -> Facet:
    rows = []
    for one in found.values[name]:
        several = name in SEVERAL
        value = "none" if one.value is None and several else one.value
        chosen = value is not None and _is_chosen(asked, name, one.filter, value)
        if chosen and not several:
            url = str(asked.address.without([one.filter]))
        else:
            url = str(asked.address.toggled(one.filter, value, several=several)) if value else ""
        label = _label(name, one.value)
        share = round(100 * one.count / (found.total or 1), 2)
        rows.append(FacetRow(label, one.value or "", one.count, share, url, chosen))
    return Facet(name, title, rows, found.more.get(name, 0))


def _is_chosen(asked: Asked, facet: str, name: str, value: str) -> bool:
    """Return whether the filter asks for a facet's value, however it is written: cftr for CFTR, 7 for chr7."""
    given = asked.address.values(name)
    if facet == "gene":
        return [word.casefold() for text in given for word in words(text)] == [value.casefold()]
    if facet == "contig":
        return [region(text, asked.form.columns) for text in given] == [Region(value)]
    return value in given


def _label(facet: str, value: str | None) -> str:
    if value is None:
        return {"gene": "No gene", "significance": "Not classified"}.get(facet, "None")
    return value if facet in {"gene", "contig", "type"} else value.replace("_", " ").lower().capitalize()


def rows(asked: Asked, state: State, database: Database, cursor: str) -> query.Page:
    """Return a page of variants; the first one if the cursor is of another order. Raises QueryRefused."""
    wanted = [database.columns.get(name) for name in (*IDENTITY, "hgvs_g", "impact", "known", "significance")]
    wanted += [one for one in asked.columns if one not in wanted]
    try:
        return query.page(database, state, wanted, order=asked.order, cursor=cursor)
    except query.BadCursor:
        return query.page(database, state, wanted, order=asked.order)


@dataclass(frozen=True)
class Offer:
    """Filters with a name.

    url: with these filters. lacks: why this file cannot be asked for them; "" if it can. pk: of a person's own.
    """

    name: str
    text: str
    url: str
    lacks: str = ""
    pk: int | None = None


def offers(asked: Asked) -> list[Offer]:
    """Return what everybody is offered."""
    none = asked.address.without(asked.form.fields)
    return [
        Offer(one.label, one.text, str(none.with_values(QueryDict(text).lists())))
        for one, text in presets.offered(asked.form.columns)
    ]


def saved(request: PersonRequest, asked: Asked) -> list[Offer]:
    """Return the person's own filters."""
    none, found = asked.address.without(asked.form.fields), []
    for one in SavedFilter.objects.filter(owner=request.user):
        values = QueryDict(one.query)
        absent = [name for name in values if name not in asked.form.fields]
        lacks = "This result cannot be filtered by all of it: it has other sources or samples." if absent else ""
        found.append(Offer(one.name, "", str(none.with_values(values.lists())), lacks, one.pk))
    return found


def tools(request: PersonRequest, database: Database, asked: Asked) -> dict[str, Any]:
    """Return what the bar above the table offers."""
    names = {one.name for one in asked.columns}
    choices = [(one, one.name in names) for one in database.columns.shown if one.name not in IDENTITY]
    values: dict[str, Any] = {"presets": offers(asked)}
    if visit_of(request):
        return values
    return values | {
        "saved": saved(request, asked),
        "name_characters": NAME_CHARACTERS,
        "column_choices": choices,
        "formats": FORMATS,
        "most_at_once": settings.EXPLORER_ROWS_AT_ONCE,
        "has_exports": VariantExport.objects.filter(owner=request.user).exists(),
    }


def table(request: PersonRequest, job: Job, database: Database, asked: Asked, *, rows_alone: bool) -> dict[str, Any]:
    """Return what the table's page shows. rows_alone: without counts, for the next page of the same variants."""
    values: dict[str, Any] = {"job": job, "asked": asked, "heads": asked.heads(), "chips": asked.chips()}
    if not rows_alone:
        groups = asked.groups()
        values |= {
            "groups": [one for one in groups if not one.sample],
            "sample_groups": [one for one in groups if one.sample],
            "shown_sample": request.GET.get("sample", ""),
            "samples_open": "sample" in request.GET or any(one.sample and one.open for one in groups),
            **tools(request, database, asked),
        }
    if asked.state is None:
        return values
    try:
        values["page"] = page = rows(asked, asked.state, database, request.GET.get(CURSOR, ""))
        values["marks"] = own_marks(request, job, page.rows)
        values["next"] = asked.address.at(page.next) if page.next else ""
        values["previous"] = asked.address.at(page.previous) if page.previous else ""
        if not rows_alone:
            found = query.facets(database, asked.state)
            values |= {"total": found.total, "facets": facets(asked, found)}
    except QueryRefused as refused:
        values["refused"] = str(refused)
    return values
