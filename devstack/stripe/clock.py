"""The thread that lets time have its effects: periods end, failed payments are tried again, sessions expire."""

import threading

from devstack.stripe.billing import Billing
from devstack.stripe.checkout import expire
from devstack.stripe.store import now

_TICK_SECONDS = 0.5
_RENEWING = frozenset({"active", "trialing"})


class Clock(threading.Thread):
    def __init__(self, billing: Billing) -> None:
        super().__init__(name="stripe-clock", daemon=True)
        self.billing = billing
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            with self.billing.store.lock:
                self.tick(now())

    def tick(self, at: int) -> None:
        """Do all that is due at this time. The caller holds the store's lock."""
        store = self.billing.store
        for subscription in list(store.all("subscription")):
            (item,) = subscription["items"]["data"]
            if subscription["status"] in _RENEWING and item["current_period_end"] <= at:
                self.billing.end_period(subscription, item["current_period_end"])
        for invoice in list(store.all("invoice")):
            due = invoice["next_payment_attempt"]
            if invoice["status"] == "open" and due is not None and due <= at:
                self.billing.retry_payment(invoice)
        for session in list(store.all("checkout.session")):
            if session["status"] == "open" and session["expires_at"] <= at:
                expire(self.billing, session)
