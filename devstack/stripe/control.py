"""/_devstack/: for tests and for the person at the machine. Answers are JSON, or a page for a browser.

GET  /_devstack/stripe                              {webhooks, endpoints, subscriptions, events}, newest first
POST /_devstack/stripe                              {"webhooks": "send" | "hold" | "drop"}
GET  /_devstack/stripe/events/<id>                  the event as it is sent
POST /_devstack/stripe/events/<id>/resend           to every endpoint, now: [{endpoint, at, status, error}]
POST /_devstack/stripe/subscriptions/<id>/<what>    end_period (renew, or end if cancelled for the period's end),
                                                    fail_payment (of a renewal, and until the card is changed),
                                                    cancel (end at once, as staff can in the Dashboard)
"""

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from devstack.stripe.billing import Billing
from devstack.stripe.errors import StripeError
from devstack.stripe.webhooks import MODES


def build_control(billing: Billing) -> Blueprint:
    control = Blueprint("control", __name__, url_prefix="/_devstack")
    store, webhooks = billing.store, billing.webhooks

    control.before_request(_refuse_other_sites)

    @control.errorhandler(StripeError)
    def refused(error: StripeError) -> tuple[Response, int]:
        return jsonify(error.body()), error.status

    @control.get("/health")
    def health() -> Response:
        return jsonify(ok=True)

    @control.get("/stripe")
    def show() -> Response | str:
        state = _state(billing)
        return render_template("control.html", state=state, modes=MODES) if _wants_page() else jsonify(state)

    @control.post("/stripe")
    def set_mode() -> AnyResponse:
        mode = (request.get_json() if request.is_json else request.form).get("webhooks")
        if mode not in MODES:
            raise StripeError(400, f"webhooks is one of {', '.join(MODES)}", param="webhooks")
        webhooks.set_mode(mode)
        return _done(_state(billing))

    @control.get("/stripe/events/<event_id>")
    def event(event_id: str) -> Response:
        with store.lock:
            return jsonify(store.get("event", event_id))

    @control.post("/stripe/events/<event_id>/resend")
    def resend(event_id: str) -> AnyResponse:
        with store.lock:
            found = store.get("event", event_id)
        return _done(webhooks.resend(found))

    @control.post("/stripe/subscriptions/<subscription_id>/<any(end_period, fail_payment, cancel):what>")
    def change(subscription_id: str, what: str) -> AnyResponse:
        with store.lock:
            subscription = store.get("subscription", subscription_id)
            if what == "cancel":
                billing.cancel(subscription)
            else:
                billing.end_period(subscription, fail=what == "fail_payment")
            return _done(subscription)

    return control


def _refuse_other_sites() -> Response | None:
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin not in {None, request.host_url.rstrip("/")}:
        return Response("Requests from other sites are refused.", 403)
    return None


def _wants_page() -> bool:
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _done(answer: Any) -> AnyResponse:
    """Return a person to the page, and the answer to a program."""
    return redirect("/_devstack/stripe", 303) if _wants_page() else jsonify(answer)


def _state(billing: Billing) -> dict[str, Any]:
    store, webhooks = billing.store, billing.webhooks
    with store.lock:
        return {
            "webhooks": webhooks.mode,
            "endpoints": store.all("webhook_endpoint"),
            "subscriptions": store.all("subscription"),
            "events": [
                {
                    **{name: one[name] for name in ("id", "type", "created")},
                    "object": one["data"]["object"]["id"],
                    "deliveries": webhooks.deliveries(one["id"]),
                }
                for one in store.all("event")
            ],
        }
