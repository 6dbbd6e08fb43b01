"""Who owns an account that was created with an unconfirmed address.

The creator of an account can sign in to it before the address is confirmed. A person who confirms the address later, in
a way that the creator could not, may be somebody else: then all earlier ways to sign in are removed.
"""

from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from gas.users.models import User
from gas.users.registry import way_closers

#: Session key, in the browser in which a person signed up: the account's id.
MADE_HERE = "made_account"


def nobody_proved(user: User, *, but: EmailAddress | None = None) -> bool:
    """Return whether the account has no confirmed address, other than `but`."""
    proved = EmailAddress.objects.filter(user=user, verified=True)
    return not (proved.exclude(pk=but.pk) if but else proved).exists()


def is_claimed_only(user: User, email: str) -> bool:
    """Return whether the account has a confirmed owner and `email` is one more address that it never confirmed."""
    return (
        not nobody_proved(user)
        and not EmailAddress.objects.filter(user=user, email=email.lower(), verified=True).exists()
    )


def close_ways_in(user: User) -> None:
    """Remove all ways to sign in except the password: linked accounts, second factors, tokens, sessions."""
    SocialAccount.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    for close in way_closers:
        close(user)
    for session in UserSession.objects.filter(user=user):
        session.end()


def close_all_ways_in(user: User) -> None:
    """Remove all ways to sign in, including the password."""
    user.set_unusable_password()
    user.save(update_fields=["password"])
    close_ways_in(user)


def is_known_here(request: HttpRequest, user: User) -> bool:
    """Return whether this browser created the account, or has just authenticated to it."""
    return (
        request.user.pk == user.pk
        or request.session.get(MADE_HERE) == str(user.pk)
        or bool(get_authentication_records(request, user))
    )
