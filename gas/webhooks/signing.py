"""The endpoints' secrets, and the signatures made with them.

A signature needs the secret itself, so a hash of it would not do. The database has secrets encrypted (Fernet) with a
key that is derived from SECRET_KEY: somebody who reads the database or a backup of it cannot sign. While a SECRET_KEY
is being replaced, the earlier ones are in SECRET_KEY_FALLBACKS, and the sweep encrypts every secret again.
"""

import base64
import secrets
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

from gas.webhooks.models import Delivery, Endpoint

_SALT = "gas.webhooks.signing"
PREFIX = "whsec_"
SECRET_BYTES = 32


class SecretUnreadable(Exception):
    """No key of this service decrypts the secret: SECRET_KEY was replaced without keeping the earlier one."""


def new_secret() -> str:
    """Return a new random secret in the form of Standard Webhooks, `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def current_key() -> str:
    """Return the name of the key that encrypts now: a few digits that follow from SECRET_KEY and do not reveal it."""
    return salted_hmac(_SALT, "name", secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()[:8]


def seal(secret: str) -> str:
    """Encrypt a secret with the current key."""
    return _ciphers().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt a secret. Raises SecretUnreadable."""
    try:
        return _ciphers().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error


def reseal(sealed: str) -> str:
    """Encrypt a secret again, with the current key. Raises SecretUnreadable."""
    return seal(unseal(sealed))


def headers(endpoint: Endpoint, delivery: Delivery, at: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks for an attempt at `at`, in UTC.

    For a while after a rotation there are two signatures, one by each secret. Raises SecretUnreadable.
    """
    sealed = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and at < endpoint.old_secret_until:
        sealed.append(endpoint.old_secret)
    signatures = [Webhook(unseal(one)).sign(delivery.message_id, at, delivery.body) for one in sealed]
    return {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _ciphers() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: str) -> bytes:
    return salted_hmac(_SALT, "key", secret=key, algorithm="sha256").digest()
