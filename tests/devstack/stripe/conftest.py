"""A Stripe on loopback for each test, the real client library that talks to it, and an endpoint for its webhooks."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from devstack.stripe import PRICE
from devstack.stripe.billing import Billing
from devstack.stripe.server import build_server
from tests.support.stripe_process import SITE, StripeProcess, client


@dataclass
class Fake:
    """The account itself, for what cannot be seen from outside; its address; and the library that calls it."""

    billing: Billing
    url: str
    api: Any

    def session(self, customer: str, **fields: Any) -> Any:
        """Create a Checkout session as the service does."""
        wanted = {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": PRICE, "quantity": 1}],
            "success_url": f"{SITE}/back?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{SITE}/plan",
        }
        return self.api.checkout.sessions.create(wanted | fields)

    def subscription(self, customer: str) -> Any:
        """Return a customer's newest subscription, as it is now."""
        return self.api.subscriptions.list({"customer": customer, "status": "all"}).data[0]


@pytest.fixture
def fake() -> Iterator[Fake]:
    billing = Billing(first_pause=0.01)
    server = build_server(billing, 0)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    yield Fake(billing, billing.base, client(billing.base))
    billing.webhooks.stop()
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture
def slow_store(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one request stores takes so long that others come in between, unless something keeps them out."""
    add = fake.billing.store.add

    def slowly(obj: Any) -> Any:
        threading.Event().wait(0.05)
        return add(obj)

    monkeypatch.setattr(fake.billing.store, "add", slowly)


@pytest.fixture
def person(fake: Fake) -> Iterator[StripeProcess]:
    """A person at the pages, with a hand on the control page."""
    with StripeProcess(fake.url) as someone:
        yield someone


@pytest.fixture
def customer(fake: Fake) -> str:
    return str(fake.api.customers.create({"email": "ada@lab.example", "metadata": {"user": "7"}}).id)


@pytest.fixture
def subscription(fake: Fake, person: StripeProcess, customer: str) -> Any:
    """An active one, paid for at the hosted Checkout."""
    assert person.pay(fake.session(customer).url).status_code == 303
    return fake.subscription(customer)


@pytest.fixture
def portal(fake: Fake, customer: str) -> str:
    return str(fake.api.billing_portal.sessions.create({"customer": customer, "return_url": SITE}).url)


@dataclass
class Inbox:
    """What came, in its order: (body, Stripe-Signature). `answers` are given in turn, then 200."""

    url: str = ""
    secret: str = ""
    endpoint: str = ""
    received: list[tuple[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.received]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@pytest.fixture
def inbox(fake: Fake) -> Iterator[Inbox]:
    """An endpoint for all events, registered through the API."""
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            box.received.append((body, self.headers["Stripe-Signature"]))
            self.send_response(box.answers.pop(0) if box.answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    box.url = f"http://127.0.0.1:{server.server_port}/hook"
    made = fake.api.webhook_endpoints.create({"url": box.url, "enabled_events": ["*"]})
    box.secret, box.endpoint = made.secret, made.id
    yield box
    fake.billing.webhooks.set_mode("hold")
    server.shutdown()
    server.server_close()
    serving.join()
