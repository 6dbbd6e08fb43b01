"""Accounts for tests, signed in as people do it themselves."""

from allauth.account.models import EmailAddress
from django.test import Client

from gas.users.models import User

PASSWORD = "correct horse battery"


def make_person(email: str) -> User:
    user = User.objects.create_user(email, "correct horse battery")
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def signed_in(user: User, client: Client | None = None) -> Client:
    client = client or Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(user.pk)
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session
