"""Signing up, in, and back in after a forgotten password: by e-mail, with its address proved."""

import re

import pytest
from django.core import mail
from django.test import Client

from gas.users.models import User
from tests.support.people import make_person

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD = "grace@lab.example", "a long enough phrase"


def sign_up(client: Client, password: str = PASSWORD) -> None:
    client.post("/accounts/signup/", {"email": EMAIL, "password1": password, "password2": password})


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD) -> bool:
    client.post("/accounts/login/", {"login": email, "password": password})
    return "_auth_user_id" in client.session


def link_in_mail() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_an_account_works_once_its_address_is_verified() -> None:
    client = Client()
    sign_up(client)
    assert not sign_in(Client())
    client.post(link_in_mail())
    assert sign_in(Client())


def test_opening_the_link_verifies_nothing_by_itself() -> None:
    """Mail scanners open links; a person presses the button."""
    client = Client()
    sign_up(client)
    assert client.get(link_in_mail()).status_code == 200
    assert not sign_in(Client())


@pytest.mark.parametrize("password", ["short", "1234567890123", "password123", EMAIL])
def test_a_weak_password_is_refused(password: str) -> None:
    sign_up(Client(), password)
    assert not User.objects.exists()


def test_a_wrong_password_does_not_sign_in() -> None:
    make_person(EMAIL)
    assert not sign_in(Client(), password="a long wrong phrase")


def test_guessing_is_slowed_down() -> None:
    make_person(EMAIL)
    client = Client()
    for _ in range(12):
        sign_in(client, password="a long wrong phrase")
    assert not sign_in(client, password="correct horse battery")


def test_a_forgotten_password_is_replaced_through_the_mailbox() -> None:
    make_person(EMAIL)
    client = Client()
    client.post("/accounts/password/reset/", {"email": EMAIL})
    form = client.get(link_in_mail(), follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": PASSWORD, "password2": PASSWORD})
    assert sign_in(Client())


def test_a_sign_up_does_not_tell_who_has_an_account() -> None:
    make_person(EMAIL)
    known, unknown = Client(), Client()
    form = {"password1": PASSWORD, "password2": PASSWORD}
    first = known.post("/accounts/signup/", {"email": EMAIL, **form})
    second = unknown.post("/accounts/signup/", {"email": "new@lab.example", **form})
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert User.objects.filter(email=EMAIL).count() == 1


def test_an_address_is_one_account_whatever_its_case() -> None:
    make_person(EMAIL)
    assert sign_in(Client(), email=EMAIL.upper(), password="correct horse battery")


@pytest.mark.parametrize(
    "page",
    ["", "accounts/login/", "accounts/signup/", "accounts/password/reset/", "accounts/confirm-email/", "nowhere/"],
)
def test_pages_for_everybody_open(page: str) -> None:
    answer = Client().get(f"/{page}")
    assert answer.status_code == (404 if page == "nowhere/" else 200)
    assert b"<main" in answer.content
