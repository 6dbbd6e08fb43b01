"""Requests to /api/v1: with the token, with retries, and with refusals as sentences."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import httpx2

from gas_client import __version__
from gas_client.errors import Exit, Failed
from gas_client.profiles import Profile

#: Requests that are sent again after these answers.
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
#: Tries of one request. With the pauses between them they last about a minute: a service restarts in less.
TRIES: Final = 8
_LONGEST_PAUSE: Final = 60.0
_TIMEOUT: Final = httpx2.Timeout(30, connect=10)


def pause_before(attempt: int) -> float:
    """Return the seconds to wait before a further try, from 0: doubling up to 15, with some chance in them."""
    return min(15.0, 0.5 * 2.0 ** min(attempt, 10)) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


class Api:
    """The API of one service, for one account.

    Args:
        profile: the service and the token.
        transport: carries the requests; the network by default.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        profile: Profile,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.profile, self.sleep = profile, sleep
        agent = {"User-Agent": f"gas-client/{__version__}"}
        self._http = httpx2.Client(base_url=profile.server, transport=transport, timeout=_TIMEOUT, headers=agent)
        #: For the storage: presigned addresses, to which no token is sent.
        self.storage = httpx2.Client(transport=transport, timeout=_TIMEOUT, headers=agent)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self.storage.close()

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Return what a GET answers."""
        return self._json(self.request("GET", path, params=params))

    def poll(self, path: str, etag: str) -> tuple[dict[str, Any] | None, str]:
        """Return what a GET answers, None if nothing has changed since `etag`; and the ETag of the answer."""
        answer = self.request("GET", path, headers={"If-None-Match": etag} if etag else {})
        if answer.status_code == httpx2.codes.NOT_MODIFIED:
            return None, etag
        return self._json(answer), answer.headers.get("ETag", "")

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> dict[str, Any]:
        """Return what a POST answers.

        Args:
            path: below /api/v1.
            body: sent as JSON.
            key: the Idempotency-Key; a new one if it is None. All tries have the same.
        """
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self._json(self.request("POST", path, json=body, headers=headers))

    def delete(self, path: str) -> None:
        """Delete something. What is gone after a try whose answer was lost is deleted."""
        tried: list[int] = []
        try:
            self.request("DELETE", path, tried=tried)
        except Failed as failed:
            if failed.kind != "not-found" or len(tried) < 2:
                raise

    def items(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page by page."""
        cursor = ""
        while True:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page.get("next_cursor") or ""
            if not cursor:
                return

    def request(self, method: str, path: str, *, tried: list[int] | None = None, **options: Any) -> httpx2.Response:
        """Send a request until it is answered for good.

        Args:
            method: of HTTP.
            path: below /api/v1.
            tried: gets the status of each answer, 0 for none.
            options: of httpx2.

        Raises:
            Failed: the service refused, or did not answer.
        """
        tried = [] if tried is None else tried
        given = options.pop("headers", {})
        renewed = False
        while True:
            if self._expires_soon():
                self._renew()
            headers = {"Authorization": f"Bearer {self.profile.token}", **given}
            answer = self._send(method, f"/api/v1/{path}", headers=headers, **options)
            tried.append(answer.status_code if answer is not None else 0)
            if answer is not None and answer.status_code == httpx2.codes.UNAUTHORIZED and not renewed:
                renewed = True
                if self._renew():
                    continue
            if answer is not None and not _passes(answer):
                if answer.status_code >= httpx2.codes.BAD_REQUEST:
                    raise refusal(answer)
                return answer
            if len(tried) >= TRIES or (answer is not None and _code(answer) == "too-many-uploads"):
                raise unreachable(self.profile.server) if answer is None else refusal(answer)
            self.sleep(_pause(answer, len(tried) - 1))

    def form(self, path: str, fields: dict[str, str]) -> httpx2.Response | None:
        """Post a form to the sign-in provider, without a token. Returns None if there is no answer."""
        return self._send("POST", path, data=fields)

    def _send(self, method: str, path: str, **options: Any) -> httpx2.Response | None:
        try:
            return self._http.request(method, path, **options)
        except httpx2.TransportError:
            return None

    def _expires_soon(self) -> bool:
        ends = self.profile.secret.get("expires_at")
        return ends is not None and ends - time.time() < 60

    def _renew(self) -> bool:
        """Get another access token. Returns whether there is one."""
        before = dict(self.profile.secret)
        self.profile.reload()
        if self.profile.secret.get("access_token") != before.get("access_token"):
            return True  # another command has renewed it
        if not before.get("refresh_token"):
            return False
        fields = {"grant_type": "refresh_token", "client_id": "gas-cli", "refresh_token": before["refresh_token"]}
        answer = self.form("/identity/o/api/token", fields)
        if answer is None or answer.status_code != httpx2.codes.OK:
            self.profile.reload()
            return bool(self.profile.secret.get("access_token") != before.get("access_token"))
        self.profile.save(secret_of(answer.json(), before))
        return True

    def _json(self, answer: httpx2.Response) -> dict[str, Any]:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Failed(Exit.UNREACHABLE, f"{self.profile.server} does not answer as the service does.")
        return found


def secret_of(answer: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what is kept of a token answer of the provider."""
    return {
        "access_token": answer["access_token"],
        "refresh_token": answer.get("refresh_token") or (before or {}).get("refresh_token"),
        "expires_at": time.time() + answer["expires_in"] if answer.get("expires_in") else None,
    }


def refusal(answer: httpx2.Response) -> Failed:
    """Return what a refusal means to the command, with the service's own sentence."""
    problem = _problem(answer)
    detail = problem.get("detail") or f"The service answered {answer.status_code}."
    if errors := problem.get("errors"):
        detail = " ".join([detail, *(f"{one['field']}: {one['message']}" for one in errors)])
    if answer.status_code >= 500:
        detail += f" (request {problem['request_id']})" if problem.get("request_id") else ""
    if answer.status_code in {401, 403}:
        code = Exit.NOT_ALLOWED
    elif answer.status_code >= 500 or answer.status_code == 429:
        code = Exit.UNREACHABLE
    else:
        code = Exit.FAILED if answer.status_code == 409 else Exit.USAGE
    return Failed(code, detail, problem.get("code", ""))


def unreachable(server: str) -> Failed:
    """Return that the service does not answer."""
    return Failed(Exit.UNREACHABLE, f"{server} does not answer. Check the address and your connection.")


def _problem(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _code(answer: httpx2.Response) -> str:
    return str(_problem(answer).get("code", ""))


def _passes(answer: httpx2.Response) -> bool:
    """Return whether a further try can help: trouble of the service, or an earlier try that it is still doing."""
    return answer.status_code in _PASSING or (
        answer.status_code == httpx2.codes.CONFLICT and _code(answer) == "in-progress"
    )


def _pause(answer: httpx2.Response | None, attempt: int) -> float:
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    if asked.isdecimal():
        return min(float(asked), _LONGEST_PAUSE)
    return pause_before(attempt)
