"""/_devstack/: health, and what there is to see and to steer: deliveries, and the ends of periods.

GET  /_devstack/stripe                                   what there is, as a page or (Accept: application/json) as JSON
POST /_devstack/stripe                                   {"webhooks": "send" | "hold" | "drop"}
POST /_devstack/stripe/events/<id>/resend                to every endpoint, now: [{endpoint, status, error}]
POST /_devstack/stripe/subscriptions/<id>/end_period     renew, or end if it is cancelled for the period's end
POST /_devstack/stripe/subscriptions/<id>/fail_payment   the renewal's payment fails, until the card is changed
"""

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from devstack.stripe import API_VERSION
from devstack.stripe.errors import StripeError
from devstack.stripe.service import Service
from devstack.stripe.store import now
from devstack.stripe.webhooks import MODES


def build_control(service: Service) -> Blueprint:
    control = Blueprint("control", __name__, url_prefix="/_devstack")
    steps = _Steps(service)
    control.before_request(_from_here_only)
    control.register_error_handler(StripeError, lambda error: (jsonify(error.body()), error.status))
    control.add_url_rule("/health", view_func=lambda: jsonify(ok=True), endpoint="health")
    control.add_url_rule("/stripe", view_func=steps.show)
    control.add_url_rule("/stripe", view_func=steps.change, methods=["POST"])
    control.add_url_rule("/stripe/events/<event_id>/resend", view_func=steps.resend, methods=["POST"])
    control.add_url_rule(
        "/stripe/subscriptions/<subscription_id>/<any(end_period, fail_payment):what>",
        view_func=steps.move,
        methods=["POST"],
    )
    return control


def _from_here_only() -> Response | None:
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin != request.host_url.rstrip("/"):
        return Response("These pages take no orders from other sites.", 403)
    return None


class _Steps:
    def __init__(self, service: Service) -> None:
        self.service = service

    def show(self) -> Response | str:
        state = _state(self.service)
        return render_template("control.html", state=state, modes=MODES) if _wants_page() else jsonify(state)

    def change(self) -> AnyResponse:
        wanted = request.get_json() if request.is_json else request.form
        mode = wanted.get("webhooks")
        if mode not in MODES:
            raise StripeError(400, f"webhooks is one of {', '.join(MODES)}", param="webhooks")
        self.service.webhooks.set_mode(mode)
        return _back(_state(self.service))

    def resend(self, event_id: str) -> AnyResponse:
        with self.service.store.lock:
            event = self.service.store.get("event", event_id)
        return _back(self.service.webhooks.resend(event))

    def move(self, subscription_id: str, what: str) -> AnyResponse:
        with self.service.store.lock:
            subscription = self.service.store.get("subscription", subscription_id)
            self.service.billing.end_period(subscription, now(), fail=what == "fail_payment")
            return _back(subscription)


def _wants_page() -> bool:
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _back(answer: Any) -> AnyResponse:
    """To the page for a person, with what there is now for a program."""
    return redirect("/_devstack/stripe", 303) if _wants_page() else jsonify(answer)


def _state(service: Service) -> dict[str, Any]:
    store = service.store
    with store.lock:
        subscriptions = [
            {
                **{name: one[name] for name in ("id", "customer", "status", "cancel_at_period_end", "latest_invoice")},
                "current_period_end": one["items"]["data"][0]["current_period_end"],
            }
            for one in store.all("subscription")
        ]
        events = [
            {
                "id": one["id"],
                "type": one["type"],
                "created": one["created"],
                "object": one["data"]["object"]["id"],
                "deliveries": service.webhooks.deliveries(one["id"]),
            }
            for one in store.all("event")
        ]
        endpoints = [
            {name: one[name] for name in ("id", "url", "status", "enabled_events")}
            for one in store.all("webhook_endpoint")
        ]
    return {
        "api_version": API_VERSION,
        "webhooks": service.webhooks.mode,
        "period_seconds": store.period_seconds,
        "endpoints": endpoints,
        "subscriptions": subscriptions,
        "events": events,
    }
