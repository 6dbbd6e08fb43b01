"""Promise: nobody's mailbox is filled by who types its address, and nobody else's asking keeps its owner out."""

from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from gas.mail import outbox
from gas.mail.models import OwedMail
from gas.users.models import User
from tests.support.mail_down import DOWN

pytestmark = pytest.mark.django_db

RESET, CODE = "/accounts/password/reset/", "/accounts/login/code/"
PHRASE = "a long enough phrase"


def ask(address: str, email: str, client: str = "127.0.0.1", times: int = 1) -> list[Any]:
    return [Client(REMOTE_ADDR=client).post(address, {"email": email}) for _ in range(times)]


def mails_to(email: str) -> int:
    return sum(sent.to == [email] for sent in mail.outbox)


@pytest.mark.parametrize("address", [RESET, CODE])
def test_an_address_without_an_account_is_told_so_three_times_an_hour(db: None, address: str) -> None:
    for number in range(4):
        ask(address, "nobody@lab.example", client=f"192.0.2.{number}", times=2)
    assert mails_to("nobody@lab.example") == 3


def test_so_is_one_that_is_signed_up_with_again(person: User, settings: Any) -> None:
    # Without allauth's own pause of three minutes between two of them.
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "confirm_email": "100/m/key"}
    for number in range(5):
        form = {"email": person.email, "password1": PHRASE, "password2": PHRASE}
        Client(REMOTE_ADDR=f"192.0.2.{number}").post("/accounts/signup/", form)
    assert mails_to(person.email) == 3


@pytest.mark.parametrize("address", [RESET, CODE])
@pytest.mark.parametrize("email", ["ada@lab.example", "nobody@lab.example"])
def test_each_client_asks_six_times_an_hour(person: User, address: str, email: str) -> None:
    answers = ask(address, email, times=7)
    assert [answer.status_code for answer in answers] == [302] * 6 + [200]
    assert b"Many mails were asked for" in answers[-1].content


@pytest.mark.parametrize("address", [RESET, CODE])
def test_a_strangers_asking_does_not_keep_the_owner_from_it(person: User, address: str) -> None:
    ask(address, person.email, client="192.0.2.7", times=8)
    outbox.send_owed()
    before = mails_to(person.email)
    (answer,) = ask(address, person.email.upper())
    assert answer.status_code == 302
    outbox.send_owed()
    assert len(mail.outbox) == before + 1


def test_all_clients_together_send_thirty_an_hour(person: User) -> None:
    for number in range(8):
        ask(RESET, person.email, client=f"192.0.2.{number}", times=5)
    outbox.send_owed()
    assert mails_to(person.email) == 30


@pytest.mark.parametrize("address", [RESET, CODE])
@pytest.mark.parametrize("backend", ["django.core.mail.backends.locmem.EmailBackend", DOWN])
def test_asking_often_does_not_tell_who_has_an_account(
    person: User, settings: Any, monkeypatch: pytest.MonkeyPatch, address: str, backend: str
) -> None:
    """Neither by what the page says nor by whether the request waits for the mail service."""
    settings.EMAIL_BACKEND = backend
    backends: list[str] = []
    get_connection = EmailMessage.get_connection
    monkeypatch.setattr(
        EmailMessage, "get_connection", lambda *args: (backends.append("asked"), get_connection(*args))[1]
    )
    seen = {}
    for email in (person.email, "nobody@lab.example"):
        OwedMail.objects.all().delete()
        seen[email] = []
        for number in range(6):
            backends.clear()
            page = Client().post(address, {"email": email}, follow=True).content.decode()
            seen[email].append((number, "Our mail is delayed" in page, len(backends)))
    assert seen[person.email] == seen["nobody@lab.example"]
    assert seen[person.email][-1] == (5, True, 0)
