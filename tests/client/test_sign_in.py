"""Promise: a token is found where it was put, readable by its owner only; the device flow signs in without one."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import keyring
import pytest
from allauth.idp.oidc.models import Token
from django.test import Client
from django.utils import timezone
from keyring.backend import KeyringBackend

from gas.users.models import User
from gas_client import screen
from tests.support.api_program import make_token
from tests.support.gas_command import Gas
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db


class MemoryKeyring(KeyringBackend):
    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    found = MemoryKeyring()
    for name in ("get_password", "set_password", "delete_password"):
        monkeypatch.setattr(keyring, name, getattr(found, name))
    monkeypatch.setattr(keyring, "get_keyring", lambda: found)
    return found


def secrets() -> Path:
    return Path(os.environ["GAS_CONFIG_DIR"]) / "credentials.json"


def test_nobody_is_signed_in_at_first(stranger_gas: Gas) -> None:
    assert stranger_gas("jobs")[0] == 2
    code, _, err = stranger_gas("--server", "http://testserver", "jobs")
    assert (code, err) == (3, "gas: You are not signed in. Run gas login, or set GAS_TOKEN.\n")
    assert stranger_gas("login", "--server", "http://testserver")[0] == 2  # nobody there to confirm
    assert stranger_gas.network.sent == []


def test_a_token_is_kept_in_a_file_of_its_owner(stranger_gas: Gas, person: User) -> None:
    code, out, _ = stranger_gas("login", "--server", "http://testserver/", "--token", make_token(person))
    assert (code, out) == (0, "Signed in to http://testserver as ada@lab.example. The token is in the file.\n")
    assert stat.S_IMODE(secrets().stat().st_mode) == 0o600
    assert "ada@lab.example at http://testserver" in stranger_gas("whoami")[1]
    assert stranger_gas("--server", "http://127.0.0.1:1", "jobs")[0] == 3  # the token is not sent elsewhere
    assert stranger_gas("--profile", "other", "jobs")[0] == 2
    assert stranger_gas("logout")[0] == 0
    assert "gas_" not in secrets().read_text()
    assert stranger_gas("jobs")[0] == 3


def test_a_token_is_kept_in_the_keyring_where_there_is_one(
    stranger_gas: Gas, person: User, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger_gas("login", "--server", "http://testserver", "--token", make_token(person))
    assert len(ring.kept) == 1
    assert not secrets().exists()
    assert stranger_gas("jobs")[0] == 0
    monkeypatch.setenv("GAS_TOKEN", "gas_another")
    assert stranger_gas("jobs")[0] == 3  # the environment comes first
    monkeypatch.delenv("GAS_TOKEN")
    stranger_gas("logout")
    assert ring.kept == {}


def test_a_token_that_is_none_is_not_kept(stranger_gas: Gas) -> None:
    code, _, err = stranger_gas("login", "--server", "http://testserver", "--token", "gas_none")
    assert (code, secrets().exists()) == (3, False)
    assert err.startswith("gas: There is no such token.")


def test_a_person_confirms_in_the_browser_and_the_sign_in_is_renewed_and_revoked(
    stranger_gas: Gas, person: User, browser_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "on_terminal", lambda: True)
    said: list[str] = []
    monkeypatch.setattr(screen, "say", said.append)

    def confirm() -> None:
        if len(stranger_gas.pauses) == 1:
            [address] = re.findall(r"http://testserver(\S+)", said[0])
            browser = browser_of(person)
            browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
            browser.post(address, {"action": "confirm"})

    stranger_gas.meanwhile = confirm
    code, out, _ = stranger_gas("login", "--server", "http://testserver")
    assert (code, said) == (0, said[:1])
    assert out.startswith("Signed in to http://testserver as ada@lab.example.")
    Token.objects.filter(type=Token.Type.ACCESS_TOKEN).update(expires_at=timezone.now())
    assert stranger_gas("jobs")[0] == 0
    assert stranger_gas("jobs")[0] == 0
    assert stranger_gas.network.count("POST", "/api/token") == 2  # a poll and a renewal
    assert stranger_gas("logout")[0] == 0
    assert not Token.objects.filter(expires_at__gt=timezone.now()).exists()


def test_a_sign_in_that_is_refused(
    stranger_gas: Gas, person: User, browser_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "on_terminal", lambda: True)
    said: list[str] = []
    monkeypatch.setattr(screen, "say", said.append)
    stranger_gas.meanwhile = lambda: (
        browser_of(person).post(re.findall(r"http://testserver(\S+)", said[0])[0], {"action": "deny"}) and None
    )
    assert stranger_gas("login", "--server", "http://testserver")[0] == 3
    assert said[-1] == "gas: The sign-in was refused in the browser."
