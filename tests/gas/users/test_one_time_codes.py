"""Promise: a code of an authenticator app works once, in all web processes together."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.core.cache import cache
from django.db import connections
from django.test import Client

from gas.users.models import User
from tests.support.one_time_codes import SECRET, code, sign_in
from tests.support.people import PASSWORD, is_in, signed_in


@pytest.mark.django_db
def test_a_code_signs_in_once_even_where_the_cache_forgets(person: User) -> None:
    auth.TOTP.activate(person, SECRET)
    given = code()
    assert is_in(sign_in(person, given))
    cache.clear()  # as in another process, or half a minute later
    assert not is_in(sign_in(person, given))
    assert not is_in(sign_in(person, code(-1)))
    assert is_in(sign_in(person, code(1)))


@pytest.mark.django_db
def test_a_code_that_signed_in_does_not_prove_anything_afterwards(person: User) -> None:
    auth.TOTP.activate(person, SECRET)
    given = code()
    client = sign_in(person, given)
    cache.clear()
    client.post("/accounts/2fa/reauthenticate/", {"code": given})
    assert client.get("/accounts/2fa/recovery-codes/generate/").status_code == 302
    client.post("/accounts/2fa/reauthenticate/", {"code": code(1)})
    assert client.get("/accounts/2fa/recovery-codes/generate/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_nor_does_the_code_that_set_the_app_up(person: User) -> None:
    client = signed_in(person)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    given = code(secret=secret)
    client.post("/accounts/2fa/totp/activate/", {"code": given})
    assert Authenticator.objects.filter(user=person, type="totp").exists()
    cache.clear()
    assert not is_in(sign_in(person, given))
    assert is_in(sign_in(person, code(1, secret=secret)))


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_signs_in(person: User, monkeypatch: Any) -> None:
    auth.TOTP.activate(person, SECRET)
    monkeypatch.setattr(auth.TOTP, "_mark_code_used", lambda *_: True)  # a cache for each process
    clients = [Client() for _ in range(6)]
    for client in clients:
        client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    given = code()

    def give(client: Client) -> None:
        client.post("/accounts/2fa/authenticate/", {"code": given})
        connections.close_all()

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(give, clients))
    assert sum(map(is_in, clients)) == 1
