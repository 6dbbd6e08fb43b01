"""People in their browsers: signed in as they do it themselves, password and all."""

import pytest
from django.test import Client

from gas.users.models import User

PASSWORD = "correct horse battery"


@pytest.fixture
def client(person: User) -> Client:
    """The person's browser, in which they have signed in."""
    return signed_in(person)


def signed_in(user: User, client: Client | None = None) -> Client:
    client = client or Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(user.pk)
    return client


@pytest.fixture
def sure(client: Client) -> Client:
    """The same, who has just given the password again."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client
