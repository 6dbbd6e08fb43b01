"""Each filter leaves exactly the variants that a plain reader of the VCF would, alone and together with others."""

from collections.abc import Callable
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from annotator.effects.terms import IMPACT
from gas.explorer import query, sorted_rows
from gas.explorer.filter_kinds import MOST_CHARACTERS
from gas.explorer.filters import form_for
from gas.explorer.ordering import Order, order_by
from gas.server import MAX_HEADER_BYTES
from tests.support.annotated_vcf import CONTIGS, GENES, SAMPLES, Allele
from tests.support.explored import Explored

Parameters = list[tuple[str, str]]
Reference = Callable[[Allele, list[str]], bool]


def _text(one: Allele, values: list[str]) -> bool:
    return any(
        values[0].lower() in text.lower() for text in (", ".join(one.genes), *one.hgvs, one.known, ";".join(one.ids))
    )


def _region(one: Allele, values: list[str]) -> bool:
    for value in values[0].split():
        contig, _, span = value.partition(":")
        start, _, end = span.partition("-")
        low, high = (int(start), int(end or start)) if start else (1, 10**12)
        if contig.removeprefix("chr") == one.contig.removeprefix("chr") and one.pos <= high and one.end >= low:
            return True
    return False


def _or_none(value: str, values: list[str]) -> bool:
    return (value or "none") in values


def _length(one: Allele) -> int | None:
    return len(one.alt) - len(one.ref) if one.alt.isalpha() and one.alt != one.ref else None


#: What each filter means, without SQL.
REFERENCE: dict[str, Reference] = {
    "q": _text,
    "gene": lambda one, values: not {gene.upper() for gene in one.genes}.isdisjoint(values[0].upper().split()),
    "region": _region,
    "consequence": lambda one, values: _or_none(one.term, values),
    "term": lambda one, values: not one.terms.isdisjoint(values),
    "impact": lambda one, values: _or_none(str(IMPACT[one.term]) if one.term else "", values),
    "significance": lambda one, values: _or_none(one.significance, values),
    "not-significance": lambda one, values: not _or_none(one.significance, values),
    "known": lambda one, _: bool(one.known),
    "filter": lambda one, values: not set(one.filters).isdisjoint(values[0].split()),
    "id": lambda one, values: not set(one.ids).isdisjoint(values[0].split()),
    **{
        f"s{number}-zygosity": lambda one, values, name=name: _or_none(one.people[name].zygosity or "", values)
        for number, name in enumerate(SAMPLES, 1)
    },
}


def _count(kind: str) -> Callable[[Allele], float | None]:
    kinds = {"carriers": ("het", "hom"), "het": ("het",), "hom": ("hom",), "called": ("het", "hom", "absent")}[kind]
    return lambda one: sum(person.zygosity in kinds for person in one.people.values())


#: The number that each range looks at.
NUMBERS: dict[str, Callable[[Allele], float | None]] = {
    "qual": lambda one: one.qual,
    "source-gnomAD_AF": lambda one: one.frequency,
    "source-N_HOM": lambda one: one.homozygotes,
    "length-change": _length,
    **{kind: _count(kind) for kind in ("carriers", "het", "hom", "called")},
    **{
        f"s{number}-{field}": lambda one, name=name, field=field: getattr(one.people[name], field)
        for number, name in enumerate(SAMPLES, 1)
        for field in ("dp", "gq", "ab", "hf")
    },
}
WHOLE = {"carriers", "het", "hom", "called", "length-change", "source-N_HOM"}


def _in_range(value: float | None, low: float | None, high: float | None, missing: str) -> bool:
    if value is None:
        return missing != "drop"
    return missing != "only" and (low is None or value >= low) and (high is None or value <= high)


def expected(alleles: list[Allele], parameters: Parameters) -> list[int]:
    """Return the numbers of the alleles that a reader without a database would leave."""
    asked: dict[str, list[str]] = {}
    for name, value in parameters:
        asked.setdefault(name, []).append(value)
    found = [one for one in alleles if all(rule(one, asked[name]) for name, rule in REFERENCE.items() if name in asked)]
    for name, number in NUMBERS.items():
        low, high, missing = (asked.get(f"{name}-{part}", [""])[0] for part in ("min", "max", "missing"))
        bounds = [float(bound) if bound else None for bound in (low, high)]
        if low or high or missing:
            found = [one for one in found if _in_range(number(one), bounds[0], bounds[1], missing)]
    return [one.number for one in found]


def listed(explored: Explored, parameters: Parameters) -> list[int]:
    state = explored.state(urlencode(parameters))
    columns = explored.database.columns.chosen(["pos"])
    return [row["row_number"] for row in query.page(explored.database, state, columns, size=500).rows]


def _some(values: list[str]) -> Any:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


def _each(name: str, values: list[str]) -> Any:
    return _some(values).map(lambda some: [(name, one) for one in some])


def _words(name: str, values: list[str]) -> Any:
    return _some(values).map(lambda some: [(name, " ".join(some))])


def _range(name: str) -> Any:
    top = 5 if name in WHOLE else 1.0 if name.endswith(("-ab", "-hf", "_AF")) else 60.0
    number = (
        st.integers(-3 if name == "length-change" else 0, 5)
        if name in WHOLE
        else st.sampled_from([0.0, top / 4, top / 2, top])
    )

    def parameters(found: tuple[Any, Any, str]) -> Parameters:
        low, high, missing = found
        if low is not None and high is not None and low > high:
            low, high = high, low
        if missing == "only":
            low = high = None
        bounds = [(f"{name}-{end}", f"{value:g}") for end, value in (("min", low), ("max", high)) if value is not None]
        return [*bounds, (f"{name}-missing", missing)]

    return st.tuples(st.none() | number, st.none() | number, st.sampled_from(["keep", "drop", "only"])).map(parameters)


REGIONS = ["chr1", "7", "chr1:2000-9000", "1:8500", "chrM:1-11000", "MT", "x:2780000-2785000", "chr7:1-600"]
ONE_FILTER = st.one_of(
    _each("consequence", [*IMPACT, "none"]),
    _each("term", list(IMPACT)),
    _each("impact", ["HIGH", "MODERATE", "LOW", "MODIFIER", "none"]),
    _each("significance", ["pathogenic", "likely_pathogenic", "benign", "uncertain", "conflicting", "other", "none"]),
    _each("not-significance", ["pathogenic", "benign", "uncertain", "none"]),
    _words("gene", [*(name for name, *_ in GENES), "alpha", "NOBODY"]),
    _words("region", REGIONS),
    _words("filter", ["PASS", "q10", "s50", "."]),
    _words("id", ["rs1500", "x1500", *(f"rs{number}" for number in range(11_000, 11_060))]),
    st.sampled_from(["alpha", "p.arg1", "LHON", "rs1", ">T", "%", "_", "'"]).map(lambda text: [("q", text)]),
    st.just([("known", "on")]),
    *[_each(f"s{number}-zygosity", ["het", "hom", "absent", "none"]) for number in (1, 2, 3)],
    *map(_range, NUMBERS),
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(ONE_FILTER, min_size=1, max_size=4))
def test_any_filters_together_leave_what_a_plain_reader_leaves(explored: Explored, chosen: list[Parameters]) -> None:
    by_name = {parameters[0][0].rpartition("-m")[0] or parameters[0][0]: parameters for parameters in chosen}
    parameters = [one for some in by_name.values() for one in some]
    wanted = expected(explored.alleles, parameters)
    state = explored.state(urlencode(parameters))
    assert listed(explored, parameters) == wanted[:500]
    assert query.count(explored.database, state) == len(wanted)


@pytest.mark.parametrize("name", [*REFERENCE, *NUMBERS])
def test_each_filter_leaves_some_and_not_all(explored: Explored, name: str) -> None:
    """The property would prove nothing of a filter that always leaves all, or none."""
    value = {
        "q": "alpha",
        "gene": "ALPHA",
        "region": "chr1",
        "consequence": "stop_gained",
        "term": "stop_gained",
        "impact": "HIGH",
        "significance": "pathogenic",
        "not-significance": "none",
        "known": "on",
        "filter": "s50",
        "id": " ".join(one for allele in explored.alleles for one in allele.ids[1:]),
    }
    parameters = (
        [(f"{name}-min", "1"), (f"{name}-missing", "drop")] if name in NUMBERS else [(name, value.get(name, "het"))]
    )
    if name.endswith(("_AF", "-ab", "-hf")):
        parameters[0] = (f"{name}-min", "0.5")
    wanted = expected(explored.alleles, parameters)
    assert 0 < len(wanted) < len(explored.alleles)
    assert listed(explored, parameters) == wanted[:500]


@pytest.mark.parametrize("chunk", [sorted_rows.CHUNK, 64])
def test_no_row_is_lost_between_the_pages_of_any_order(
    explored: Explored, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(sorted_rows, "CHUNK", chunk)
    columns, state = (
        explored.database.columns.chosen(["contig", "qual"]),
        explored.state("impact=HIGH&impact=MODERATE&impact=LOW"),
    )
    wanted = {one.number: one for one in explored.alleles if one.term and IMPACT[one.term] != "MODIFIER"}
    for text in ("", "-row_number", "qual", "-qual", "gene", "-gene", "-gnomAD_AF", "filter", "s1_dp"):
        order = Order.parse(text, explored.database.columns)
        forward, cursor, back = [], "", []
        while True:
            page = query.page(explored.database, state, columns, order=order, cursor=cursor, size=37)
            forward.append([row["row_number"] for row in page.rows])
            assert [row["contig"] for row in page.rows] == [wanted[number].contig for number in forward[-1]]
            if not page.next:
                break
            cursor = page.next
        while page.previous:
            page = query.page(explored.database, state, columns, order=order, cursor=page.previous, size=37)
            back.append([row["row_number"] for row in page.rows])
        by_duckdb = f"SELECT row_number FROM variants WHERE {state.where.sql} ORDER BY {order_by(order)}"  # noqa: S608
        assert [(number,) for number in chain(*forward)] == explored.database.ask(by_duckdb, state.where.params).rows
        assert sorted(chain.from_iterable(forward)) == sorted(wanted)
        assert back[::-1] == forward[:-1]
        if text in {"qual", "-qual"}:
            sign = -1 if text == "-qual" else 1
            key = sorted(wanted.values(), key=lambda one: (one.qual is None, sign * (one.qual or 0), one.number))
            assert list(chain.from_iterable(forward)) == [one.number for one in key]


def test_facets_count_what_the_filters_leave(explored: Explored) -> None:
    parameters = [("region", "chr1 chrM"), ("qual-min", "5"), ("qual-missing", "keep")]
    found = query.facets(explored.database, explored.state(urlencode(parameters)))
    numbers = set(expected(explored.alleles, parameters))
    left = [one for one in explored.alleles if one.number in numbers]
    assert found.total == len(left) > 50
    for facet, values in found.values.items():
        for value in values:
            asked = [(value.filter, "none" if value.value is None else value.value)]
            if facet == "contig":
                assert value.count == sum(one.contig == value.value for one in left)
            elif facet != "type":
                assert value.count == len(set(expected(explored.alleles, asked)) & numbers), (facet, value)
            state = (
                explored.state(urlencode(parameters + asked))
                if facet != "contig"
                else explored.state(f"{urlencode(parameters[1:])}&region={value.value}")
            )
            assert query.count(explored.database, state) == value.count, (facet, value)
        assert facet == "gene" or sum(value.count for value in values) == len(left)


def test_a_bound_without_a_word_on_missing_values_is_refused(explored: Explored) -> None:
    form = form_for(explored.database.columns, QueryDict("source-gnomAD_AF-max=0.01"))
    assert not form.is_valid()
    assert "no value" in form.errors["source-gnomAD_AF-missing"][0]


@pytest.mark.parametrize(
    ("gene", "id_", "valid"),
    [(MOST_CHARACTERS, 0, True), (MOST_CHARACTERS - 9, 10, False), (MOST_CHARACTERS + 1, 0, False)],
)
def test_lists_together_have_a_maximum_that_is_told(explored: Explored, gene: int, id_: int, valid: bool) -> None:
    text = "A\r\n" * (gene // 2) + "A" * (gene % 2)
    form = form_for(explored.database.columns, QueryDict(urlencode({"gene": text, "id": "r" * id_})))
    assert form.is_valid() is valid
    if not valid:
        assert list(form.errors) == ["gene"]
        assert f"{MOST_CHARACTERS:,}" in form.errors["gene"][0]
    assert f'maxlength="{MOST_CHARACTERS + 1}"' in str(form["gene"])  # what a browser has cut is refused


def test_the_longest_lists_fit_in_the_headers_that_the_server_takes() -> None:
    longest = len(urlencode({"gene": "\U0001f9ec" * MOST_CHARACTERS}))
    assert longest < MAX_HEADER_BYTES
    assert 3 * len(urlencode({"gene": "A\r\n" * (MOST_CHARACTERS // 2)})) < MAX_HEADER_BYTES  # with the page's address


def test_bounds_are_told_as_they_are(explored: Explored) -> None:
    state = explored.state("carriers-min=1234567&carriers-missing=drop&qual-max=0.12345678&qual-missing=drop")
    told = " ".join(state.in_words)
    assert "at least 1,234,567" in told
    assert "at most 0.12345678" in told


@pytest.mark.parametrize(
    ("query_string", "field"),
    [
        ("region=chr99:1-5", "region"),
        ("region=chr1:5-1", "region"),
        ("consequence=made_up", "consequence"),
        ("qual-min=5&qual-max=1&qual-missing=keep", "qual-max"),
        ("qual-min=1&qual-missing=only", "qual-missing"),
        ("qual-min=nan&qual-missing=keep", "qual-min"),
        ("carriers-min=99999999999999999999&carriers-missing=keep", "carriers-min"),
        ("family-rule=de-novo&family-proband=1", "family-rule"),
        ("family-rule=recessive", "family-proband"),
        ("family-rule=recessive&family-proband=1&family-mother=1", "family-proband"),
        ("family-rule=dominant&family-proband=1&family-mother=2", "family-rule"),
        ("family-proband=9", "family-proband"),
    ],
)
def test_what_makes_no_sense_gets_a_sentence_at_its_field(explored: Explored, query_string: str, field: str) -> None:
    form = form_for(explored.database.columns, QueryDict(query_string))
    assert not form.is_valid()
    assert list(form.errors) == [field]


def test_contigs_of_the_file_are_all_that_the_form_knows(explored: Explored) -> None:
    assert explored.database.columns.contigs == [name for name, _ in CONTIGS]
