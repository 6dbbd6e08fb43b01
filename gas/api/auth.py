"""Who sends a request: a personal token, an access token of the command line's sign-in, or a signed-in browser."""

from dataclasses import dataclass
from typing import Any

from allauth.idp.oidc.models import Token
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from gas.api import limits, tokens
from gas.api.models import AccessToken
from gas.api.problems import Problem
from gas.api.scopes import ALL
from gas.users.models import User

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}
_INVALID = {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}


@dataclass(frozen=True)
class Caller:
    """Who sends a request, and what they may do.

    Attributes:
        user: the account.
        scopes: what the token allows; everything for a signed-in browser.
        key: names the token in rate limits.
        token: the personal token, if it is one.
    """

    user: User
    scopes: frozenset[str]
    key: str
    token: AccessToken | None = None


class ApiRequest(HttpRequest):
    """For type checkers: a request that `needs` let through."""

    auth: Caller
    user: User


class TokenAuth(AuthBase):
    """Lets a request through whose token has a scope. Made by `needs`."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Caller:
        caller = identify(request)
        limits.take(request, caller.key)
        if self.scope not in caller.scopes:
            challenge = f'Bearer realm="api", error="insufficient_scope", scope="{self.scope}"'
            raise Problem(
                "missing-scope", f"The token lacks the scope {self.scope}.", headers={"WWW-Authenticate": challenge}
            )
        if caller.token is not None:
            tokens.note_use(caller.token)
        request.user = caller.user
        return caller


def needs(scope: str) -> TokenAuth:
    """Return the `auth` of an endpoint that needs a scope."""
    return TokenAuth(scope)


def identify(request: HttpRequest) -> Caller:
    """Return who sends a request. A token in the header counts before a browser's cookie.

    Raises:
        Problem: nobody, or a token that is unknown, expired or revoked.
    """
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Problem("unauthenticated", headers=CHALLENGE)
        token = token.strip()
        return _personal(token) if token.startswith(tokens.PREFIX) else _signed_in(token)
    if request.user.is_authenticated:
        if check_csrf(request) is not None:
            raise Problem("csrf")
        return Caller(request.user, ALL, f"browser:{request.user.pk}")
    raise Problem("unauthenticated", headers=CHALLENGE)


def _personal(token: str) -> Caller:
    row = tokens.find(token)
    if row is None or not row.owner.is_active:
        raise Problem("invalid-token", headers=_INVALID)
    if (state := row.state) != "active":
        raise Problem(f"{state}-token", headers=_INVALID)
    return Caller(row.owner, frozenset(row.scopes) & ALL, f"token:{row.pk}", row)


def _signed_in(token: str) -> Caller:
    """Find an access token of allauth's OpenID provider. One that is bound to another resource is not for this API."""
    found: Any = Token.objects.valid().by_value(token).filter(type=Token.Type.ACCESS_TOKEN)
    row = found.select_related("user", "client").first()
    if row is None or row.client is None or row.user is None or not row.user.is_active or row.get_resources():
        raise Problem("invalid-token", headers=_INVALID)
    return Caller(row.user, frozenset(row.get_scopes()) & ALL, f"program:{row.client_id}:{row.user_id}")
