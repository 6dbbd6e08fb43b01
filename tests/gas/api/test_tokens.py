"""Promise: a token is shown once, stored as a hash, recognized by its form, and stops working when it is revoked."""

import logging
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.idp.oidc.models import Token
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from gas.api import tokens
from gas.api.models import AccessToken
from gas.users.deletion import delete_account, deletion_refusal
from gas.users.export import everything
from gas.users.models import User
from gas.users.owners import close_ways_in
from tests.support.api_program import Program, make_token

pytestmark = pytest.mark.django_db


@pytest.mark.once
def test_a_token_is_recognized_by_its_checksum_and_no_changed_one_is() -> None:
    token = tokens.generate()
    assert re.fullmatch(r"gas_[0-9A-Za-z]{36}", token)
    assert tokens.is_well_formed(token)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        assert not tokens.is_well_formed(token[:place] + other + token[place + 1 :])
    assert not tokens.is_well_formed(token[:-1])
    assert not tokens.is_well_formed(f"gas_{'é' * 36}")


def test_a_malformed_token_asks_nothing_of_the_database(django_assert_num_queries: Callable[..., object]) -> None:
    with django_assert_num_queries(0):
        assert tokens.find("gas_" + "0" * 36) is None


def test_the_row_has_no_token(person: User) -> None:
    token = make_token(person)
    row = AccessToken.objects.get()
    assert token[8:] not in str(AccessToken.objects.values().get())
    assert token.startswith(row.hint)
    assert len(row.hint) == 8


def test_the_page_makes_a_token_shows_it_once_and_revokes_it(
    person: User, browser_of: Callable[[User], Client]
) -> None:
    browser = browser_of(person)
    browser.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    form = {"name": "pipeline", "scopes": ["jobs:read"], "days": "7"}
    page = browser.post("/profile/tokens/make/", form).content.decode()
    [token] = set(re.findall(r"gas_[0-9A-Za-z]{36}", page))
    assert Program(token).get("jobs").status_code == 200
    listed = browser.get("/profile/tokens/").content.decode()
    assert "pipeline" in listed
    assert token[:8] in listed
    assert token not in listed
    row = AccessToken.objects.get()
    assert row.expires_at - row.created_at == timedelta(days=7)
    browser.post(f"/profile/tokens/{row.pk}/revoke/")
    assert Program(token).get("jobs").json()["code"] == "revoked-token"
    log = [entry.get_change_message() for entry in LogEntry.objects.filter(user=person).order_by("pk")]
    assert [line[:8] for line in log] == ["Made the", "Revoked "]
    assert token not in str(log)


def test_making_a_token_asks_for_the_password_again(person: User, browser_of: Callable[[User], Client]) -> None:
    browser = browser_of(person)
    answer = browser.post("/profile/tokens/make/", {"name": "x", "scopes": ["jobs:read"], "days": "7"})
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert not AccessToken.objects.exists()
    made = browser.post(answer["Location"], {"password": "correct horse battery"})
    assert "Your new token" in made.content.decode()  # the suspended request resumes
    assert browser.get("/profile/tokens/make/")["Location"] == "/profile/tokens/"


@pytest.mark.parametrize("form", [{"days": "36500"}, {"scopes": ["admin"]}, {"scopes": []}, {"name": ""}])
def test_the_page_refuses(form: dict[str, object], person: User, browser_of: Callable[[User], Client]) -> None:
    browser = browser_of(person)
    browser.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    answer = browser.post("/profile/tokens/make/", {"name": "x", "scopes": ["jobs:read"], "days": "7", **form})
    assert answer.status_code == 200
    assert not AccessToken.objects.exists()


def test_nobody_revokes_another_persons_token(
    person: User, stranger: User, browser_of: Callable[[User], Client]
) -> None:
    make_token(person)
    answer = browser_of(stranger).post(f"/profile/tokens/{AccessToken.objects.get().pk}/revoke/")
    assert answer.status_code == 404
    assert AccessToken.objects.get().revoked_at is None


def test_a_person_has_so_many_active_tokens(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_ACTIVE", 2)
    make_token(person)
    make_token(person)
    with pytest.raises(tokens.TooManyTokens):
        make_token(person)
    AccessToken.objects.update(revoked_at=timezone.now())
    assert make_token(person)


def test_the_last_use_is_written_down_every_five_minutes(person: User) -> None:
    program = Program(make_token(person))
    program.get("jobs")
    used = AccessToken.objects.get().last_used_at
    assert used is not None
    program.get("jobs")
    assert AccessToken.objects.get().last_used_at == used
    AccessToken.objects.update(last_used_at=used - timedelta(minutes=6))
    program.get("jobs")
    assert AccessToken.objects.get().last_used_at > used - timedelta(minutes=1)


def test_a_closed_account_and_closed_ways_in_end_tokens(person: User) -> None:
    program = Program(make_token(person))
    User.objects.update(is_active=False)
    assert program.get("jobs").json()["code"] == "invalid-token"
    User.objects.update(is_active=True)
    Token.objects.create(user=person, type=Token.Type.REFRESH_TOKEN, hash="x", client_id="gas-cli")
    close_ways_in(person)
    assert program.get("jobs").json()["code"] == "revoked-token"
    assert not Token.objects.exists()


def test_a_person_with_tokens_can_delete_the_account(person: User) -> None:
    make_token(person)
    assert deletion_refusal(person) == ""
    delete_account(person)
    assert not AccessToken.objects.exists()
    assert not LogEntry.objects.exists()


def test_tokens_are_in_a_persons_download(person: User) -> None:
    token = make_token(person)
    files = {name: b"".join(pieces) for name, pieces in everything(person)}
    assert b'"a test"' in files["api-tokens.json"]
    assert token.encode() not in files["api-tokens.json"]


def test_no_token_is_logged(person: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = make_token(person)
    Program(token).get("jobs")
    Program(f"{token}x").get("jobs")
    assert token[8:] not in caplog.text
