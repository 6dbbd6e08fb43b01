"""Promise: no page of a person, and none about signing in, is kept by a browser or a proxy."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import URLPattern

from gas.users.models import User
from tests.support.people import signed_in
from tests.support.routes import all_routes

pytestmark = pytest.mark.django_db

SAMPLES = {"job_id": str(uuid.uuid4()), "uuid": str(uuid.uuid4()), "kind": "vcf", "provider_id": "globus", "pk": "1"}


def addresses() -> list[str]:
    """One for each route outside of the admin site, with a value for each parameter."""
    found = []
    for route, pattern in all_routes():
        if not route.startswith("admin/"):
            found.append("/" + fill(route, pattern))
    return found


def fill(route: str, pattern: URLPattern) -> str:
    for name in pattern.pattern.regex.groupindex:
        value = SAMPLES.get(name, "abc-123")
        route = re.sub(rf"\(\?P<{name}>(?:\[[^]]*\]\+|\.\+)\)|<\w+:{name}>", value, route)
    return route.replace("^", "").replace("$", "")


def test_every_page_of_a_signed_in_person(person: User) -> None:
    client = signed_in(person)
    for address in addresses():
        answer = client.get(address)
        assert "no-store" in answer.get("Cache-Control", ""), address
        if address == "/accounts/logout/":
            client = signed_in(person)


def test_every_page_about_signing_in() -> None:
    for address in addresses():
        if address != "/":
            assert "no-store" in Client().get(address).get("Cache-Control", ""), address


def test_the_staff_site(staff: User) -> None:
    client = signed_in(staff)
    for address in ("/admin/", "/admin/users/user/", f"/admin/users/user/{staff.pk}/change/"):
        assert "no-store" in client.get(address)["Cache-Control"]
