"""Promise: every error is problem+json with a stable code and the request's id, and tells nothing of the inside."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from gas.api.middleware import MAX_BODY_BYTES
from gas.api.routes import jobs
from gas.aws.clients import BotoCoreError
from gas.logs import LineFormatter, request_id
from gas.users.models import User
from tests.support.api_program import Program, check

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["nothing", "jobs/not-a-uuid", "jobs/", "/api/", "/api/v2/jobs", "jobs/%00"])
def test_an_address_that_is_none(path: str, program: Program) -> None:
    check(program.get(path), 404, "not-found")


def test_a_method_that_an_address_does_not_take_is_told_which_it_takes(program: Program) -> None:
    answer = program.send("PUT", "jobs")
    check(answer, 405, "method-not-allowed")
    assert "GET" in answer["Allow"]


def test_values_that_are_wrong_are_named(program: Program) -> None:
    body = check(program.get("jobs?limit=0&status=NEW"), 422, "invalid")
    assert {one["field"] for one in body["errors"]} == {"limit", "status"}


@pytest.mark.parametrize("cursor", ["x", "AAAA", "bnVsbA", "WzEsMl0", "é", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsIngiXQ"])
def test_a_cursor_that_is_none(cursor: str, program: Program) -> None:
    check(program.get(f"jobs?cursor={cursor}"), 422, "bad-cursor")


def test_a_body_beyond_the_limit_is_not_read(program: Program) -> None:
    check(program.post("jobs", b"x" * (MAX_BODY_BYTES + 1)), 413, "too-large")


def test_a_host_that_is_not_ours() -> None:
    check(
        Client(raise_request_exception=False).get("/api/v1/jobs", headers={"Host": "evil.example"}), 400, "bad-request"
    )


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_tells_nothing(
    debug: bool, program: Program, monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = debug

    def crash(*_: Any) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(jobs, "take", crash)
    body = check(program.get("jobs"), 500, "internal")
    assert "secret" not in json.dumps(body)
    assert "a secret of the inside" in caplog.text  # staff see it


def test_storage_that_does_not_answer(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> None:
        raise BotoCoreError

    monkeypatch.setattr(jobs, "take", silent)
    answer = program.get("jobs")
    check(answer, 503, "storage-silent")
    assert answer["Retry-After"] == "60"


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", "gas_x"])
def test_a_header_that_is_no_token(header: str, db: None) -> None:
    check(Program().get("jobs", Authorization=header), 401, "unauthenticated")


@pytest.mark.parametrize("token", ["gas_nothing", "x" * 64, "é"])
def test_a_token_that_is_unknown(token: str, db: None) -> None:
    answer = Program().get("jobs", Authorization=f"Bearer {token}")
    check(answer, 401, "invalid-token")
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_signed_in_browser_reads_and_writes_with_the_token_against_forgery(person: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)
    assert browser.get("/api/v1/jobs").status_code == 200
    check(browser.delete("/api/v1/jobs/3c8a7ed2-4ad3-4a2a-8b5b-5a1a5f0a0f11"), 403, "csrf")
    browser.get("/profile/")
    token = browser.cookies["csrftoken"].value
    answer = browser.delete("/api/v1/jobs/3c8a7ed2-4ad3-4a2a-8b5b-5a1a5f0a0f11", headers={"X-CSRFToken": token})
    check(answer, 404, "not-found")


def test_a_token_counts_before_a_cookie(person: User, stranger: User, program_of: Callable[..., Program]) -> None:
    browser = Client()
    browser.force_login(person)
    answer = browser.get("/api/v1/jobs", headers={"Authorization": "Bearer gas_nothing"})
    check(answer, 401, "invalid-token")


def test_too_many_requests_of_one_token_hold_up_no_other(
    person: User, program_of: Callable[..., Program], settings: Any
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    program = program_of(person)
    first = program.get("jobs")
    assert first["RateLimit-Policy"] == '"requests";q=2;w=60'
    assert first["RateLimit"].startswith('"requests";r=1;t=')
    program.get("jobs")
    answer = program.get("jobs")
    check(answer, 429, "rate-limited")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer["RateLimit"].startswith('"requests";r=0;t=')
    assert program_of(person).get("jobs").status_code == 200


def test_a_poll_of_what_has_not_changed_has_no_body(program: Program) -> None:
    first = program.get("jobs")
    again = program.get("jobs", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert program.get("jobs", **{"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.once
def test_log_lines_name_the_request() -> None:
    record = logging.LogRecord("gas", logging.INFO, "", 1, "something", None, None)
    formatter = LineFormatter("{message}", style="{")
    assert formatter.format(record) == "something"
    token = request_id.set("abc")
    try:
        assert formatter.format(record) == "something [request abc]"
    finally:
        request_id.reset(token)


def test_pages_have_a_request_id_too(client: Client) -> None:
    assert client.get("/")["X-Request-Id"] != client.get("/")["X-Request-Id"]
