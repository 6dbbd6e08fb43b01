"""People in their browsers: signed in as they do it themselves, password and all."""

import pytest
from django.test import Client

from gas.users.models import User
from tests.support.people import PASSWORD, signed_in


@pytest.fixture
def client(person: User) -> Client:
    """The person's browser, in which they have signed in."""
    return signed_in(person)


@pytest.fixture
def sure(client: Client) -> Client:
    """The same, who has just given the password again."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client
