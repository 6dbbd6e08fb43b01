"""The devstack's Stripe as a live process, with what a person and a clock do to it, over HTTP."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import requests

from devstack.stripe import SECRET_KEY

GOOD, DECLINED, AUTHENTICATES, FAILS_LATER = (
    "4242424242424242",
    "4000000000000002",
    "4000002500003155",
    "4000000000000341",
)


class StripeProcess:
    """A running one. What is posted to its pages is what the forms there would send."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Accept"] = "application/json"

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        command = [sys.executable, "-m", "devstack.stripe", "--port", "0", "--retry-seconds", "0.2"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout
            said = process.stdout.readline()
            found = re.search(r"http://\S+", said)
            assert found, said
            yield cls(found[0])
        finally:
            process.terminate()
            process.communicate()

    # --- What a person does

    def pay(self, page: str, card: str = GOOD) -> requests.Response:
        """Fill in Checkout's form. The answer is where it sends the browser, or the page again with what is wrong."""
        fields = {"number": card, "expiry": "12 / 34", "cvc": "123", "name": "Ada", "email": "ada@lab.example"}
        return self.http.post(page, data=fields, allow_redirects=False, timeout=10)

    def in_portal(self, page: str, what: str) -> None:
        """Press a button of the portal: cancel, renew, or invoices/<id>/pay."""
        self.http.post(f"{page}/{what}", allow_redirects=False, timeout=10).raise_for_status()

    def change_card(self, page: str, card: str = GOOD) -> None:
        fields = {"number": card, "expiry": "12 / 34", "cvc": "123", "name": "Ada"}
        self.http.post(f"{page}/card", data=fields, allow_redirects=False, timeout=10).raise_for_status()

    # --- What time, and trouble, do

    def webhooks(self, mode: str) -> None:
        """Send, hold or drop webhooks from now on."""
        self._post("/_devstack/stripe", {"webhooks": mode})

    def end_period(self, subscription: str) -> None:
        self._post(f"/_devstack/stripe/subscriptions/{subscription}/end_period")

    def fail_payment(self, subscription: str) -> None:
        self._post(f"/_devstack/stripe/subscriptions/{subscription}/fail_payment")

    def resend(self, event: str) -> list[int]:
        """Deliver it now, whatever the mode; the statuses of the answers."""
        return [one["status"] for one in self._post(f"/_devstack/stripe/events/{event}/resend")]

    # --- What there is

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"{self.url}/_devstack/stripe", timeout=10).json()
        return found

    def events(self, subject: str = "", kind: str = "") -> list[dict[str, Any]]:
        """Those about an object, in the order in which they happened."""
        latest_first = self.state()["events"]
        return [one for one in reversed(latest_first) if subject in one["object"] and one["type"].startswith(kind)]

    def pending(self) -> list[str]:
        """Events that are still to be delivered."""
        return [
            event["id"]
            for event in self.state()["events"]
            if any(one["state"] == "pending" for one in event["deliveries"])
        ]

    def api(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        sent: dict[str, Any] = {"data" if method == "POST" else "params": fields}
        answer = self.http.request(method, f"{self.url}/v1/{path}", auth=(SECRET_KEY, ""), timeout=10, **sent)
        found: dict[str, Any] = answer.json()
        return found

    def _post(self, path: str, body: Any = None) -> Any:
        answer = self.http.post(self.url + path, json=body or {}, timeout=30)
        answer.raise_for_status()
        return answer.json()
