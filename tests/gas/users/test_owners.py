"""Promise: who makes an account with another's address has no way into it once its owner has come."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from gas.users.models import User
from tests.support.people import PASSWORD, make_person, signed_in

pytestmark = pytest.mark.django_db

EMAIL = "victim@lab.example"
SQUATTERS = "a squatter's password"


def squat() -> Client:
    """The browser of somebody who has signed up with another's address."""
    browser = Client()
    browser.post("/accounts/signup/", {"email": EMAIL, "password1": SQUATTERS, "password2": SQUATTERS})
    assert User.objects.get().check_password(SQUATTERS)
    return browser


def come_by_code(email: str = EMAIL) -> Client:
    """The browser of the owner of the mailbox, who has asked for a code and typed it in."""
    browser = Client()
    browser.post("/accounts/login/code/", {"email": email})
    code = re.search(r"^ +(\S+)$", str(mail.outbox[-1].body), re.MULTILINE)
    if code:
        browser.post("/accounts/login/code/confirm/", {"code": code[1]})
    return browser


def mailed_link() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def enters(password: str) -> bool:
    client = Client()
    client.post("/accounts/login/", {"login": EMAIL, "password": password})
    return is_in(client)


def test_a_squatters_password_is_worth_nothing_once_the_owner_has_signed_in_by_a_code() -> None:
    squatter = squat()
    owner = come_by_code()
    assert b"had not been confirmed before" in owner.get("/profile/").content
    assert is_in(owner)
    assert EmailAddress.objects.get().verified
    assert not enters(SQUATTERS)
    assert not is_in(squatter)


def test_the_password_of_who_has_proved_the_address_stays_when_a_code_is_used() -> None:
    make_person(EMAIL)
    assert is_in(come_by_code())
    assert enters(PASSWORD)


def test_a_stranger_to_the_account_cannot_confirm_it_with_the_mailed_link() -> None:
    """The owner of the mailbox gets a mail that they did not ask for, and presses the button."""
    squat()
    link, owner = mailed_link(), Client()
    answer = owner.post(link, follow=True)
    assert b"Sign in first" in answer.content
    assert not EmailAddress.objects.get().verified
    assert not enters(SQUATTERS)


def test_nor_by_having_asked_for_a_code_which_they_did_not_type_in() -> None:
    squat()
    link, owner = mailed_link(), Client()
    owner.post("/accounts/login/code/", {"email": EMAIL})
    owner.post(link)
    assert not EmailAddress.objects.get().verified


def test_who_signed_up_elsewhere_gives_the_password_and_confirms_in_this_browser() -> None:
    squat()
    link, phone = mailed_link(), Client()
    phone.post("/accounts/login/", {"login": EMAIL, "password": SQUATTERS})
    phone.post(link)
    assert is_in(phone)


def test_the_browser_of_the_sign_up_confirms_however_late_the_mail_is() -> None:
    """A sign-in that is half-done is forgotten after a quarter of an hour; who signed up is not."""
    browser = squat()
    session: Any = browser.session
    session.pop("account_login")
    session.save()
    browser.post(mailed_link())
    assert EmailAddress.objects.get().verified


def test_an_address_that_an_account_merely_claims_leads_nobody_into_it() -> None:
    """Else the owner would put their data into a stranger's account."""
    stranger = make_person("mallory@lab.example")
    stranger.emailaddress_set.create(email=EMAIL, verified=False)
    assert not is_in(come_by_code())
    Client().post("/accounts/password/reset/", {"email": EMAIL})
    assert not any("/password/reset/key/" in str(sent.body) for sent in mail.outbox)
    assert not stranger.emailaddress_set.get(email=EMAIL).verified


def test_another_address_is_confirmed_by_who_is_signed_in() -> None:
    person = make_person(EMAIL)
    client = signed_in(person)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": "second@lab.example"})
    link = mailed_link()
    Client().post(link)
    assert not person.emailaddress_set.get(email="second@lab.example").verified
    client.post(link)
    assert person.emailaddress_set.get(email="second@lab.example").verified
