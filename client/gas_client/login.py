"""Sign in by the device flow (RFC 8628): a person confirms a code in a browser."""

import time
from typing import Any, Final

from gas_client import screen
from gas_client.api import Api, secret_of
from gas_client.errors import Exit, Failed

_CLIENT: Final = "gas-cli"
_SCOPES: Final = "jobs:read jobs:write results:read account:read"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_REFUSALS: Final = {
    "access_denied": "The sign-in was refused in the browser.",
    "expired_token": "Nobody confirmed the code in time. Run gas login again.",
}


def by_device(api: Api) -> dict[str, Any]:
    """Return a token that a person has confirmed. Raises Failed if nobody does."""
    begun = _answer(api, "/identity/o/api/device/code", {"client_id": _CLIENT, "scope": _SCOPES})
    if "device_code" not in begun:
        raise Failed(Exit.UNREACHABLE, f"{api.profile.server} begins no sign-in at the moment. Try again in a minute.")
    screen.say(f"Open {begun['verification_uri_complete']} and confirm the code {begun['user_code']}.")
    pause, ends = float(begun.get("interval", 5)), time.monotonic() + float(begun["expires_in"])
    form = {"grant_type": _GRANT, "client_id": _CLIENT, "device_code": begun["device_code"]}
    while time.monotonic() < ends:
        api.sleep(pause)
        answer = _answer(api, "/identity/o/api/token", form)
        if "access_token" in answer:
            return secret_of(answer)
        if answer.get("error") == "slow_down":
            pause += 5
        elif answer.get("error") not in {"authorization_pending", None}:
            raise Failed(Exit.NOT_ALLOWED, _REFUSALS.get(answer["error"], "The service refused the sign-in."))
    raise Failed(Exit.NOT_ALLOWED, _REFUSALS["expired_token"])


def sign_out(api: Api) -> None:
    """Revoke the sign-in at the service, if it was one by the device flow. A personal token stays valid."""
    secret = api.profile.secret
    if secret.get("refresh_token"):
        for kind in ("refresh_token", "access_token"):
            api.form("/identity/o/api/revoke", {"client_id": _CLIENT, "token": secret[kind], "token_type_hint": kind})


def _answer(api: Api, path: str, form: dict[str, str]) -> dict[str, Any]:
    """Return what the provider answers; nothing if it does not answer at the moment."""
    answer = api.form(path, form)
    if answer is None:
        return {}
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
