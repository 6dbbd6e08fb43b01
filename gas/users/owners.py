"""Whose an account is, when it was made with an address that nobody had proved to be theirs.

The maker of an account knows a way into it before the address is proved. Who proves the address later, by a way that
the maker could not take, may be somebody else: then the ways that were there before are closed.
"""

from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from gas.users.models import User
from gas.users.registry import way_closers

#: In the session of the browser in which somebody signed up: the account's id.
MADE_HERE = "made_account"


def nobody_proved(user: User, *, but: EmailAddress | None = None) -> bool:
    """Return whether the account has no confirmed address, `but` not counted."""
    proved = EmailAddress.objects.filter(user=user, verified=True)
    return not (proved.exclude(pk=but.pk) if but else proved).exists()


def is_claimed_only(user: User, email: str) -> bool:
    """Return whether the account, which is somebody's, has `email` as one more address that it never confirmed."""
    return (
        not nobody_proved(user)
        and not EmailAddress.objects.filter(user=user, email=email.lower(), verified=True).exists()
    )


def close_ways_in(user: User) -> None:
    """All but the password: linked sign-ins, second factors, tokens, sessions."""
    SocialAccount.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    for close in way_closers:
        close(user)
    for session in UserSession.objects.filter(user=user):
        session.end()


def close_all_ways_in(user: User) -> None:
    """The password too."""
    user.set_unusable_password()
    user.save(update_fields=["password"])
    close_ways_in(user)


def is_known_here(request: HttpRequest, user: User) -> bool:
    """Return whether this browser has made the account, or has just given its password, or whatever else opens it."""
    return (
        request.user.pk == user.pk
        or request.session.get(MADE_HERE) == str(user.pk)
        or bool(get_authentication_records(request, user))
    )
