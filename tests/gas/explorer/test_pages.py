"""The explorer's pages: what they show, what they refuse with a sentence, and whose they are."""

import csv
import io
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from annotator.reference.pack import load_reference
from gas.aws import s3
from gas.explorer import export_formats, small_exports
from gas.explorer.keys import VariantKey
from gas.explorer.models import MarkedVariant, SavedFilter
from gas.explorer.pages import genome, keeping
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import ResultState
from gas.users.models import User
from tests.support import annotated_vcf

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def visitor(person: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(person)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def total(response: Any) -> int:
    found = re.search(r'data-total="(\d+)"', text_of(response))
    assert found, text_of(response)
    return int(found[1])


def test_the_count_the_rows_and_the_export_are_the_same(job_with_table: Job, visitor: Client) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    everything = total(visitor.get(address))
    seen = {}
    for value in ("HIGH", "MODERATE", "LOW", "MODIFIER", "none"):
        page = visitor.get(address, {"impact": value})
        rows = list(page.context["page"].rows)
        exported = visitor.get(f"{address}export/tsv/", {"impact": value})
        lines = b"".join(exported).decode().splitlines()  # type: ignore[call-overload]
        table = list(csv.DictReader(io.StringIO("\n".join(lines[1:])), delimiter="\t"))
        assert [row["pos"] for row in table][: len(rows)] == [str(row["pos"]) for row in rows]
        assert len(table) == total(page)
        seen[value] = len(table)
    assert sum(seen.values()) == everything


def test_htmx_gets_the_part_that_changes_and_the_address_without_what_is_empty(
    job_with_table: Job, visitor: Client
) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    asked = {"impact": "HIGH", "gene": "", "qual-min": "", "nonsense": "1", "sort": "-qual"}
    part = visitor.get(address, asked, headers=HTMX)
    assert part["HX-Push-Url"] == f"{address}?impact=HIGH&sort=-qual"
    assert "<html" not in text_of(part)
    rows = visitor.get(address, asked, headers={**HTMX, "HX-Target": "rows"})
    assert 'id="rows"' in text_of(rows)
    assert "data-total" not in text_of(rows)


def test_a_filter_that_is_not_complete_shows_no_rows(job_with_table: Job, visitor: Client) -> None:
    page = visitor.get(f"/jobs/{job_with_table.pk}/variants/", {"qual-min": "10"})
    assert "variants that have no value" in text_of(page)
    assert "data-total" not in text_of(page)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [(ResultState.ARCHIVED, "Premium restores it"), (ResultState.RESTORING, "as soon as they are ready")],
)
def test_an_archived_result_says_what_brings_it_back(
    job_with_table: Job, visitor: Client, state: ResultState, sentence: str
) -> None:
    ResultFile.objects.filter(job=job_with_table).update(state=state)
    page = visitor.get(f"/jobs/{job_with_table.pk}/variants/")
    assert sentence in text_of(page)
    assert ("hx-trigger" in text_of(page)) == (state == ResultState.RESTORING)


def test_filters_by_name_are_a_persons_own(
    job_with_table: Job, visitor: Client, stranger: User, browser_of: Callable[[User], Client]
) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    visitor.post(f"{address}saved/", {"name": "mine", "query": "impact=HIGH&source-absent-max=1"})
    page = text_of(visitor.get(address))
    assert "mine" in page
    assert "not for this result" in page  # never applied in part
    saved = SavedFilter.objects.get()
    assert browser_of(stranger).post(f"{address}saved/{saved.pk}/remove/").status_code == 404
    visitor.post(f"{address}saved/{saved.pk}/remove/")
    assert not SavedFilter.objects.exists()


def test_stars_are_a_persons_own(
    job_with_table: Job, visitor: Client, stranger: User, browser_of: Callable[[User], Client]
) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    variant = re.search(rf'href="({address}at/[^"?]+)"', text_of(visitor.get(address)))
    assert variant
    visitor.post(f"{variant[1]}star/", {"note": "=look again"})
    star = MarkedVariant.objects.get()
    assert 'aria-label="Starred"' in text_of(visitor.get(address))
    assert "'=look again" in b"".join(visitor.get("/starred/file/")).decode()  # type: ignore[call-overload]
    other = browser_of(stranger)
    assert "look again" not in text_of(other.get("/starred/"))
    assert other.post(f"/starred/{star.pk}/remove/").status_code == 404
    visitor.post(f"/starred/{star.pk}/remove/")
    assert not MarkedVariant.objects.exists()


def test_the_note_of_a_starred_variant_can_be_edited_at_the_maximum(
    job_with_table: Job, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_MARKED", 1)
    address = f"/jobs/{job_with_table.pk}/variants/"
    first, second, *_ = dict.fromkeys(re.findall(rf'href="({address}at/[^"?]+)"', text_of(visitor.get(address))))
    for variant, note in ((first, "one"), (first, "two"), (second, "three")):
        answer = visitor.post(f"{variant}star/", {"note": note}, follow=True)
    assert "which is the maximum" in text_of(answer)
    assert MarkedVariant.objects.get().note == "two"
    assert visitor.post(f"{address}at/chr1-1-A-T/star/", {"note": "x"}).status_code == 404


def test_filters_that_cannot_be_saved_get_their_own_sentence(job_with_table: Job, visitor: Client) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    for name, query, sentence in (
        ("n" * 101, "impact=HIGH", "at most 100 characters"),
        ("name", "", "nothing to save"),
        ("name", "gene=" + "A" * 8_000, "too long to be saved"),
    ):
        answer = visitor.post(f"{address}saved/", {"name": name, "query": query}, follow=True)
        assert [sentence in str(one) for one in answer.context["messages"]] == [True]
    assert not SavedFilter.objects.exists()
    visitor.post(f"{address}saved/", {"name": "n" * 100, "query": "impact=HIGH"})
    assert SavedFilter.objects.exists()
    assert 'name="name" required maxlength="100"' in text_of(visitor.get(address, {"impact": "HIGH"}))


def test_what_cannot_be_saved_leads_to_a_page_that_can_look_again(job_with_table: Job, visitor: Client) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    ResultFile.objects.filter(job=job_with_table).update(state=ResultState.RESTORING)
    answer = visitor.post(f"{address}columns/", {"column": ["qual"]}, follow=True)
    assert "Nothing was saved" in text_of(answer)
    looks = re.search(r'hx-get="([^"]+)"[^>]*every', text_of(answer))
    assert looks
    assert visitor.get(looks[1], headers={**HTMX, "X-Waited": "1"}).status_code == 200


@pytest.mark.parametrize(
    ("genes", "sentence"),
    [
        ("alpha", "changes a protein of ALPHA."),
        ("alpha beta", "Filter by one gene"),
        ("unknown,alpha", "changes a protein of ALPHA."),
    ],
)
def test_the_protein_is_of_the_one_gene_however_it_is_written(
    job_with_table: Job, visitor: Client, genes: str, sentence: str
) -> None:
    page = visitor.get(f"/jobs/{job_with_table.pk}/variants/charts/", {"gene": genes})
    assert sentence in text_of(page)
    assert page.context["genes"] == [gene.upper() for gene in re.split("[ ,]", genes) if gene != "unknown"]


def test_columns_are_remembered_and_only_those_of_the_file(job_with_table: Job, visitor: Client) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    answer = visitor.post(f"{address}columns/", {"column": ["filter", "qual"], "query": "impact=HIGH"})
    assert urlsplit(answer["Location"]).query == "impact=HIGH&columns=filter%2Cqual"
    assert [one.name for one in visitor.get(address).context["asked"].columns] in (
        ["filter", "qual"],
        ["qual", "filter"],
    )
    visitor.post(f"{address}columns/", {"column": ["password"]})
    assert len(visitor.get(address).context["asked"].columns) == 2


def test_the_genome_view_reads_by_byte_range(job_with_table: Job, visitor: Client) -> None:
    address = f"/jobs/{job_with_table.pk}/genome/"
    answer = visitor.get(f"{address}vcf/", headers={"Range": "bytes=0-9"})
    assert answer.status_code == 302
    assert "X-Amz-Signature" in answer["Location"]
    part = visitor.get(f"{address}fasta/", headers={"Range": "bytes=1-4"})
    assert (part.status_code, part["Content-Range"].partition("/")[0]) == (206, "bytes 1-4")
    genome = load_reference(job_with_table.reference).fasta.read_bytes()
    assert b"".join(part) == genome[1:5]  # type: ignore[call-overload]
    assert visitor.get(f"{address}fasta/", headers={"Range": "bytes=99999999-"}).status_code == 416
    assert visitor.get(f"{address}../../manage.py/").status_code == 404
    assert "MT\tchrM" in text_of(visitor.get(f"{address}aliases/")).replace(" ", "\t")
    ResultFile.objects.update(state=ResultState.ARCHIVED)
    assert visitor.get(f"{address}vcf/").status_code == 404


def test_an_export_that_is_too_large_or_one_too_many_is_refused_with_a_sentence(
    job_with_table: Job, visitor: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/jobs/{job_with_table.pk}/variants/"
    with ExitStack() as places:
        for _ in range(small_exports.AT_ONCE):
            places.enter_context(small_exports._one_of_few())
        assert "Other exports are being made." in text_of(visitor.get(f"{address}export/tsv/", follow=True))
    assert b"".join(visitor.get(f"{address}export/tsv/"))  # type: ignore[call-overload]
    settings.EXPLORER_ROWS_AT_ONCE = 3
    monkeypatch.setattr(export_formats, "tsv", lambda *_: pytest.fail("an export that is too large was begun"))
    found = visitor.get(f"{address}export/tsv/", follow=True)
    assert "and 3 is the maximum." in text_of(found)


def test_a_variant_has_its_page_while_the_pack_cannot_be_read(
    job_with_table: Job, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: str) -> None:
        raise s3.ObjectMissing("manifest.json")

    monkeypatch.setattr(genome, "pack_files", denied)
    row = visitor.get(f"/jobs/{job_with_table.pk}/variants/").context["page"].rows[0]
    answer = visitor.get(f"/jobs/{job_with_table.pk}/variants/at/{VariantKey.of_row(row)}/")
    assert answer.status_code == 200
    assert "data-genome" not in text_of(answer)


@pytest.mark.parametrize(("filters", "label"), [("gene=alpha", "ALPHA"), ("region=1", "chr1"), ("type=SNV", "SNV")])
def test_a_facet_is_marked_as_chosen_however_its_filter_is_written(
    job_with_table: Job, visitor: Client, filters: str, label: str
) -> None:
    page = visitor.get(f"/jobs/{job_with_table.pk}/variants/?{filters}&qual-missing=keep&sort=-pos")
    [chosen] = [row for facet in page.context["facets"] for row in facet.rows if row.chosen]
    assert chosen.label == label
    assert "sort=-pos" in chosen.url
    assert filters.partition("=")[0] not in chosen.url


def test_filters_of_many_samples_are_loaded_on_demand(
    request: pytest.FixtureRequest, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotated_vcf, "SAMPLES", tuple(f"patient {number}" for number in range(1, 51)))
    job = request.getfixturevalue("job_with_table")
    table = f"/jobs/{job.pk}/variants/"
    page = visitor.get(table)
    assert len(re.findall(r"<(?:input|select|textarea)[^>]* name=.s\d+-", text_of(page))) == 0
    assert "Sample patient 50" in text_of(page)
    assert f"{table}samples/50/" in text_of(page)
    fields = visitor.get(f"{table}samples/50/", headers={"HX-Request": "true"})
    assert set(re.findall(r'name="(s\d+)-', text_of(fields))) == {"s50"}
    assert [visitor.get(f"{table}samples/{number}/").status_code for number in (0, 51)] == [404, 404]
    # What is asked for is there at once, and a browser without scripts gets the fields by a whole page.
    active = text_of(visitor.get(f"{table}?s7-zygosity=het"))
    assert set(re.findall(r'name="(s\d+)-', active)) == {"s7"}
    assert 'id="group-samples" open' in active
    assert set(re.findall(r'name="(s\d+)-', text_of(visitor.get(f"{table}?sample=3")))) == {"s3"}
