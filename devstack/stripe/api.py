"""/v1/: who may call, in which version, and once only; then the call itself, under the store's lock."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from devstack.stripe import ACCOUNT, API_VERSION, reading, writing
from devstack.stripe.errors import StripeError
from devstack.stripe.expand import expanded
from devstack.stripe.forms import Params, Reader, parse
from devstack.stripe.service import Service
from devstack.stripe.store import Object, new_id

_KEY = re.compile(r"(sk|rk)_test_\w+")
#: {method: {path: handler}}; a handler takes the service, the parameters and the ids of the path.
ROUTES: Mapping[str, Mapping[str, reading.Handler]] = {
    "GET": {
        "account": reading.account,
        "accounts/<a>": reading.account,
        "customers/<a>": reading.retrieve("customer"),
        "customers/<a>/payment_methods": reading.customer_cards,
        "products/<a>": reading.retrieve("product"),
        "products/<a>/features": reading.product_features,
        "prices/<a>": reading.retrieve("price"),
        "subscriptions/<a>": reading.retrieve("subscription"),
        "subscription_items": reading.subscription_items,
        "subscription_items/<a>": reading.retrieve("subscription_item"),
        "invoices/<a>": reading.retrieve("invoice"),
        "invoices/<a>/lines": reading.invoice_lines,
        "payment_methods/<a>": reading.retrieve("payment_method"),
        "checkout/sessions/<a>": reading.retrieve("checkout.session"),
        "checkout/sessions/<a>/line_items": reading.session_items,
        "events/<a>": reading.retrieve("event"),
        "webhook_endpoints/<a>": reading.retrieve("webhook_endpoint"),
        **reading.LISTS,
    },
    "POST": {
        "customers": writing.create_customer,
        "customers/<a>": writing.update_customer,
        "subscriptions/<a>": writing.update_subscription,
        "checkout/sessions": writing.create_session,
        "checkout/sessions/<a>/expire": writing.expire_session,
        "billing_portal/sessions": writing.create_portal_session,
        "webhook_endpoints": writing.create_endpoint,
        "webhook_endpoints/<a>": writing.update_endpoint,
    },
    "DELETE": {
        "customers/<a>": writing.delete_customer,
        "subscriptions/<a>": writing.cancel_subscription,
        "webhook_endpoints/<a>": writing.delete_endpoint,
    },
}


@dataclass(frozen=True)
class _Done:
    """What a request with an idempotency key asked for, and got."""

    asked: tuple[str, str]
    answer: str


def build_api(service: Service) -> Blueprint:
    api = Blueprint("api", __name__, url_prefix="/v1")
    done: dict[str, _Done] = {}

    def view(handler: reading.Handler) -> Any:
        def answer(**ids: str) -> Response:
            request_id = new_id("event").replace("evt_", "req_")[:18]
            headers = {"Request-Id": request_id, "Stripe-Version": API_VERSION}
            try:
                _check_caller()
                params = parse([*request.args.items(multi=True), *request.form.items(multi=True)])
                with service.store.lock:
                    body, replayed = _once(service, done, handler, params, ids, request_id)
            except StripeError as error:
                return _json(json.dumps(error.body(), indent=2), error.status, headers)
            return _json(body, 200, headers | ({"Idempotent-Replayed": "true"} if replayed else {}))

        return answer

    for method, paths in ROUTES.items():
        for path, handler in paths.items():
            api.add_url_rule(f"/{path}", f"{method} {path}", view(handler), methods=[method])

    @api.route("/<path:path>", methods=["GET", "POST", "DELETE"])
    def not_served(path: str) -> Response:
        error = StripeError(
            404, f"Unrecognized request URL ({request.method}: /v1/{path}): the devstack's Stripe has no such call."
        )
        return _json(json.dumps(error.body(), indent=2), 404, {})

    return api


def _check_caller() -> None:
    """Check the key, the version and the account of a request.

    Raises:
        StripeError: the key, the version or the account is not one that is served.
    """
    sent = request.headers.get("Authorization", "")
    key = sent.removeprefix("Bearer ")
    if request.authorization is not None and request.authorization.type == "basic":
        key = request.authorization.username or ""
    if not key:
        raise StripeError(401, "You did not provide an API key.")
    if not _KEY.fullmatch(key):
        raise StripeError(401, "Invalid API Key provided. The devstack takes test keys only.")
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise StripeError(400, f"Invalid Stripe API version: {version}. The devstack speaks {API_VERSION} only.")
    account = request.headers.get("Stripe-Account", ACCOUNT)
    if account != ACCOUNT:
        raise StripeError(403, f"The provided key does not have access to account '{account}'.", code="account_invalid")


def _once(
    service: Service,
    done: dict[str, _Done],
    handler: reading.Handler,
    params: Params,
    ids: Mapping[str, str],
    request_id: str,
) -> tuple[str, bool]:
    """The answer, and whether it is that of an earlier request with the same idempotency key."""
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    asked = (request.path, json.dumps(params, sort_keys=True))
    if key and (before := done.get(key)):
        if before.asked != asked:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return before.answer, True
    service.store.request = (request_id, key)
    try:
        found: Object = handler(service, params, *ids.values())
    finally:
        service.store.request = (None, None)
    body = json.dumps(expanded(service.store, found, Reader(params, params).texts("expand")), indent=2)
    if key:
        done[key] = _Done(asked, body)
    return body, False


def _json(body: str, status: int, headers: Mapping[str, str]) -> Response:
    return Response(body, status, {**headers, "Cache-Control": "no-cache, no-store"}, content_type="application/json")
