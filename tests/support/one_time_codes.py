"""An authenticator app: its secret, its codes, and a sign-in with one."""

from allauth.mfa.totp.internal import auth
from django.test import Client

from gas.users.models import User
from tests.support.people import PASSWORD

SECRET = "JBSWY3DPEHPK3PXP"


def code(offset: int = 0, secret: str = SECRET) -> str:
    """The code of now, or of some periods later."""
    counters = list(auth.yield_hotp_counters_from_time())
    return str(auth.format_hotp_value(auth.hotp_value(secret, counters[1] + offset)))


def sign_in(user: User, given: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/2fa/authenticate/", {"code": given})
    return client
