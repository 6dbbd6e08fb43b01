"""Promise: a request's JSON is answered with 400 when it is none, or has text that no database takes."""

from typing import Any

import pytest

from gas.users.models import User

pytestmark = pytest.mark.django_db

HALVES = [rb'"\ud800"', rb'"a\udfffb"', rb'{"\ud800": 1}', rb'["\ud800"]', rb'"\ud83d\ud83d\ude00"']
BROKEN = [b"", b"{", b"\xff\xfe{\x00}\x00", b"[" * 100_000, b'{"a": "\xed\xa0\x80"}']


@pytest.mark.parametrize("address", ["/jobs/uploads/", "/jobs/builds/"])
@pytest.mark.parametrize("value", HALVES)
def test_half_of_a_surrogate_pair(aws: Any, person: User, browser_of: Any, address: str, value: bytes) -> None:
    for body in (
        b'{"name": %s, "size": 10, "reference": "rCRS"}' % value,
        b'{"name": "a.vcf", "size": 10, "reference": %s}' % value,
        b'{"header": [%s], "records": []}' % value,
        b'{"header": [], "records": [["chrM", 1, %s]]}' % value,
    ):
        assert browser_of(person).post(address, body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("address", ["/jobs/uploads/", "/jobs/builds/"])
@pytest.mark.parametrize("body", BROKEN)
def test_what_is_no_json(aws: Any, person: User, browser_of: Any, address: str, body: bytes) -> None:
    assert browser_of(person).post(address, body, content_type="application/json").status_code == 400


def test_a_whole_pair_is_text(aws: Any, person: User, browser_of: Any) -> None:
    body = rb'{"name": "\ud83d\ude00.vcf", "size": 10, "reference": "rCRS"}'
    answer = browser_of(person).post("/jobs/uploads/", body, content_type="application/json")
    assert answer.status_code == 201
