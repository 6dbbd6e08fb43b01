"""Signed webhooks: every event to every endpoint that is registered for it, tried again with growing pauses."""

import hashlib
import heapq
import hmac
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import requests

from devstack.stripe.store import Object, Store, now

#: send; hold (kept until the mode is send again); drop (lost, with those that wait for another attempt).
MODES = ("send", "hold", "drop")
#: Before the second attempt; each further pause is twice as long.
FIRST_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS = 20


@dataclass
class Attempt:
    """One request to an endpoint.

    Attributes:
        at: Unix time.
        status: of the answer; 0 if there was none.
        error: why there was no answer.
    """

    at: int
    status: int
    error: str = ""


@dataclass
class Delivery:
    """One event on its way to one endpoint, both named by their ids."""

    event: str
    endpoint: str
    state: Literal["pending", "delivered", "dropped"] = "pending"
    attempts: list[Attempt] = field(default_factory=list)


def sign(payload: str, secret: str, at: int) -> str:
    """Return the Stripe-Signature header: HMAC-SHA256 of "time.payload"."""
    digest = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhooks(threading.Thread):
    """Sends one event at a time, in their order. An event that fails does not delay the next ones."""

    def __init__(self, store: Store, *, first_pause: float) -> None:
        super().__init__(name="stripe-webhooks", daemon=True)
        self.store, self.first_pause = store, first_pause
        #: The signing secret of each endpoint, by its id.
        self.secrets: dict[str, str] = {}
        self.mode = "send"
        self._changed = threading.Condition()
        self._stopping = False
        self._due: list[tuple[float, int, Delivery]] = []
        self._queued = 0
        self._deliveries: dict[str, list[Delivery]] = {}

    def set_mode(self, wanted: str) -> None:
        """Set the mode, one of MODES."""
        with self._changed:
            self.mode = wanted
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop, and return when no more webhook is sent."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self.join()

    def accept(self, event: Object) -> None:
        """Send a new event. The caller holds the store's lock."""
        for endpoint in self._endpoints(event["type"]):
            with self._changed:
                self._queue(self._delivery(event["id"], endpoint), 0)

    def deliveries(self, event_id: str) -> list[dict[str, Any]]:
        with self._changed:
            return [asdict(delivery) for delivery in self._deliveries.get(event_id, [])]

    def resend(self, event: Object) -> list[dict[str, Any]]:
        """Send an event now to every endpoint that is registered for it, once and in any mode; return the outcomes."""
        with self.store.lock:
            endpoints = self._endpoints(event["type"])
        with self._changed:
            deliveries = [self._delivery(event["id"], endpoint) for endpoint in endpoints]
        return [{"endpoint": one.endpoint, **asdict(self._attempt(one))} for one in deliveries]

    def run(self) -> None:
        while delivery := self._next():
            if delivery.state != "pending":
                continue  # it was sent by hand in the meantime
            if self.mode == "drop":
                self._settle(delivery, "dropped")
                continue
            self._attempt(delivery)
            if delivery.state == "pending":
                with self._changed:
                    self._queue(delivery, self.first_pause * 2 ** (len(delivery.attempts) - 1))

    def _endpoints(self, kind: str) -> list[str]:
        """Return the ids of the endpoints that are registered for a type of event, oldest first."""
        found = (one for one in reversed(self.store.all("webhook_endpoint")) if one["status"] == "enabled")
        return [one["id"] for one in found if not {"*", kind}.isdisjoint(one["enabled_events"])]

    def _delivery(self, event_id: str, endpoint: str) -> Delivery:
        known = self._deliveries.setdefault(event_id, [])
        delivery = next((one for one in known if one.endpoint == endpoint), None)
        if delivery is None:
            delivery = Delivery(event_id, endpoint)
            known.append(delivery)
        return delivery

    def _queue(self, delivery: Delivery, pause: float) -> None:
        self._queued += 1
        heapq.heappush(self._due, (time.monotonic() + pause, self._queued, delivery))
        self._changed.notify_all()

    def _next(self) -> Delivery | None:
        """Wait for the next delivery that is due, and return it; None when the thread is to stop."""
        with self._changed:
            while not self._stopping:
                if self.mode == "hold" or not self._due:
                    self._changed.wait()
                elif (pause := self._due[0][0] - time.monotonic()) > 0:
                    self._changed.wait(pause)
                else:
                    return heapq.heappop(self._due)[2]
        return None

    def _attempt(self, delivery: Delivery) -> Attempt:
        # The receiver may call this server before it answers, so no lock is held while it is waited for.
        with self.store.lock:
            endpoint = self.store.find("webhook_endpoint", delivery.endpoint)
            payload = json.dumps(self.store.get("event", delivery.event), indent=2)
        if endpoint is None or endpoint["status"] != "enabled":
            self._settle(delivery, "dropped")
            return Attempt(now(), 0, "The endpoint is gone.")
        attempt = _post(endpoint["url"], payload, self.secrets[delivery.endpoint])
        with self._changed:
            delivery.attempts.append(attempt)
        if 200 <= attempt.status < 300:
            self._settle(delivery, "delivered")
        return attempt

    def _settle(self, delivery: Delivery, state: Literal["delivered", "dropped"]) -> None:
        with self._changed:
            delivery.state = state


def _post(url: str, payload: str, secret: str) -> Attempt:
    at = now()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": sign(payload, secret, at),
    }
    with requests.Session() as session:
        session.trust_env = False  # no proxy between one machine and itself
        try:
            answer = session.post(
                url, data=payload.encode(), headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            return Attempt(at, 0, type(error).__name__)
    return Attempt(at, answer.status_code)
