"""Personal tokens: made, found, revoked.

A token is `gas_`, 30 random letters and digits (178 bits), and 6 that are a checksum of these. So scanners recognize
a token that was published by accident, and a mistyped one is refused without a query.
"""

import hashlib
import logging
import secrets
import string
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from allauth.idp.oidc.models import Token
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from gas.api.models import AccessToken
from gas.staff.audit import log_own_action
from gas.users.export import as_json
from gas.users.models import User
from gas.users.registry import File

log = logging.getLogger(__name__)

PREFIX: Final = "gas_"
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 30
_CHECKSUM: Final = 6
LENGTH: Final = len(PREFIX) + _RANDOM + _CHECKSUM
_HINT: Final = len(PREFIX) + 4
#: Most tokens of one person that are neither revoked nor expired.
MOST_ACTIVE: Final = 50
#: The last use is written down as often as this, and not with each request: programs poll.
USED_PERIOD: Final = timedelta(minutes=5)


class TooManyTokens(Exception):
    """The person has MOST_ACTIVE active tokens."""

    def __init__(self) -> None:
        super().__init__(f"You have {MOST_ACTIVE} active tokens, the maximum. Revoke one that you no longer use.")


def generate() -> str:
    """Return a new random token."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _checksum(body)


def is_well_formed(text: str) -> bool:
    """Return whether a text has the form and the checksum of a token."""
    return (
        len(text) == LENGTH
        and text.isascii()
        and text.startswith(PREFIX)
        and text[-_CHECKSUM:] == _checksum(text[:-_CHECKSUM])
    )


def _checksum(text: str) -> str:
    number, letters = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[digit] + letters
    return letters


def digest_of(token: str) -> str:
    """Return AccessToken.digest. A token is random, so that a plain hash cannot be reversed by guessing."""
    return hashlib.sha256(token.encode()).hexdigest()


def make(owner: User, *, name: str, scopes: list[str], lifetime: timedelta) -> tuple[AccessToken, str]:
    """Make a token. Return its row, and the token itself, which is not stored.

    Raises:
        TooManyTokens: the person must revoke one first.
    """
    token = generate()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # of two at once each counts the other's
        now = timezone.now()
        if active(owner).count() >= MOST_ACTIVE:
            raise TooManyTokens
        row = AccessToken.objects.create(
            owner=owner,
            name=name,
            digest=digest_of(token),
            hint=token[:_HINT],
            scopes=sorted(scopes),
            created_at=now,
            expires_at=now + lifetime,
        )
        until = f"{row.expires_at:%Y-%m-%d}"
        log_own_action(owner, f"Made the API token {row}, which allows {', '.join(row.scopes)} until {until}.")
    return row, token


def active(owner: User) -> QuerySet[AccessToken]:
    """Return the person's tokens that are neither revoked nor expired."""
    return AccessToken.objects.filter(owner=owner, revoked_at=None, expires_at__gt=timezone.now())


def find(token: str) -> AccessToken | None:
    """Return the row of a token, with its owner, in whatever state it is."""
    if not is_well_formed(token):
        return None
    return next(iter(AccessToken.objects.select_related("owner").filter(digest=digest_of(token)).order_by()), None)


def note_use(row: AccessToken) -> None:
    """Write down that a token is used, every few minutes."""
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > USED_PERIOD:
        AccessToken.objects.filter(pk=row.pk).update(last_used_at=now)


def revoke(row: AccessToken, *, actor: User) -> bool:
    """Revoke a token at once. Return whether it was not revoked before."""
    with transaction.atomic():
        if not AccessToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()):
            return False
        if actor.pk == row.owner_id:
            log_own_action(actor, f"Revoked the API token {row}.")
    log.info("token %s of %s is revoked by %s", row.pk, row.owner_id, actor.pk)
    return True


def sign_programs_out(owner: User) -> int:
    """End the sign-ins of programs by the device flow. Return how many tokens they had."""
    return int(Token.objects.filter(user=owner).delete()[0])


def revoke_all(owner: User) -> None:
    """Revoke all tokens of a person whose ways in are closed."""
    AccessToken.objects.filter(owner=owner, revoked_at=None).update(revoked_at=timezone.now())
    sign_programs_out(owner)


def export(user: User) -> Iterator[File]:
    """Yield the list of tokens for the person's download of their data."""
    fields = ("name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    yield "api-tokens.json", [as_json(list(AccessToken.objects.filter(owner=user).values(*fields)))]
