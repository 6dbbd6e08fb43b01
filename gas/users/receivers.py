"""What follows when somebody proves that a mailbox is theirs."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.dispatch import receiver

from gas.users.models import User


@receiver(password_reset)
def let_only_the_owner_stay(user: User, **_: Any) -> None:
    """Who follows the link of the mail owns the address. If nobody had proved that before, whoever made the account
    may have been somebody else, whose other ways in are closed: linked sign-ins, second factors, sessions.
    """
    if EmailAddress.objects.filter(user=user, verified=True).exists():
        return
    SocialAccount.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    for session in UserSession.objects.filter(user=user):
        session.end()
