"""Accept each code of an authenticator app only once, across all web processes.

allauth remembers used codes in the cache for one period (30 s), while a code is accepted for three. Here the counter of
the last accepted code is stored with the authenticator's row, and only later ones are accepted.
"""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from allauth.mfa.utils import decrypt
from django.db import transaction

LAST_COUNTER = "last_counter"


class _Once(BaseAuthenticateForm):  # type: ignore[misc]
    authenticator: Authenticator

    def clean_code(self) -> str:
        with transaction.atomic():
            # Locked, so that of two requests with the same code one waits and then finds it used.
            list(Authenticator.objects.select_for_update().filter(user=self.user))
            code: str = super().clean_code()
            if self.authenticator.type == Authenticator.Type.TOTP and not spend(self.authenticator, code):
                raise get_adapter().validation_error("incorrect_code")
        return code


class OnceAuthenticateForm(_Once, AuthenticateForm):  # type: ignore[misc]
    """Authenticate at sign-in."""


class OnceReauthenticateForm(_Once, ReauthenticateForm):  # type: ignore[misc]
    """Authenticate again before a change of the account."""


def spend(authenticator: Authenticator, code: str) -> bool:
    """Note that a valid code was used. Returns False if it, or a later one, was used before."""
    counter = _counter(decrypt(authenticator.data["secret"]), code)
    if counter is None or counter <= authenticator.data.get(LAST_COUNTER, -1):
        return False
    authenticator.data[LAST_COUNTER] = counter
    authenticator.save(update_fields=["data"])
    return True


def _counter(secret: str, code: str) -> int | None:
    """Return which of the periods whose codes are accepted now the code belongs to."""
    counter: int
    for counter in auth.yield_hotp_counters_from_time():
        expected = auth.format_hotp_value(auth.hotp_value(secret, counter))
        if auth.compare_user_code(actual=code, expected=expected):
            return counter
    return None
