"""Promise: the API filters, sorts, pages and exports variants as the explorer does, by the same names."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gas.api.models import IdempotentAnswer
from gas.api.routes.variants import address_of
from gas.api.schemas.variants import MOST_VALUES
from gas.api.v1 import api
from gas.explorer import small_exports
from gas.explorer.export_formats import FORMATS
from gas.explorer.filters import FIXED
from gas.explorer.models import ExportState, VariantExport
from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support.api_program import Program, check

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws", "queued")]


@pytest.fixture
def path(job_with_table: Job) -> str:
    return f"jobs/{job_with_table.pk}"


def every_item(program: Program, address: str) -> list[Any]:
    found, cursor = [], ""
    while cursor is not None:
        got = program.get(f"{address}&cursor={cursor}").json()
        found += got["items"]
        cursor = got["next_cursor"]
    return found


def test_pages_have_every_variant_once_in_the_order_that_is_asked_for(path: str, program: Program) -> None:
    whole = program.get(f"{path}/variants?limit=500&count=true").json()
    assert whole["total"] == len(whole["items"]) > 20
    assert every_item(program, f"{path}/variants?limit=7") == whole["items"]
    by_place = every_item(program, f"{path}/variants?limit=7&sort=-pos&columns=type")
    assert [one["pos"] for one in by_place] == sorted((one["pos"] for one in whole["items"]), reverse=True)
    assert set(by_place[0]) == {"contig", "pos", "ref", "alt", "type"}


def test_filters_leave_what_they_say(path: str, program: Program) -> None:
    every = program.get(f"{path}/variants?limit=500&columns=type,qual").json()["items"]
    snvs = program.get(f"{path}/variants?limit=500&columns=type,qual&type=SNV&qual-min=20&qual-missing=drop").json()
    wanted = [one for one in every if one["type"] == "SNV" and one["qual"] is not None and one["qual"] >= 20]
    assert snvs["items"] == wanted
    assert 0 < len(wanted) < len(every)
    first, second = sorted({one["type"] for one in every if one["type"]})[:2]
    both = program.get(f"{path}/variants?limit=500&columns=type&type={first}&type={second}").json()["items"]
    assert {one["type"] for one in both} == {first, second}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("impakt=HIGH", "impakt"),
        ("impact=HUGE", "impact"),
        ("qual-min=x", "qual-min"),
        ("qual-min=5", "qual-missing"),
        ("sort=nothing", "sort"),
        ("columns=pos,nothing", "columns"),
        ("columns=term_bits", "columns"),
        ("limit=501", "limit"),
    ],
)
def test_what_the_result_does_not_have_is_refused(query: str, field: str, path: str, program: Program) -> None:
    body = check(program.get(f"{path}/variants?{query}"), 422, "invalid")
    assert field in {one["field"] for one in body["errors"]}


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WyJwb3MiLDAsMSwxXQ"])
def test_a_cursor_of_another_order(cursor: str, path: str, program: Program) -> None:
    check(program.get(f"{path}/variants?cursor={cursor}"), 422, "bad-cursor")


def test_a_variant_by_its_key_and_what_can_be_asked(path: str, program: Program) -> None:
    [first] = program.get(f"{path}/variants?limit=1").json()["items"]
    key = f"{first['contig']}-{first['pos']}-{first['ref']}-{first['alt']}"
    got = program.get(f"{path}/variants/{key}").json()
    assert got["key"] == key
    assert {name: got["columns"][name] for name in ("contig", "pos", "ref", "alt")} == {
        name: first[name] for name in ("contig", "pos", "ref", "alt")
    }
    check(program.get(f"{path}/variants/chr99-1-A-C"), 404, "not-found")
    check(program.get(f"{path}/variants/nonsense"), 404, "not-found")
    asked = program.get(f"{path}/filters").json()
    names = {one["name"] for one in asked["filters"]}
    assert {"impact", "qual-min", "s1-zygosity"} <= names
    assert set(got["columns"]) == {one["name"] for one in asked["columns"]}


def test_a_file_of_variants_is_the_explorers(path: str, program: Program, person: Any, browser_of: Any) -> None:
    answer = program.get(f"{path}/variants/export/tsv?type=SNV&columns=type")
    mine = b"".join(answer.streaming_content).splitlines()[1:]
    page = browser_of(person).get(f"/{path}/variants/export/tsv/?type=SNV&columns=type")
    assert mine == b"".join(page.streaming_content).splitlines()[1:]
    assert len(mine) > 1
    assert "sample.variants.tsv" in answer["Content-Disposition"]


def test_too_many_variants_for_a_file_at_once(path: str, program: Program, settings: Any) -> None:
    settings.EXPLORER_ROWS_AT_ONCE = 3
    assert "3 is the maximum" in check(program.get(f"{path}/variants/export/tsv"), 422, "query-refused")["detail"]


def test_an_export_in_the_background(path: str, program: Program) -> None:
    asked = {"format": "tsv", "filters": {"type": ["SNV"], "qual-missing": "drop"}, "columns": ["type"], "sort": "-pos"}
    made = program.post(f"{path}/exports", asked)
    assert made.status_code == 201
    got = made.json()
    assert (got["state"], got["url"]) == ("waiting", None)
    row = VariantExport.objects.get()
    assert row.query == "type=SNV&qual-missing=drop&sort=-pos&columns=type"
    assert program.post(f"{path}/exports", asked).json()["id"] == got["id"]
    assert program.get(f"{path}/exports/{got['id']}").json() == got
    assert [one["id"] for one in program.get(f"{path}/exports").json()["items"]] == [got["id"]]
    check(program.post(f"{path}/exports", {**asked, "filters": {"impakt": "HIGH"}}), 422, "invalid")
    check(program.post(f"{path}/exports", {**asked, "format": "docx"}), 422, "invalid")
    assert program.send("DELETE", f"{path}/exports/{got['id']}").status_code == 204
    check(program.get(f"{path}/exports/{got['id']}"), 404, "not-found")


def test_a_repeated_export_has_no_presigned_address(path: str, program: Program) -> None:
    asked, key = {"format": "tsv"}, {"Idempotency-Key": "5f0c"}
    made = program.post(f"{path}/exports", asked).json()
    VariantExport.objects.update(
        state=ExportState.READY, key="k", finished_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1)
    )
    first, again = (program.post(f"{path}/exports", asked, **key).json() for _ in range(2))
    assert first["id"] == again["id"] == made["id"]
    assert "X-Amz-Signature" in first["url"]
    assert again["url"] is None
    assert "X-Amz-Signature" not in str(IdempotentAnswer.objects.values())


@pytest.mark.parametrize(
    "more",
    [
        {"filters": {"\ud800": "x"}},
        {"filters": {"q": "\ud800"}},
        {"filters": {"q": ["x", "\ud800"]}},
        {"sort": "\ud800"},
        {"columns": ["\ud800"]},
    ],
)
def test_half_a_surrogate_is_refused(more: dict[str, Any], path: str, program: Program) -> None:
    check(program.post(f"{path}/exports", {"format": "tsv", **more}), 422, "invalid")


def test_an_export_of_too_many_values_says_so(path: str, program: Program) -> None:
    most = {"type": ["SNV"] * (MOST_VALUES - 1), "qual-missing": "drop"}
    assert program.post(f"{path}/exports", {"format": "tsv", "filters": most}).json()["code"] == "query-refused"
    [one] = check(
        program.post(f"{path}/exports", {"format": "tsv", "filters": {**most, "impact": "HIGH"}}), 422, "invalid"
    )["errors"]
    assert (one["field"], "at most 900 values" in one["message"]) == ("filters", True)


def test_a_token_that_reads_results_removes_no_export(
    path: str, program: Program, person: User, program_of: Any
) -> None:
    reader = program_of(person, "results:read")
    made = reader.post(f"{path}/exports", {"format": "tsv"}).json()
    check(reader.send("DELETE", f"{path}/exports/{made['id']}"), 403, "missing-scope")
    assert program.send("DELETE", f"{path}/exports/{made['id']}").status_code == 204


def test_while_other_exports_are_made_a_file_is_to_be_had_later(path: str, program: Program) -> None:
    with ExitStack() as places:
        for _ in range(small_exports.AT_ONCE):
            places.enter_context(small_exports._one_of_few())
        answer = program.get(f"{path}/variants/export/tsv")
    assert "Other exports" in check(answer, 503, "unavailable")["detail"]
    assert answer["Retry-After"] == "60"
    assert b"".join(program.get(f"{path}/variants/export/tsv").streaming_content)


@pytest.mark.parametrize(
    ("state", "reason", "retry"), [("ARCHIVED", "archived", False), ("RESTORING", "restoring", True)]
)
def test_an_archived_result_says_so(
    state: str,
    reason: str,
    retry: bool,
    path: str,
    program: Program,
    job_with_table: Job,
) -> None:
    ResultFile.objects.update(state=state)
    for address in (f"{path}/variants", f"{path}/filters", f"{path}/variants/export/tsv"):
        answer = program.get(address)
        assert check(answer, 409, "not-available")["reason"] == reason
        assert ("Retry-After" in answer) is retry
    assert check(program.get(f"{path}/outputs/vcf"), 409, "not-available")["reason"] == "elsewhere"


def test_the_document_has_every_filter_of_the_registry() -> None:
    operation = api.get_openapi_schema()["paths"]["/api/v1/jobs/{job_id}/variants"]["get"]
    names = [one["name"] for one in operation["parameters"]]
    assert len(names) == len(set(names))
    for one in FIXED:
        assert any(name == one.name or name.startswith(f"{one.name}-") for name in names), one.name
    [form] = [one for one in api.get_openapi_schema()["paths"] if one.endswith("/variants/export/{format}")]
    schema = json.dumps(api.get_openapi_schema()["paths"][form])
    assert all(f'"{kind}"' in schema for kind in FORMATS)


def test_only_filters_order_and_columns_are_taken_from_an_address(rf: Any) -> None:
    request = rf.get("/?limit=5&cursor=x&count=true&type=SNV&type=MNV&sort=pos&columns=pos")
    assert address_of(request) == "type=SNV&type=MNV&sort=pos&columns=pos"


def test_a_page_takes_as_many_queries_whatever_its_size(
    path: str, program: Program, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    program.get(f"{path}/variants")
    for limit in (1, 500):
        with django_assert_max_num_queries(4):
            program.get(f"{path}/variants?limit={limit}")
