"""Promise: the OpenAPI document is kept in the repository, and does not change unsaid."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from gas.api.management.commands.write_openapi import FILE, text
from gas.api.problems import CODES
from gas.api.v1 import api
from gas.users.models import User


def test_the_document_in_docs_is_the_one_that_is_served(client: Client, db: None) -> None:
    assert FILE.read_text() == text(), "The API has changed. Say so in CHANGELOG.md, and run: make openapi"
    assert client.get("/api/v1/openapi.json").json() == json.loads(FILE.read_text())


@pytest.mark.once
def test_every_operation_names_its_scope_and_its_problems() -> None:
    document: Any = json.loads(text())
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            [security] = operation["security"]
            assert security["token"] == [operation["x-scope"]]
            assert {"401", "403", "429", "500", "503"} <= set(operation["responses"]), path
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"]
                    assert answer["description"]


@pytest.mark.parametrize("signed_in", [False, True])
def test_the_page_shows_every_endpoint_and_problem_without_a_script_of_its_own(
    signed_in: bool, person: User, browser_of: Callable[[User], Client]
) -> None:
    page = (browser_of(person) if signed_in else Client()).get("/api/v1/docs").content.decode()
    for path, operations in api.get_openapi_schema()["paths"].items():
        for method in operations:
            assert f"<code>{method.upper()} {path}</code>" in page
    assert all(f'id="problem-{code}"' in page for code in CODES)
    targets = set(re.findall(r'href="#([^"]+)"', page)) - {"main"}
    assert targets <= set(re.findall(r'id="([^"]+)"', page))
    assert len(re.findall("<script", page)) == 2  # those of every page
    assert "style=" not in page
    assert ("Try it with your account" in page) is signed_in
