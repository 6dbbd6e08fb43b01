"""Profiles: which service a command talks to, and with which token.

A token comes from the environment (GAS_TOKEN), else from the keyring, else from a file of mode 0600. A profile
remembers which of the two it was saved in.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import keyring
import platformdirs
from keyring.errors import KeyringError

from gas_client.errors import Exit, Failed
from gas_client.files import read_json, write_json

Store = Literal["environment", "keyring", "file"]

_SERVICE: Final = "gas-client"
DEFAULT: Final = "default"


def config_dir() -> Path:
    """Return the folder of the settings: GAS_CONFIG_DIR, or the system's."""
    return Path(os.environ.get("GAS_CONFIG_DIR") or platformdirs.user_config_dir("gas"))


def state_dir() -> Path:
    """Return the folder of unfinished uploads: GAS_STATE_DIR, or the system's."""
    return Path(os.environ.get("GAS_STATE_DIR") or platformdirs.user_state_dir("gas"))


@dataclass
class Profile:
    """One service and how to sign in there.

    Attributes:
        name: of the profile.
        server: address of the service, without a slash at the end.
        store: where the token is; None if the profile has none.
        secret: the token, and what renews it: access_token, refresh_token, expires_at (seconds since 1970).
    """

    name: str
    server: str
    store: Store | None = None
    secret: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def token(self) -> str:
        """The token; raises Failed if there is none."""
        token = self.secret.get("access_token")
        if not token:
            raise Failed(Exit.NOT_ALLOWED, "You are not signed in. Run gas login, or set GAS_TOKEN.", "unauthenticated")
        return str(token)

    def save(self, secret: dict[str, Any]) -> None:
        """Keep the token, and make this profile's address the one that it uses from now on."""
        if self.store == "environment":
            self.secret = secret
            return
        store = self.store or ("keyring" if _has_keyring() else "file")
        if store == "keyring" and not _to_keyring(self._place, secret):
            store = "file"
        if store == "file":
            write_json(_secrets_path(), {**read_json(_secrets_path()), self._place: secret})
        self.store, self.secret = store, secret
        _remember(self.name, {"server": self.server, "store": store})

    def forget(self) -> None:
        """Remove the token. The address stays."""
        if self.store == "keyring":
            with suppress(KeyringError):  # it is gone already
                keyring.delete_password(_SERVICE, self._place)
        secrets = read_json(_secrets_path())
        if secrets.pop(self._place, None) is not None:
            write_json(_secrets_path(), secrets)
        self.store, self.secret = None, {}
        _remember(self.name, {"server": self.server})

    def reload(self) -> None:
        """Read the token again: another command may have renewed it."""
        if self.store == "keyring":
            self.secret = _from_keyring(self._place)
        elif self.store == "file":
            self.secret = read_json(_secrets_path()).get(self._place, {})

    @property
    def _place(self) -> str:
        return f"{self.name}@{self.server}"


def load(name: str | None, server: str | None) -> Profile:
    """Return a profile with its token.

    Args:
        name: of the profile; None for GAS_PROFILE or the default one.
        server: address instead of the profile's own; None for GAS_SERVER or the profile's own.

    Raises:
        Failed: no address is known, or it is none.
    """
    name = name or os.environ.get("GAS_PROFILE") or DEFAULT
    kept = read_json(_config_path()).get("profiles", {}).get(name, {})
    address = (server or os.environ.get("GAS_SERVER") or kept.get("server") or "").rstrip("/")
    if not address:
        raise Failed(Exit.USAGE, "Which service? Give --server, set GAS_SERVER, or run gas login --server ADDRESS.")
    if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).hostname:
        raise Failed(Exit.USAGE, f"{address} is not the address of a service: it begins with https://.")
    if token := os.environ.get("GAS_TOKEN"):
        return Profile(name, address, "environment", {"access_token": token})
    store = kept.get("store") if kept.get("server") == address else None
    profile = Profile(name, address, store)
    profile.reload()
    return profile


def _config_path() -> Path:
    return config_dir() / "config.json"


def _secrets_path() -> Path:
    return config_dir() / "credentials.json"


def _remember(name: str, kept: dict[str, Any]) -> None:
    config = read_json(_config_path())
    config["profiles"] = {**config.get("profiles", {}), name: kept}
    write_json(_config_path(), config)


def _has_keyring() -> bool:
    return keyring.get_keyring().priority >= 1


def _to_keyring(place: str, secret: dict[str, Any]) -> bool:
    try:
        keyring.set_password(_SERVICE, place, json.dumps(secret))
    except KeyringError:
        return False  # there is one, but it is locked
    return True


def _from_keyring(place: str) -> dict[str, Any]:
    try:
        found = json.loads(keyring.get_password(_SERVICE, place) or "{}")
    except (KeyringError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
