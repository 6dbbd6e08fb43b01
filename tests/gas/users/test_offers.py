"""Promise: pages of an account offer only what succeeds, or say what to do first."""

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import CHANGE, LogEntry
from django.test import Client

from gas.users.models import User
from tests.support.people import PASSWORD, signed_in

pytestmark = pytest.mark.django_db


def actions(client: Client, email: str) -> set[str]:
    """What the e-mail page offers for this address."""
    page = client.get("/accounts/email/").content.decode()
    (section,) = re.findall(rf'<section[^>]*aria-label="{email}".*?</section>', page, re.DOTALL)
    return set(re.findall(r'name="action_(\w+)"', section))


def second_factor(person: User) -> None:
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "x"})


def test_the_only_address_can_be_neither_removed_nor_made_primary(person: User) -> None:
    client = signed_in(person)
    assert actions(client, person.email) == set()
    assert "add the new address" in client.get("/accounts/email/").content.decode()


def test_each_address_offers_what_succeeds(person: User) -> None:
    client = signed_in(person)
    for email, verified in (("confirmed@lab.example", True), ("new@lab.example", False)):
        EmailAddress.objects.create(user=person, email=email, verified=verified)
    assert actions(client, person.email) == set()
    assert actions(client, "confirmed@lab.example") == {"primary", "remove"}
    assert actions(client, "new@lab.example") == {"send", "remove"}
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for action, email in (
        ("remove", "new@lab.example"),
        ("primary", "confirmed@lab.example"),
        ("remove", person.email),
    ):
        answer = client.post("/accounts/email/", {f"action_{action}": "", "email": email}, follow=True)
        assert [message.level_tag for message in answer.context["messages"]] == ["success"], action
    assert list(EmailAddress.objects.values_list("email", "primary")) == [("confirmed@lab.example", True)]


def test_with_a_second_factor_no_form_is_offered_that_always_fails(person: User) -> None:
    client = signed_in(person)
    assert 'name="action_add"' in client.get("/accounts/email/").content.decode()
    second_factor(person)
    page = client.get("/accounts/email/").content.decode()
    assert 'name="action_add"' not in page
    assert "Turn your second factors off" in page
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": "more@lab.example"})
    assert EmailAddress.objects.count() == 1  # what the page does not offer is refused, too


def test_with_an_unconfirmed_address_no_second_factor_is_offered(person: User) -> None:
    client = signed_in(person)
    assert "/accounts/2fa/totp/activate/" in client.get("/accounts/2fa/").content.decode()
    EmailAddress.objects.create(user=person, email="new@lab.example")
    for address in ("/accounts/2fa/", "/accounts/2fa/webauthn/"):
        page = client.get(address).content.decode()
        assert "/accounts/2fa/totp/activate/" not in page
        assert "/accounts/2fa/webauthn/add/" not in page
        assert "Confirm or remove" in page


@pytest.mark.parametrize("has_password", [True, False])
def test_the_only_way_in_cannot_be_unlinked(person: User, has_password: bool) -> None:
    client = signed_in(person)
    SocialAccount.objects.create(user=person, provider="globus", uid="1")
    if not has_password:
        person.set_unusable_password()
        person.save()
        client.force_login(person)
    page = client.get("/accounts/3rdparty/").content.decode()
    assert ("Unlink</button>" in page) == has_password
    assert ("set a password" in page) != has_password


def test_who_cannot_delete_their_account_is_not_offered_to(
    person: User, stranger: User, staff: User, browser_of: Callable[[User], Client]
) -> None:
    LogEntry.objects.create(user=stranger, action_flag=CHANGE, object_repr="x", change_message="")
    for user, says in ((person, ""), (staff, "This is a staff account."), (stranger, "You have worked here as staff")):
        page = browser_of(user).get("/profile/").content.decode()
        assert ("/profile/delete/" in page) == (not says)
        assert says in page
