"""Promise: `gas login` signs in by the device flow, and only with a person's confirmation on our own page."""

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.idp.oidc.models import Token
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from gas.api.pages import device
from gas.api.scopes import ACCOUNT_WRITE, ALL, SCOPES
from gas.users.models import User
from tests.support.api_program import Program
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def send(path: str, form: dict[str, str]) -> Any:
    return Client().post(path, urlencode(form), content_type="application/x-www-form-urlencoded")


def begin(**more: str) -> dict[str, Any]:
    answer = send("/identity/o/api/device/code", {"client_id": "gas-cli", **more})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def poll(device_code: str) -> Any:
    form = {"grant_type": GRANT, "client_id": "gas-cli", "device_code": device_code}
    return send("/identity/o/api/token", form)


def page_of(begun: dict[str, Any]) -> str:
    return str(begun["verification_uri_complete"].removeprefix("http://testserver"))


def confirm(browser: Client, begun: dict[str, Any], action: str = "confirm") -> Any:
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser.post(page_of(begun), {"action": action})


def test_a_confirmed_program_acts_for_the_person_until_it_is_signed_out(
    person: User, browser_of: Callable[[User], Client]
) -> None:
    browser, begun = browser_of(person), begin(scope="jobs:read jobs:write")
    page = browser.get(page_of(begun)).content.decode()
    assert begun["user_code"] in page
    assert "Confirm only if you have just started the sign-in yourself" in page
    assert "is signed in" in confirm(browser, begun).content.decode()
    got = poll(begun["device_code"]).json()
    assert got["scope"].split() == ["jobs:read", "jobs:write"]
    program = Program(got["access_token"])
    assert program.get("jobs").status_code == 200
    assert "Let the program GAS command line sign in." in LogEntry.objects.get().get_change_message()
    assert "GAS command line" in browser.get("/profile/tokens/").content.decode()
    assert got["access_token"] not in str(Token.objects.values())
    form = {"grant_type": "refresh_token", "client_id": "gas-cli", "refresh_token": got["refresh_token"]}
    renewed = send("/identity/o/api/token", form).json()
    assert Program(renewed["access_token"]).get("jobs").status_code == 200
    browser.post("/profile/tokens/programs/sign-out/")
    assert Program(renewed["access_token"]).get("jobs").json()["code"] == "invalid-token"


def test_what_the_program_did_not_ask_for_it_may_not_do(person: User, browser_of: Callable[[User], Client]) -> None:
    begun = begin(scope="jobs:read")
    confirm(browser_of(person), begun)
    program = Program(poll(begun["device_code"]).json()["access_token"])
    Token.objects.update(scopes="jobs:write")
    assert program.get("jobs").json()["code"] == "missing-scope"
    Token.objects.update(expires_at=timezone.now())
    assert program.get("jobs").json()["code"] == "invalid-token"


def test_nothing_is_signed_in_before_or_against_the_persons_will(
    person: User, browser_of: Callable[[User], Client]
) -> None:
    begun = begin()
    assert poll(begun["device_code"]).json()["error"] == "authorization_pending"
    begun = begin()
    confirm(browser_of(person), begun, "deny")
    assert poll(begun["device_code"]).json()["error"] == "access_denied"
    begun = begin()
    answer = Client().post(page_of(begun), {"action": "confirm"})
    assert "/accounts/login/" in answer["Location"]
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    ("asked", "granted"),
    [({}, ALL - {ACCOUNT_WRITE}), ({"scope": "jobs:read"}, {"jobs:read"})],
)
def test_the_page_says_exactly_what_the_program_will_be_allowed_to_do(
    person: User, browser_of: Callable[[User], Client], asked: dict[str, str], granted: set[str]
) -> None:
    browser, begun = browser_of(person), begin(**asked)
    page = html.unescape(browser.get(page_of(begun)).content.decode())
    assert {scope for scope, text in SCOPES.items() if f"<li>{text}</li>" in page} == granted
    confirm(browser, begun)
    assert set(poll(begun["device_code"]).json()["scope"].split()) == granted


def test_the_command_line_gets_no_scope_that_changes_the_account() -> None:
    answer = send("/identity/o/api/device/code", {"client_id": "gas-cli", "scope": "account:write"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_confirming_asks_for_the_password_again(person: User, browser_of: Callable[[User], Client]) -> None:
    browser, begun = browser_of(person), begin()
    answer = browser.post(page_of(begun), {"action": "confirm"})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert poll(begun["device_code"]).json()["error"] == "authorization_pending"
    back = browser.post(answer["Location"], {"password": PASSWORD}, follow=True)
    assert begun["user_code"] in back.content.decode()
    assert "is signed in" in browser.post(page_of(begun), {"action": "confirm"}).content.decode()


def test_another_site_cannot_have_a_person_confirm(person: User) -> None:
    browser, begun = Client(enforce_csrf_checks=True), begin()
    browser.force_login(person)
    assert confirm(browser, begun).status_code == 403
    assert poll(begun["device_code"]).json()["error"] == "authorization_pending"


def test_an_address_begins_so_many_sign_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "SIGN_INS_A_MINUTE", 1)
    begin()
    answer = send("/identity/o/api/device/code", {"client_id": "gas-cli"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")


@pytest.mark.parametrize("grant", ["authorization_code", "client_credentials", "password", ""])
def test_no_other_grant_gives_a_token(grant: str) -> None:
    form = {"grant_type": grant, "client_id": "gas-cli", "client_secret": "!", "code": "x"}
    assert send("/identity/o/api/token", form).status_code in {400, 401}


@pytest.mark.parametrize("path", ["authorize", "logout", "api/userinfo", "api/clients", "api/introspect"])
def test_no_other_address_of_the_provider_is_served(path: str) -> None:
    assert Client().get(f"/identity/o/{path}").status_code == 404
