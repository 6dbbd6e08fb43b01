"""For tests and scenarios: a person who pays at Checkout over HTTP, and the control page."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import requests

from devstack.browser import Browser
from devstack.waiting import wait_for

#: Test cards by what comes of them.
SUCCEEDS, DECLINED, AUTHENTICATES = "4242424242424242", "4000000000000002", "4000002500003155"


class NotPaid(Exception):
    """The page refused; the message is what it said."""


class Shopper(Browser):
    """A person at Checkout."""

    def pay(self, checkout_url: str, *, card: str = SUCCEEDS) -> str:
        """Pay, and return the success URL, which is not followed.

        Raises:
            NotPaid: the card was declined, or the page is not there.
        """
        fields = {"number": card, "expiry": "12 / 34", "cvc": "123", "name": "Ada Lovelace"}
        answer = self.session.post(checkout_url, data=fields, timeout=30, allow_redirects=False)
        if answer.status_code != 303:
            raise NotPaid(_refusal(answer.text))
        return urljoin(checkout_url, answer.headers["Location"])


def _refusal(page: str) -> str:
    """Return what a page says is wrong: its alert, or else its main part."""
    found = re.search(r'role="alert"[^>]*>(.*?)</', page, re.DOTALL) or re.search(r"<main>(.*)", page, re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", found[1] if found else page)).split())[:300]


class Control(Browser):
    """The control page. Subscriptions and events are named by their ids."""

    def __init__(self, stripe_url: str) -> None:
        super().__init__()
        self.control_url = f"{stripe_url}/_devstack/stripe"

    def state(self) -> dict[str, Any]:
        """Return {webhooks, endpoints, subscriptions, events}, newest first."""
        found: dict[str, Any] = _json(self.session.get(self.control_url, timeout=30))
        return found

    def webhooks(self, mode: str) -> None:
        """Send webhooks from now on, hold them (until they are sent again), or drop them."""
        self._post("", {"webhooks": mode})

    def end_period(self, subscription: str) -> None:
        """End the period of a subscription: it is renewed, or ends if it was cancelled for then."""
        self._post(f"/subscriptions/{subscription}/end_period")

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Return {id, type, created, object, deliveries} of each event, or of those of one type, newest first."""
        return [one for one in self.state()["events"] if kind in {"", one["type"]}]

    def pending(self) -> list[str]:
        """Return the ids of the events that still have to be delivered."""
        return [one["id"] for one in self.events() if any(way["state"] == "pending" for way in one["deliveries"])]

    def settled(self) -> list[dict[str, Any]]:
        """Return the events once each has been delivered, or given up.

        Raises:
            TimeoutError: this takes longer than a minute.
        """
        wait_for(lambda: not self.pending(), 60, "the delivery of every webhook")
        return self.events()

    def _post(self, path: str, body: Any = None) -> Any:
        return _json(self.session.post(self.control_url + path, json=body or {}, timeout=60))


def _json(answer: requests.Response) -> Any:
    answer.raise_for_status()
    return answer.json()
