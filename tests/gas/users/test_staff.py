"""Promise: in the admin site nobody gives themselves more than they have, reads a secret, or acts unseen."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client

from gas.staff.audit import Audited
from gas.users.models import User
from tests.support.people import PASSWORD, make_person, signed_in

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXP"
NEW = {"password1": "a long new phrase", "password2": "a long new phrase", "usable_password": "true"}


@pytest.fixture
def helper() -> User:
    """A member of staff who may change and delete people, and is no superuser."""
    made = make_person("helper@gas.example")
    made.is_staff = True
    made.save()
    names = ["view_user", "change_user", "add_user", "delete_user"]
    made.user_permissions.set(Permission.objects.filter(content_type__app_label="users", codename__in=names))
    return made


@pytest.fixture
def superuser() -> User:
    made = make_person("root@gas.example")
    User.objects.filter(pk=made.pk).update(is_staff=True, is_superuser=True)
    return made


def page_of(person: User) -> str:
    return f"/admin/users/user/{person.pk}/change/"


def form_of(client: Client, person: User, **changes: Any) -> dict[str, Any]:
    """What the browser would send back of the person's page, with `changes`."""
    page = client.get(page_of(person))
    assert page.status_code == 200
    fields = dict(page.context["adminform"].form.initial)
    for inline in page.context["inline_admin_formsets"]:
        for form in (inline.formset.management_form, *inline.formset.initial_forms):
            for name, field in form.fields.items():
                fields[form.add_prefix(name)] = form.get_initial_for_field(field, name)
    fields |= changes
    return {name: value for name, value in fields.items() if value is not None and value is not False}


@pytest.mark.parametrize("right", ["is_staff", "is_superuser", "groups", "user_permissions"])
def test_no_rights_are_given_by_who_is_no_superuser(helper: User, person: User, right: str) -> None:
    group = Group.objects.create(name="all")
    group.permissions.set(Permission.objects.all())
    given = {"groups": [group.pk], "user_permissions": [Permission.objects.first().pk]}  # type: ignore[union-attr]
    client = signed_in(helper)
    answer = client.post(page_of(person), form_of(client, person, name="Renamed", **{right: given.get(right, "on")}))
    assert answer.status_code == 302, "the form is taken"
    person.refresh_from_db()
    assert person.name == "Renamed"
    assert (person.is_staff, person.is_superuser) == (False, False)
    assert not person.groups.exists()
    assert not person.user_permissions.exists()


def test_a_superuser_gives_them(superuser: User, person: User) -> None:
    client = signed_in(superuser)
    client.post(page_of(person), form_of(client, person, is_staff="on"))
    person.refresh_from_db()
    assert person.is_staff


@pytest.mark.parametrize("whose", ["helper", "superuser"])
def test_who_is_no_superuser_gets_no_hold_of_a_staff_account(
    helper: User, superuser: User, whose: str, request: pytest.FixtureRequest
) -> None:
    """A new password, or address, would open it."""
    target: User = request.getfixturevalue(whose)
    TOTP.activate(target, SECRET)
    client = Client()
    client.force_login(helper, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"/admin/users/user/{target.pk}/password/", NEW).status_code == 403
    assert client.post(page_of(target), form_of(client, target, email="mine@evil.example")).status_code == 403
    client.post(f"/admin/users/user/{target.pk}/delete/", {"post": "yes"})
    body = {"action": "delete_selected", "_selected_action": [str(target.pk)], "post": "yes"}
    client.post("/admin/users/user/", body)
    target.refresh_from_db()
    assert target.check_password(PASSWORD)
    assert target.email.endswith("@gas.example")
    assert Authenticator.objects.filter(user=target).exists()


def test_they_help_people_who_are_no_staff(helper: User, person: User) -> None:
    client = signed_in(helper)
    client.post(f"/admin/users/user/{person.pk}/password/", NEW)
    person.refresh_from_db()
    assert person.check_password(NEW["password1"])


def test_the_page_shows_ways_in_without_their_secrets_and_a_lost_factor_can_be_taken_away(
    helper: User, person: User
) -> None:
    TOTP.activate(person, SECRET)
    stored = str(Authenticator.objects.get().data["secret"])
    SocialAccount.objects.create(user=person, provider="globus", uid="the-sub", extra_data={"id_token": "the-token"})
    client = signed_in(helper)
    text = client.get(page_of(person)).content.decode()
    assert "the-sub" in text
    assert "ada@lab.example" in text
    for secret in (SECRET, stored, "the-token"):
        assert secret not in text
    fields = form_of(client, person)
    assert fields["authenticator_set-0-id"]
    client.post(page_of(person), {**fields, "authenticator_set-0-DELETE": "on"})
    assert not Authenticator.objects.exists()
    assert "authenticator" in LogEntry.objects.get().change_message
    assert SocialAccount.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "account/emailaddress",
        "mfa/authenticator",
        "socialaccount/socialaccount",
        "socialaccount/socialapp",
        "socialaccount/socialtoken",
        "usersessions/usersession",
    ],
)
def test_there_are_no_pages_that_confirm_addresses_show_keys_or_add_providers(superuser: User, path: str) -> None:
    client = signed_in(superuser)
    assert client.get("/admin/users/user/").status_code == 200
    for page in ("", "add/", "1/change/"):
        assert client.get(f"/admin/{path}/{page}").status_code == 404


def test_every_action_of_the_admin_site_is_written_down() -> None:
    with_actions = {model: site for model, site in admin.site._registry.items() if site.actions}
    assert with_actions, "there are some"
    assert [model.__name__ for model, site in with_actions.items() if not isinstance(site, Audited)] == []
