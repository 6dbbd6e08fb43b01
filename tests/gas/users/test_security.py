"""Promise: no page leads people astray, keeps them in another's session, or gives more than they may have."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gas.users.models import User
from tests.support.people import PASSWORD, signed_in

pytestmark = pytest.mark.django_db

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "https:evil.example",
    "http:///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_sign_in_leads_to_another_site(person: User, target: str) -> None:
    body = {"login": person.email, "password": PASSWORD, "next": target}
    assert Client().post("/accounts/login/", body)["Location"] == "/jobs/"
    assert Client().post(f"/accounts/login/?next={target}", body)["Location"] == "/jobs/"


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nor_does_a_sign_out_a_second_look_or_a_way_to_sign_in(client: Client, target: str) -> None:
    again = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": target})
    assert "evil" not in again["Location"]
    assert "script" not in again["Location"]
    assert "evil" not in client.post("/accounts/logout/", {"next": target})["Location"]
    page = client.get("/accounts/login/", {"next": target}).content.decode()
    assert 'href="https://evil' not in page


def test_a_place_of_our_own_is_gone_to(person: User) -> None:
    body = {"login": person.email, "password": PASSWORD, "next": "/profile/"}
    assert Client().post("/accounts/login/", body)["Location"] == "/profile/"


def test_a_session_that_somebody_else_knows_is_worth_nothing_after_sign_in(person: User) -> None:
    """Session fixation: an attacker gives the victim the attacker's cookie."""
    client = Client()
    client.get("/accounts/login/")
    session: Any = client.session
    session["planted"] = True
    session.save()
    known = session.session_key
    client.cookies["gas_session"] = known
    signed_in(person, client)
    assert client.session.session_key != known
    attacker = Client()
    attacker.cookies["gas_session"] = known
    assert attacker.get("/profile/").status_code == 302


def test_a_sign_out_ends_the_session_for_whoever_has_its_cookie(person: User) -> None:
    client = signed_in(person)
    known = client.session.session_key
    client.post("/accounts/logout/")
    attacker = Client()
    attacker.cookies["gas_session"] = str(known)
    assert attacker.get("/profile/").status_code == 302


@pytest.mark.parametrize("address", ["/", "/profile/", "/accounts/login/", "/accounts/password/reset/"])
def test_a_name_that_is_not_ours_gets_no_page(address: str) -> None:
    """Else a mailed link to reset a password would lead where an attacker's Host header says."""
    assert Client(headers={"host": "evil.example"}).get(address).status_code == 400
    assert Client(headers={"host": "evil.example"}).post(address).status_code == 400


FORBIDDEN = {
    "plan": "premium",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "",
    "email": "other@lab.example",
    "password": "x",
    "id": "00000000-0000-0000-0000-000000000000",
    "date_joined": "2000-01-01",
    "groups": "1",
    "user_permissions": "1",
}


def test_the_profile_takes_no_more_than_it_shows(client: Client, person: User) -> None:
    before = User.objects.values().get()
    client.post(
        "/profile/", {"name": "Ada", "mail_completed": "on", "mail_failed": "on", "mail_restored": "on", **FORBIDDEN}
    )
    assert User.objects.values().get() == {**before, "name": "Ada"}


def test_nor_does_signing_up(db: None) -> None:
    phrase = "a long enough phrase"
    form = {"password1": phrase, "password2": phrase, **FORBIDDEN, "email": "new@lab.example"}
    Client().post("/accounts/signup/", form)
    user = User.objects.get()
    assert (user.plan, user.is_staff, user.is_superuser) == ("free", False, False)


#: What each changes, and whether a GET shows a page (200), leads on (302), or is not for it (405).
CHANGING = {
    "users:profile": {200},
    "users:delete": {200, 302},
    "account_logout": {200},
    "account_email": {200, 302},
    "account_change_password": {200, 302},
    "usersessions_list": {200},
    "mfa_activate_totp": {200, 302},
    "mfa_add_webauthn": {200, 302},
    "socialaccount_connections": {200, 302},
}


@pytest.mark.parametrize(("name", "answers"), CHANGING.items())
def test_a_get_changes_nothing(sure: Client, name: str, answers: set[int]) -> None:
    before = (User.objects.values().get(), sure.session["_auth_user_id"])
    answer = sure.get(reverse(name), {"name": "Mallory", "email": "ada@lab.example", "action_add": "", "action": "go"})
    assert answer.status_code in answers
    assert (User.objects.values().get(), sure.session["_auth_user_id"]) == before


@pytest.mark.parametrize("name", CHANGING)
def test_a_post_without_its_token_changes_nothing(person: User, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    before = User.objects.values().get()
    assert client.post(reverse(name), {"name": "Mallory", "email": person.email}).status_code == 403
    assert User.objects.values().get() == before


@pytest.mark.parametrize("name", ["users:profile", "users:export", "users:delete"])
def test_who_is_not_signed_in_is_asked_to(db: None, name: str) -> None:
    answer = Client().get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("name", ["users:profile", "users:export", "users:delete"])
def test_there_are_no_other_methods(sure: Client, name: str, method: str) -> None:
    assert getattr(sure, method)(reverse(name)).status_code == 405


def test_pages_of_a_person_are_kept_in_no_cache(sure: Client) -> None:
    for name in ("users:profile", "users:delete"):
        assert "no-store" in sure.get(reverse(name))["Cache-Control"]
