"""The devstack's Stripe as a live process, with what a person and a clock do to it, over HTTP."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import requests
import stripe

from devstack.stripe import API_VERSION, SECRET_KEY
from devstack.stripe.client import AUTHENTICATES, DECLINED, SUCCEEDS, Control

SITE = "http://site.example"

__all__ = ["AUTHENTICATES", "DECLINED", "SUCCEEDS", "StripeProcess"]


class StripeProcess(Control):
    """A running one. What is posted to its pages is what the forms there would send."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
        self.session.headers["Accept"] = "application/json"

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        command = [sys.executable, "-m", "devstack.stripe", "--port", "0", "--retry-seconds", "0.2"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout
            printed = process.stdout.readline()
            found = re.search(r"http://\S+", printed)
            assert found, printed
            with cls(found[0]) as running:
                yield running
        finally:
            process.terminate()
            process.communicate()

    # --- What a person does

    def pay(self, page: str, card: str = SUCCEEDS, **fields: str) -> requests.Response:
        """Fill in Checkout's form. The answer is where it sends the browser, or the page again with what is wrong."""
        return self.session.post(page, data=_typed(card) | fields, allow_redirects=False, timeout=10)

    def authenticate(self, page: str, result: str) -> requests.Response:
        """Answer on the 3-D Secure page: complete or fail."""
        data = {"result": result}
        return self.session.post(f"{page}/authenticate", data=data, allow_redirects=False, timeout=10)

    def in_portal(self, page: str, what: str) -> requests.Response:
        """Press a button of the portal: cancel, renew or pay."""
        answer = self.session.post(f"{page}/{what}", allow_redirects=False, timeout=10)
        answer.raise_for_status()
        return answer

    def change_card(self, page: str, card: str = SUCCEEDS) -> requests.Response:
        return self.session.post(f"{page}/card", data=_typed(card), allow_redirects=False, timeout=10)

    # --- What time, staff and trouble do

    def fail_payment(self, subscription: str) -> None:
        """Let the payment of a renewal fail now, and every payment until the card is changed."""
        self._post(f"/subscriptions/{subscription}/fail_payment")

    def cancel_now(self, subscription: str) -> None:
        """End a subscription at once, as staff can in Stripe's Dashboard."""
        self._post(f"/subscriptions/{subscription}/cancel")

    def resend(self, event: str) -> list[int]:
        """Deliver an event now, whatever the mode; return the statuses of the answers."""
        return [one["status"] for one in self._post(f"/events/{event}/resend")]

    # --- What there is

    def events_of(self, subject: str = "", kind: str = "") -> list[dict[str, Any]]:
        """Return the events about an object, oldest first."""
        return [one for one in self.events()[::-1] if subject in one["object"] and one["type"].startswith(kind)]

    def payload(self, event: str) -> dict[str, Any]:
        """Return an event as it is sent."""
        found: dict[str, Any] = self.session.get(f"{self.control_url}/events/{event}", timeout=10).json()
        return found

    def api(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        sent: dict[str, Any] = {"data" if method == "POST" else "params": fields}
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        answer = self.session.request(method, f"{self.url}/v1/{path}", headers=headers, timeout=10, **sent)
        found: dict[str, Any] = answer.json()
        return found


def _typed(card: str) -> dict[str, str]:
    return {"number": card, "expiry": "12 / 34", "cvc": "123", "name": "Ada"}


def client(url: str, key: str = SECRET_KEY, version: str = API_VERSION) -> Any:
    return stripe.StripeClient(key, base_addresses={"api": url}, stripe_version=version, max_network_retries=0).v1
