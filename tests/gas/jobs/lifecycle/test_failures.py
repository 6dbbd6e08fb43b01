"""Promise: every failure code of the service is classified: whether another try can help, and what is offered."""

import ast
from functools import cache
from pathlib import Path

import pytest

from gas.jobs.lifecycle.failures import BAD_FILE, FAILURES, failure_of

ROOT = Path(__file__).parents[4]


@cache
def calls(folder: str) -> list[ast.Call]:
    trees = (ast.parse(path.read_text()) for path in (ROOT / folder).rglob("*.py"))
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def codes_of_the_service() -> set[str]:
    """What is written into a row as its failure code: `fail(…, code="…")` and `failure_code="…"`."""
    return {
        keyword.value.value
        for folder in ("gas", "annotator")
        for call in calls(folder)
        for keyword in call.keywords
        if keyword.arg in {"code", "failure_code"}
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
        and keyword.value.value
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in {"fail", "_end_failed", "move_job", "_refuse"}
    }


def codes_of_files() -> set[str]:
    """The codes of the annotator's errors about a file."""
    return {
        call.args[0].value
        for call in calls("annotator")
        if getattr(call.func, "id", "") in {"InputError", "Unusable"}
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_every_code_that_the_service_gives_is_in_the_table() -> None:
    assert codes_of_the_service() == set(FAILURES)


def test_no_code_about_a_file_is_taken_for_one_of_the_services() -> None:
    assert {"not-a-vcf", "truncated-gzip", "bad-info"} <= codes_of_files()
    assert not codes_of_files() & set(FAILURES)


@pytest.mark.parametrize("code", ["not-a-vcf", "truncated-gzip", "a-code-of-tomorrow"])
def test_a_file_that_is_at_fault_is_at_fault_again(code: str) -> None:
    assert failure_of(code) is BAD_FILE
    assert not BAD_FILE.retry


def test_whoever_cannot_try_again_is_offered_an_upload() -> None:
    assert all(failure.retry or failure.upload for failure in [BAD_FILE, *FAILURES.values()])
