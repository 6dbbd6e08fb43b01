"""/v1/: checks who calls and in which version, repeats the answer to an idempotency key, and makes the call."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from devstack.stripe import API_VERSION
from devstack.stripe.billing import Billing
from devstack.stripe.calls import CALLS
from devstack.stripe.errors import StripeError
from devstack.stripe.parameters import Params, parse
from devstack.stripe.store import Object

_KEY = re.compile(r"(sk|rk)_test_\w+")
#: {idempotency key: (path, parameters and answer of the first request with it)}
_Answered = dict[str, tuple[str, str, str]]


def build_api(billing: Billing) -> Blueprint:
    api = Blueprint("api", __name__, url_prefix="/v1")
    answered: _Answered = {}

    def view(takes: type[Params], call: Callable[..., Any]) -> Any:
        def answer(**ids: str) -> Response:
            _check_caller()
            params = parse([*request.args.items(multi=True), *request.form.items(multi=True)])
            with billing.store.lock:
                body, replayed = _once(answered, params, lambda: call(billing, takes.read(params), *ids.values()))
            return _json(body, 200, {"Idempotent-Replayed": "true"} if replayed else {})

        return answer

    for (method, path), (takes, call) in CALLS.items():
        api.add_url_rule(f"/{path}", f"{method} {path}", view(takes, call), methods=[method])

    @api.route("/<path:path>", methods=["GET", "POST", "DELETE"])
    def not_served(path: str) -> Response:
        raise StripeError(404, f"Unrecognized request URL ({request.method}: /v1/{path}): the service does not use it.")

    @api.errorhandler(StripeError)
    def refused(error: StripeError) -> Response:
        return _json(json.dumps(error.body(), indent=2), error.status, {})

    return api


def _check_caller() -> None:
    """Check the key and the version of a request.

    Raises:
        StripeError: there is no test key, or another version is named.
    """
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not _KEY.fullmatch(key):
        raise StripeError(401, "Invalid API Key provided: only test keys are accepted.")
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise StripeError(400, f"Invalid Stripe API version: {version}. Only {API_VERSION} is served.")


def _once(answered: _Answered, params: Mapping[str, Any], call: Callable[[], Object]) -> tuple[str, bool]:
    """Return the answer, and whether it is that of an earlier request with the same idempotency key."""
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    asked = (request.path, json.dumps(params, sort_keys=True))
    if key and key in answered:
        *before, answer = answered[key]
        if tuple(before) != asked:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return answer, True
    body = json.dumps(call(), indent=2)
    if key:
        answered[key] = (*asked, body)
    return body, False


def _json(body: str, status: int, headers: Mapping[str, str]) -> Response:
    request_id = f"req_{secrets.token_hex(7)}"
    return Response(
        body,
        status,
        {**headers, "Request-Id": request_id, "Stripe-Version": API_VERSION, "Cache-Control": "no-cache, no-store"},
        content_type="application/json",
    )
