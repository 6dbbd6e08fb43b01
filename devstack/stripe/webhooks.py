"""Signed webhooks: every event to every endpoint that wants it, tried again with growing pauses."""

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

#: send; hold (kept until it is send again); drop (lost, with what waits for another attempt).
MODES = ("send", "hold", "drop")
State = Literal["pending", "delivered", "failed", "dropped"]
#: A delivery's attempts: after the n-th the pause is FIRST_PAUSE_SECONDS × 2^(n-1), about a minute in all.
ATTEMPTS, FIRST_PAUSE_SECONDS = 8, 0.5
_TIMEOUT_SECONDS = 20


@dataclass
class Attempt:
    """`status` is 0 if there was no answer; then `error` says why."""

    at: int
    status: int
    error: str = ""


@dataclass
class Delivery:
    """One event's way to one endpoint."""

    event: str
    endpoint: str
    state: State = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return asdict(self)


def sign(payload: str, secret: str, at: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 of "time.payload"."""
    digest = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def wants(endpoint: Object, kind: str) -> bool:
    return endpoint["status"] == "enabled" and not {"*", kind}.isdisjoint(endpoint["enabled_events"])


class Webhooks(threading.Thread):
    """Sends in the order of the events, one at a time; an event that failed does not hold up the next ones."""

    def __init__(self, store: Store, *, first_pause: float = FIRST_PAUSE_SECONDS) -> None:
        super().__init__(name="stripe-webhooks", daemon=True)
        self.store, self.first_pause = store, first_pause
        self._changed = threading.Condition()
        self._mode = "send"
        self._stopping = False
        self._due: list[tuple[float, int, Delivery]] = []
        self._queued = 0
        self._deliveries: dict[str, list[Delivery]] = {}
        store.on_event = self.accept

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, wanted: str) -> None:
        """One of MODES."""
        with self._changed:
            self._mode = wanted
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self.join()

    def accept(self, event: Object) -> None:
        """A new event. The caller holds the store's lock."""
        endpoints = [one for one in list(self.store.all("webhook_endpoint"))[::-1] if wants(one, event["type"])]
        event["pending_webhooks"] = len(endpoints)
        with self._changed:
            for endpoint in endpoints:
                delivery = Delivery(event["id"], endpoint["id"])
                self._deliveries.setdefault(event["id"], []).append(delivery)
                self._queue(delivery, 0)

    def deliveries(self, event_id: str) -> list[dict[str, Any]]:
        with self._changed:
            return [delivery.shown() for delivery in self._deliveries.get(event_id, [])]

    def resend(self, event: Object) -> list[dict[str, Any]]:
        """Send it now to every endpoint that wants it, whatever the mode; one attempt, whose outcome is returned."""
        with self.store.lock:
            endpoints = [one["id"] for one in self.store.all("webhook_endpoint") if wants(one, event["type"])]
        outcomes = []
        for endpoint in endpoints:
            with self._changed:
                known = self._deliveries.setdefault(event["id"], [])
                delivery = next((one for one in known if one.endpoint == endpoint), None)
                if delivery is None:
                    delivery = Delivery(event["id"], endpoint)
                    known.append(delivery)
            attempt = self._attempt(delivery)
            outcomes.append({"endpoint": endpoint, **asdict(attempt)})
        return outcomes

    def run(self) -> None:
        while delivery := self._next():
            if delivery.state != "pending":
                continue  # sent meanwhile by hand
            if self._mode == "drop":
                self._settle(delivery, "dropped")
                continue
            self._attempt(delivery)
            if delivery.state == "pending" and len(delivery.attempts) >= ATTEMPTS:
                self._settle(delivery, "failed")
            elif delivery.state == "pending":
                with self._changed:
                    self._queue(delivery, self.first_pause * 2 ** (len(delivery.attempts) - 1))

    def _queue(self, delivery: Delivery, pause: float) -> None:
        self._queued += 1
        heapq.heappush(self._due, (time.monotonic() + pause, self._queued, delivery))
        self._changed.notify_all()

    def _next(self) -> Delivery | None:
        """The next that is due, once there is one; None when there will be no more."""
        with self._changed:
            while not self._stopping:
                if self._mode == "hold" or not self._due:
                    self._changed.wait()
                elif (pause := self._due[0][0] - time.monotonic()) > 0:
                    self._changed.wait(pause)
                else:
                    return heapq.heappop(self._due)[2]
        return None

    def _attempt(self, delivery: Delivery) -> Attempt:
        # The receiver asks this server back while it works: no lock is held meanwhile.
        with self.store.lock:
            endpoint = self.store.find("webhook_endpoint", delivery.endpoint)
            payload = json.dumps(self.store.get("event", delivery.event), indent=2)
            secret = self.store.hidden(delivery.endpoint).secret
        if endpoint is None or endpoint["status"] != "enabled":
            self._settle(delivery, "dropped")
            return Attempt(now(), 0, "The endpoint is gone.")
        attempt = _post(endpoint["url"], payload, secret)
        with self._changed:
            delivery.attempts.append(attempt)
        if 200 <= attempt.status < 300:
            self._settle(delivery, "delivered")
        return attempt

    def _settle(self, delivery: Delivery, state: State) -> None:
        with self.store.lock, self._changed:
            delivery.state = state
            waiting = [one for one in self._deliveries.get(delivery.event, []) if one.state == "pending"]
            self.store.get("event", delivery.event)["pending_webhooks"] = len(waiting)


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
