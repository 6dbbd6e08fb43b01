"""For tests and the demo: a person who pays on the hosted pages over HTTP, and a hand on the control page."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import requests

from devstack.browser import Browser
from devstack.waiting import wait_for

#: Test cards by what comes of them.
SUCCEEDS, DECLINED, AUTHENTICATES = "4242424242424242", "4000000000000002", "4000002500003155"
FAILS_LATER = "4000000000000341"


class NotPaid(Exception):
    """The page came back; the message is what it said."""


class Shopper(Browser):
    """Fills in the pages of Checkout and the Portal. Every step opens the page first, as a browser does."""

    name = "Ada Lovelace"

    def pay(self, checkout_url: str, *, card: str = SUCCEEDS, email: str = "", authenticate: bool | None = True) -> str:
        """Pay, and return the success URL, which is not followed.

        authenticate: what to answer on a 3-D Secure page; None leaves it unanswered, and returns its address.

        Raises:
            NotPaid: the card was declined, or the authentication failed.
        """
        answer = self._submit(checkout_url, "Subscribe", self._card(card) | {"email": email})
        if not answer.endswith("/authenticate"):
            return answer
        if authenticate is None:
            return answer
        answer = self._submit(answer, "Complete" if authenticate else "Fail", {})
        if not authenticate:
            raise NotPaid(_said(self._get(answer)))
        return answer

    def back(self, checkout_url: str) -> str:
        """Where the page's back link leads."""
        return _link(self._get(checkout_url), "Back")

    def cancel(self, portal_url: str) -> None:
        """Cancel the plan for the end of its period, through the page that asks."""
        question = urljoin(portal_url, _link(self._get(portal_url), "Cancel plan"))
        self._submit(question, "Cancel plan", {})

    def renew(self, portal_url: str) -> None:
        """Take the cancellation back."""
        self._submit(portal_url, "Don't cancel", {})

    def change_card(self, portal_url: str, card: str) -> None:
        """Pay with another card in the portal.

        Raises:
            NotPaid: the card was declined.
        """
        self._submit(portal_url, "Save card", self._card(card))

    def pay_invoice(self, portal_url: str) -> None:
        """Pay the newest open invoice.

        Raises:
            NotPaid: the payment failed.
        """
        answer = self._submit(portal_url, "Pay", {})
        if answer.endswith("done=unpaid"):
            raise NotPaid(_said(self._get(answer)))

    def back_to_site(self, portal_url: str) -> str:
        return _link(self._get(portal_url), "Return to the site")

    def _card(self, number: str) -> dict[str, str]:
        return {"number": number, "expiry": "12 / 34", "cvc": "123", "name": self.name}

    def _get(self, url: str) -> str:
        answer = self.session.get(url, timeout=30)
        if answer.status_code >= 400:
            raise NotPaid(_said(answer.text))
        return answer.text

    def _submit(self, url: str, button: str, fields: dict[str, str]) -> str:
        """Press a button of the page, and return where it leads."""
        form, pressed = _form_of(self._get(url), button)
        names = set(re.findall(r'<input[^>]* name="([^"]+)"', form))
        values = {name: value for name, value in fields.items() if name in names}
        values |= dict(re.findall(r'name="([^"]+)" value="([^"]+)"', pressed))
        action = re.search(r'action="([^"]+)"', form)
        target = urljoin(url, unescape(action[1]) if action else "")
        answer = self.session.post(target, data=values, timeout=30, allow_redirects=False)
        if answer.status_code != 303:
            raise NotPaid(_said(answer.text))
        return urljoin(url, answer.headers["Location"])


class Control(Browser):
    """The control page. Subscriptions and events are named by their ids."""

    def __init__(self, stripe_url: str) -> None:
        super().__init__()
        self.url = f"{stripe_url}/_devstack/stripe"

    def state(self) -> dict[str, Any]:
        """{api_version, webhooks, period_seconds, endpoints, subscriptions, events}, newest first."""
        found: dict[str, Any] = _json(self.session.get(self.url, timeout=30))
        return found

    def webhooks(self, mode: str) -> None:
        """send, hold (until it is send again) or drop (lost)."""
        _json(self.session.post(self.url, json={"webhooks": mode}, timeout=30))

    def resend(self, event: str) -> list[dict[str, Any]]:
        """Send an event now, whatever the mode: [{endpoint, at, status, error}], one of each endpoint."""
        found: list[dict[str, Any]] = _json(self.session.post(f"{self.url}/events/{event}/resend", timeout=120))
        return found

    def end_period(self, subscription: str) -> dict[str, Any]:
        """The subscription after its period's end: renewed, past due, or over."""
        return self._move(subscription, "end_period")

    def fail_payment(self, subscription: str) -> dict[str, Any]:
        """The subscription after a renewal whose payment failed."""
        return self._move(subscription, "fail_payment")

    def _move(self, subscription: str, what: str) -> dict[str, Any]:
        found: dict[str, Any] = _json(self.session.post(f"{self.url}/subscriptions/{subscription}/{what}", timeout=30))
        return found

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Newest first: {id, type, created, object, deliveries}; those of one type, if it is given."""
        return [one for one in self.state()["events"] if kind in {"", one["type"]}]

    def settled(self, seconds: float = 60) -> list[dict[str, Any]]:
        """The events, once none of them waits to be sent. Raises TimeoutError."""

        def found() -> list[dict[str, Any]]:
            events = self.events()
            waiting = any(one["state"] == "pending" for event in events for one in event["deliveries"])
            return [] if waiting else events

        return wait_for(found, seconds, "the delivery of every webhook")


def _json(answer: requests.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def _form_of(page: str, button: str) -> tuple[str, str]:
    """The form that has this button, and the button, as HTML."""
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        for found in re.findall(r"<button[^>]*>.*?</button>", form):
            if _text(found) == button:
                return form, found
    raise NotPaid(f"The page has no button {button!r}: {_said(page)}")


def _text(html: str) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", html)).split())


def _link(page: str, text: str) -> str:
    for tag, href in re.findall(r'(<a[^>]*href="([^"]*)"[^>]*>.*?</a>)', page, re.DOTALL):
        if text in _text(tag):
            return unescape(href)
    raise NotPaid(f"The page has no link {text!r}.")


def _said(page: str) -> str:
    """What a page says is wrong: its alert, else its main part."""
    for pattern in (r'role="alert"[^>]*>(.*?)</', r'role="status"[^>]*>(.*?)</', r"<main>(.*?)</main>"):
        found = re.search(pattern, page, re.DOTALL)
        if found:
            return _text(found[1])[:300]
    return page[:300]
