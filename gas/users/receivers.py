"""Receivers of signals: a person creates an account, or confirms an address."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, password_reset, user_signed_up
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest

from gas.users.models import User
from gas.users.onetimecodes import spend
from gas.users.owners import MADE_HERE, close_all_ways_in, close_ways_in, nobody_proved


@receiver(user_signed_up)
def remember_who_made_it(request: HttpRequest, user: User, **_: Any) -> None:
    """Note in the session which account was made in this browser."""
    request.session[MADE_HERE] = str(user.pk)


@receiver(password_reset)
def let_only_the_owner_stay(user: User, **_: Any) -> None:
    """Remove other ways to sign in after a password reset by mail, which proves who owns the address."""
    if nobody_proved(user):
        close_ways_in(user)


@receiver(email_confirmed)
def let_only_who_has_the_code_stay(request: HttpRequest, email_address: EmailAddress, **_: Any) -> None:
    """Remove other ways to sign in after a mailed code, which proves the address as a link does."""
    records = get_authentication_records(request, email_address.user)
    if records and records[-1]["method"] == "code" and nobody_proved(email_address.user, but=email_address):
        close_all_ways_in(email_address.user)
        messages.info(
            request,
            "Your address had not been confirmed before: the password that was set, if any, is gone.",
        )


@receiver(authenticator_added)
def spend_the_code_of_the_setup(request: HttpRequest, authenticator: Authenticator, **_: Any) -> None:
    """Mark the code that was used to set up an authenticator app as used."""
    if authenticator.type == Authenticator.Type.TOTP:
        spend(authenticator, request.POST.get("code", ""))
