"""Signing in without a password, with more than a password, and out of other places; guessers are kept out."""

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client

from gas.users.middleware import SEEN_SECONDS
from gas.users.models import User
from tests.support.people import PASSWORD, is_in, make_person, signed_in

pytestmark = pytest.mark.django_db


def mailed_code() -> str:
    found = re.search(r"^ +(\S+)$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found
    return found[1]


def totp_code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_a_mailed_code_signs_in(person: User) -> None:
    client = Client()
    client.post("/accounts/login/code/", {"email": person.email})
    assert mail.outbox[-1].to == [person.email]
    client.post("/accounts/login/code/confirm/", {"code": mailed_code()})
    assert is_in(client)


def test_a_mailed_code_works_in_no_other_browser(person: User) -> None:
    asking, other = Client(), Client()
    asking.post("/accounts/login/code/", {"email": person.email})
    other.post("/accounts/login/code/confirm/", {"code": mailed_code()})
    assert not is_in(other)


def test_codes_cannot_be_guessed(person: User) -> None:
    client = Client()
    client.post("/accounts/login/code/", {"email": person.email})
    code = mailed_code()
    for _ in range(3):
        client.post("/accounts/login/code/confirm/", {"code": "WRONG1"})
    client.post("/accounts/login/code/confirm/", {"code": code})
    assert not is_in(client)


def test_asking_for_a_code_does_not_tell_who_has_an_account(person: User) -> None:
    known = Client().post("/accounts/login/code/", {"email": person.email})
    unknown = Client().post("/accounts/login/code/", {"email": "nobody@lab.example"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def guess(person: User, times: int, address: str = "127.0.0.1") -> bytes:
    """Wrong passwords from one address; the last page."""
    client, page = Client(REMOTE_ADDR=address), b""
    for _ in range(times):
        page = client.post("/accounts/login/", {"login": person.email, "password": "a long wrong phrase"}).content
    return page


def test_the_sixth_wrong_password_is_refused_and_so_is_the_right_one_then(person: User) -> None:
    assert b"Too many" not in guess(person, 5)
    assert b"Too many failed attempts" in guess(person, 1)
    client = Client()
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    assert not is_in(client)


def test_anothers_wrong_passwords_do_not_lock_the_owner_out(person: User) -> None:
    assert b"Too many failed attempts" in guess(person, 6, address="192.0.2.7")
    assert is_in(signed_in(person))


def test_guessing_from_many_addresses_ends_sign_in_by_password_but_not_by_mail(person: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed_account": "12/h/key"}
    pages = [guess(person, 3, address=f"192.0.2.{number}") for number in range(5)]
    assert [b"Too many failed attempts" in page for page in pages] == [False] * 4 + [True]

    locked = Client(REMOTE_ADDR="198.51.100.1")
    locked.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    assert not is_in(locked)

    locked.post("/accounts/login/code/", {"email": person.email})
    locked.post("/accounts/login/code/confirm/", {"code": mailed_code()})
    assert is_in(locked)


def test_who_signs_in_often_uses_nothing_up(person: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed_account": "3/h/key"}
    for _ in range(8):
        signed_in(person)


def test_one_persons_lock_out_is_nobody_elses(person: User, stranger: User) -> None:
    for _ in range(7):
        Client().post("/accounts/login/", {"login": person.email, "password": "a long wrong phrase"})
    signed_in(stranger)


@pytest.mark.django_db(transaction=True)
def test_an_app_is_set_up_and_from_then_on_asked_for(sure: Client, person: User) -> None:
    page = sure.get("/accounts/2fa/totp/activate/")
    assert b"data:image/svg" in page.content
    secret = page.context["form"].secret
    sure.post("/accounts/2fa/totp/activate/", {"code": totp_code(secret)})
    assert Authenticator.objects.filter(user=person, type="totp").exists()
    assert "Your authenticator app is on" in [sent.subject for sent in mail.outbox]

    client = Client()
    answer = client.post("/accounts/login/", {"login": person.email, "password": PASSWORD}, follow=True)
    assert not is_in(client)
    assert b"Second factor" in answer.content
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert not is_in(client)


def test_each_recovery_code_signs_in_once(sure: Client, person: User) -> None:
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    sure.post("/accounts/2fa/recovery-codes/generate/")
    codes = sure.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    assert len(codes) == 10
    for expected in (True, False):
        client = Client()
        client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
        client.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert is_in(client) is expected


def test_a_mailed_code_is_no_way_around_the_second_factor(person: User) -> None:
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    client = Client()
    client.post("/accounts/login/code/", {"email": person.email})
    answer = client.post("/accounts/login/code/confirm/", {"code": mailed_code()}, follow=True)
    assert not is_in(client)
    assert b"Second factor" in answer.content


@pytest.mark.parametrize(
    "address", ["2fa/totp/activate/", "2fa/webauthn/add/", "2fa/recovery-codes/generate/", "email/"]
)
def test_who_may_sign_in_is_changed_only_after_the_password_is_asked_for_again(
    client: Client, person: User, address: str
) -> None:
    TOTP.activate(person, "JBSWY3DPEHPK3PXP") if "recovery" in address else None
    answer = client.post(f"/accounts/{address}", {"action_add": "", "email": "other@lab.example"})
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert person.emailaddress_set.count() == 1


def test_the_list_of_sessions_names_each_and_signs_out_all_others(person: User) -> None:
    here = signed_in(person, Client(headers={"user-agent": "Firefox on a laptop"}))
    there = signed_in(person, Client(headers={"user-agent": "Chromium on a phone"}))
    page = here.get("/accounts/sessions/").content.decode()
    assert "Firefox on a laptop" in page
    assert "Chromium on a phone" in page
    here.post("/accounts/sessions/")
    assert here.get("/jobs/").status_code == 200
    assert there.get("/jobs/").status_code == 302


def test_a_sessions_last_use_is_written_now_and_then(client: Client, person: User, monkeypatch: Any) -> None:
    client.get("/jobs/")
    first = UserSession.objects.get(user=person)
    client.get("/jobs/")
    assert UserSession.objects.get(user=person).last_seen_at == first.last_seen_at
    now = time.time() + SEEN_SECONDS + 1
    monkeypatch.setattr("django.core.cache.backends.locmem.time.time", lambda: now)
    client.get("/jobs/", headers={"user-agent": "Another browser"})
    later = UserSession.objects.get(user=person)
    assert later.last_seen_at > first.last_seen_at
    assert later.user_agent == "Another browser"


PAGES = [
    "email/",
    "password/change/",
    "sessions/",
    "2fa/",
    "2fa/totp/activate/",
    "2fa/webauthn/",
    "2fa/webauthn/add/",
    "2fa/recovery-codes/generate/",
    "3rdparty/",
    "reauthenticate/",
    "logout/",
]


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_the_account_are_ours(sure: Client, person: User, page: str) -> None:
    TOTP.activate(person, "JBSWY3DPEHPK3PXP") if "recovery" in page else None
    answer = sure.get(f"/accounts/{page}")
    assert answer.status_code == 200, answer.headers
    text = answer.content.decode()
    assert text.count("<h1") == 1
    assert "site-header" in text
    assert "Menu:" not in text, "allauth's own frame"


@pytest.mark.parametrize("page", ["login/", "login/code/", "3rdparty/login/cancelled/", "3rdparty/login/error/"])
def test_pages_of_sign_in_are_ours(db: None, page: str) -> None:
    answer = Client().get(f"/accounts/{page}")
    assert answer.status_code in {200, 401}
    assert answer.content.decode().count("<h1") == 1
    assert b"site-header" in answer.content


def test_who_has_no_password_sets_one(person: User) -> None:
    other = make_person("none@lab.example")
    other.set_unusable_password()
    other.save()
    client = Client()
    client.force_login(other, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert b"Set a password" in client.get("/accounts/password/set/").content
    client.post("/accounts/password/set/", {"password1": "a long new phrase", "password2": "a long new phrase"})
    other.refresh_from_db()
    assert other.check_password("a long new phrase")
