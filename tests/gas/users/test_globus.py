"""Sign-in by Globus, against a provider on loopback: whom it lets in, and whose account nobody gets by it."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client

from gas.users.models import User
from tests.gas.users.provider import Provider, provider
from tests.support.people import make_person

pytestmark = pytest.mark.django_db

EMAIL = "ada@lab.example"


@pytest.fixture(scope="module")
def globus() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(autouse=True)
def _configured(settings: Any, globus: Provider) -> None:
    app = {
        "provider_id": "globus",
        "name": "Globus",
        "client_id": "gas",
        "secret": "a secret of the test",
        "settings": {"server_url": globus.url, "fetch_userinfo": False},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    settings.GLOBUS_CLIENT_ID = "gas"


def go(client: Client, globus: Provider, sub: str, query: str = "process=login") -> Any:
    """Press the button, consent at the provider, come back; the answer to that, after its redirects."""
    page = client.post(f"/accounts/oidc/globus/login/?{query}")
    assert page.status_code == 200, "a form's answer must not redirect to another site"
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.content.decode())
    assert found
    back = globus.consent(html.unescape(found[1]), sub)
    return client.get(back.removeprefix("http://testserver"), follow=True)


def who(client: Client) -> User | None:
    return User.objects.filter(pk=client.session.get("_auth_user_id")).first()


def test_a_newcomer_with_a_verified_address_is_in_with_their_name(globus: Provider) -> None:
    globus.person("newcomer", email="new@lab.example", email_verified=True, name="Grace Hopper")
    client = Client()
    assert go(client, globus, "newcomer", "process=login&next=/profile/").redirect_chain[-1][0] == "/profile/"
    user = who(client)
    assert user
    assert (user.email, user.name, user.has_usable_password()) == ("new@lab.example", "Grace Hopper", False)
    assert user.emailaddress_set.get().verified
    again = Client()
    go(again, globus, "newcomer")
    assert who(again) == user


def test_without_pkce_there_is_no_way_in(globus: Provider, settings: Any) -> None:
    """The provider insists on it, so that every other test here proves that we keep to it."""
    globus.person("pkce", email="pkce@lab.example", email_verified=True)
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["OAUTH_PKCE_ENABLED"] = False
    page = Client().post("/accounts/oidc/globus/login/").content.decode()
    found = re.search(r"url=([^\"]+)\"", page)
    assert found
    with pytest.raises(AssertionError, match="no challenge"):
        globus.consent(html.unescape(found[1]), "pkce")


def test_an_answer_that_another_browser_asked_for_is_refused(globus: Provider) -> None:
    globus.person("victim", email="victim@lab.example", email_verified=True)
    asking, other = Client(), Client()
    page = asking.post("/accounts/oidc/globus/login/").content.decode()
    found = re.search(r"url=([^\"]+)\"", page)
    assert found
    back = globus.consent(html.unescape(found[1]), "victim")
    other.get(back.removeprefix("http://testserver"), follow=True)
    assert who(other) is None


@pytest.mark.parametrize("claim", [{}, {"email_verified": False}, {"email_verified": "false"}, {"email_verified": 1}])
def test_an_address_that_is_not_proved_opens_nobodys_account(globus: Provider, claim: dict[str, Any]) -> None:
    """Globus says nothing about `email_verified`; what is not plainly true is not believed."""
    owner = make_person(EMAIL)
    globus.person("stranger", email=EMAIL, name="Mallory", **claim)
    client = Client()
    answer = go(client, globus, "stranger")
    assert who(client) is None
    assert "Check your mailbox" in answer.content.decode()
    assert not SocialAccount.objects.exists()
    assert User.objects.get().name == owner.name
    (sent,) = mail.outbox
    assert sent.to == [EMAIL]
    assert "already" in sent.subject
    assert "/profile/" in sent.body, "it says how the owner can link it"


def test_a_newcomer_with_an_unproved_address_proves_it_by_our_mail_first(globus: Provider) -> None:
    globus.person("unproved", email="unproved@lab.example")
    client = Client()
    go(client, globus, "unproved")
    assert who(client) is None
    client.post(open_mailed_link(client).request["PATH_INFO"])
    go(client, globus, "unproved")
    user = who(client)
    assert user
    assert user.emailaddress_set.get().verified


def test_a_proved_address_opens_its_owners_account_and_stays_linked(globus: Provider) -> None:
    owner = make_person(EMAIL)
    globus.person("owner", email=EMAIL, email_verified=True)
    client = Client()
    go(client, globus, "owner")
    assert who(client) == owner
    assert SocialAccount.objects.get().user == owner
    assert owner.has_usable_password()


def open_mailed_link(client: Client) -> Any:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return client.get(found[1], follow=True)


def test_whoever_squats_on_an_address_is_out_when_its_owner_comes(globus: Provider) -> None:
    """Somebody signed up with it, never proved it, and waits with their password."""
    squatted = User.objects.create_user(EMAIL, "a squatter's password")
    squatted.emailaddress_set.create(email=EMAIL, verified=False, primary=True)
    globus.person("true-owner", email=EMAIL, email_verified=True)
    client = Client()
    go(client, globus, "true-owner")
    squatted.refresh_from_db()
    assert not squatted.has_usable_password()
    assert who(client) == squatted
    assert squatted.emailaddress_set.get().verified


def test_whoever_squats_by_globus_is_out_when_the_owner_comes_with_a_proved_identity(globus: Provider) -> None:
    globus.person("squatter-1", email=EMAIL)
    go(Client(), globus, "squatter-1")
    squatted = SocialAccount.objects.get().user
    TOTP.activate(squatted, "JBSWY3DPEHPK3PXP")
    globus.person("owner-1", email=EMAIL, email_verified=True)
    owner, squatter = Client(), Client()
    go(owner, globus, "owner-1")
    assert who(owner) == squatted, "at once, without another mail"
    assert owner.get("/profile/").status_code == 200
    assert SocialAccount.objects.get().uid == "owner-1"
    assert not Authenticator.objects.exists()
    go(squatter, globus, "squatter-1")
    assert who(squatter) is None
    assert SocialAccount.objects.get().uid == "owner-1"
    assert who(owner) == squatted


def test_whoever_squats_by_globus_is_out_when_the_owner_signs_in_by_a_code(globus: Provider) -> None:
    globus.person("squatter-2", email=EMAIL)
    go(Client(), globus, "squatter-2")
    owner, squatter = Client(), Client()
    owner.post("/accounts/login/code/", {"email": EMAIL})
    code = re.search(r"^ +(\S+)$", str(mail.outbox[-1].body), re.MULTILINE)
    assert code
    owner.post("/accounts/login/code/confirm/", {"code": code[1]})
    assert owner.get("/profile/").status_code == 200
    assert not SocialAccount.objects.exists()
    go(squatter, globus, "squatter-2")
    assert who(squatter) is None


def test_who_has_proved_the_address_keeps_their_other_ways_in(globus: Provider) -> None:
    owner = make_person(EMAIL)
    SocialAccount.objects.create(user=owner, provider="globus", uid="their other identity")
    globus.person("owner-2", email=EMAIL, email_verified=True)
    go(Client(), globus, "owner-2")
    assert SocialAccount.objects.filter(user=owner).count() == 2
    assert User.objects.get().has_usable_password()


def test_an_account_that_merely_claims_the_address_is_not_opened(globus: Provider) -> None:
    stranger = make_person("mallory@lab.example")
    stranger.emailaddress_set.create(email=EMAIL, verified=False)
    globus.person("owner-3", email=EMAIL, email_verified=True)
    client = Client()
    go(client, globus, "owner-3")
    assert who(client) != stranger
    assert not SocialAccount.objects.filter(user=stranger).exists()


def test_whoever_squats_by_globus_is_out_when_the_owner_resets_the_password(globus: Provider) -> None:
    globus.person("squatter", email=EMAIL)
    go(Client(), globus, "squatter")
    assert SocialAccount.objects.filter(user__email=EMAIL).exists()
    owner = Client()
    owner.post("/accounts/password/reset/", {"email": EMAIL})
    form = open_mailed_link(owner).redirect_chain[-1][0]
    owner.post(form, {"password1": "a long enough phrase", "password2": "a long enough phrase"})
    assert not SocialAccount.objects.exists()
    squatter = Client()
    go(squatter, globus, "squatter")
    assert who(squatter) is None


def test_a_second_identity_is_linked_and_unlinked_in_the_profile(globus: Provider) -> None:
    owner = make_person(EMAIL)
    client = Client()
    client.post("/accounts/login/", {"login": EMAIL, "password": "correct horse battery"})
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    globus.person("linked", email="elsewhere@uni.example", name="Other Name")
    go(client, globus, "linked", "process=connect")
    account = SocialAccount.objects.get()
    assert (account.user, account.uid) == (owner, "linked")
    owner.refresh_from_db()
    assert (owner.email, owner.name) == (EMAIL, "")
    again = Client()
    go(again, globus, "linked")
    assert who(again) == owner
    client.post("/accounts/3rdparty/", {"account": account.pk})
    assert not SocialAccount.objects.exists()
    assert "unlinked" in mail.outbox[-1].subject


def test_linking_asks_for_the_password_first(globus: Provider) -> None:
    make_person(EMAIL)
    client = Client()
    client.post("/accounts/login/", {"login": EMAIL, "password": "correct horse battery"})
    globus.person("hasty", email="hasty@uni.example")
    answer = go(client, globus, "hasty", "process=connect")
    assert answer.redirect_chain[-1][0].startswith("/accounts/reauthenticate/")
    assert not SocialAccount.objects.exists()


def test_the_only_way_in_cannot_be_unlinked(globus: Provider) -> None:
    globus.person("only", email="only@lab.example", email_verified=True)
    client = Client()
    go(client, globus, "only")
    client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
    assert SocialAccount.objects.exists()


def test_who_says_no_at_the_provider_comes_back_to_a_page_that_says_so() -> None:
    client = Client()
    page = client.post("/accounts/oidc/globus/login/").content.decode()
    state = re.search(r"[?&;]state=(\w+)", page)
    assert state
    answer = client.get(f"/accounts/oidc/globus/login/callback/?error=access_denied&state={state[1]}", follow=True)
    assert b"<h1>Sign-in stopped</h1>" in answer.content


def test_an_answer_that_nobody_asked_for_is_an_error() -> None:
    answer = Client().get("/accounts/oidc/globus/login/callback/?error=access_denied", follow=True)
    assert answer.status_code == 401
    assert b"<h1>That did not work</h1>" in answer.content


def test_without_a_client_id_there_is_no_button(settings: Any) -> None:
    assert b"Globus" in Client().get("/accounts/login/").content
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []}}
    assert b"Globus" not in Client().get("/accounts/login/").content
    assert Client().post("/accounts/oidc/globus/login/").status_code == 404
