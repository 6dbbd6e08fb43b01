"""A program that calls the API with a token."""

import json
from datetime import timedelta
from typing import Any

from django.test import Client

from gas.api import tokens
from gas.api.problems import CODES
from gas.api.scopes import ALL
from gas.users.models import User
from tests.support.jobs import SMALL_VCF

ASKED = {"name": "sample.vcf", "size": len(SMALL_VCF), "reference": "rCRS"}


def make_token(owner: User, *scopes: str, lifetime: timedelta = timedelta(days=1)) -> str:
    """A token of the person; with every scope unless some are named."""
    return tokens.make(owner, name="a test", scopes=list(scopes or ALL), lifetime=lifetime)[1]


class Program:
    """Sends requests with a token, as a program does."""

    def __init__(self, token: str = "") -> None:
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = Client(raise_request_exception=False)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        address = path if path.startswith("/") else f"/api/v1/{path}"
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(
            method, address, data, content_type="application/json", headers={**self.headers, **headers}
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)


def check(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert answer["Content-Type"] == "application/problem+json"
    assert body["status"] == status
    assert body["title"] == CODES[code].title
    assert body["request_id"] == answer["X-Request-Id"]
    assert body["type"].endswith(f"/api/v1/docs#problem-{code}")
    return body
