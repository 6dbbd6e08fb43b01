"""What tests of the API share: tokens, and requests that carry one."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from gas.api import tokens
from gas.api.scopes import ALL
from gas.users.models import User


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


@pytest.fixture
def program(person: User) -> Program:
    """A program of the person, with every scope."""
    return Program(make_token(person))


@pytest.fixture
def program_of() -> Callable[..., Program]:
    def make(owner: User, *scopes: str) -> Program:
        return Program(make_token(owner, *scopes))

    return make
