"""A Stripe on loopback for each test, the real client library that talks to it, and a place that webhooks come to."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from devstack.stripe import API_VERSION, PRICE, SECRET_KEY
from devstack.stripe.client import Control, Shopper
from devstack.stripe.server import build_server
from devstack.stripe.service import Service, build_service

SITE = "http://site.example"


@dataclass
class Fake:
    """The service itself, for what cannot be seen or waited for from outside, and its address."""

    service: Service
    url: str

    @property
    def api(self) -> Any:
        return client(self.url).v1

    def session(self, **fields: Any) -> Any:
        """A Checkout session for the one price."""
        wanted = {
            "mode": "subscription",
            "line_items": [{"price": PRICE, "quantity": 1}],
            "success_url": f"{SITE}/back?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{SITE}/plan",
        }
        return self.api.checkout.sessions.create(wanted | fields)


def client(url: str, key: str = SECRET_KEY, version: str = API_VERSION) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": url}, stripe_version=version, max_network_retries=0)


@pytest.fixture
def fake() -> Iterator[Fake]:
    service = build_service(first_pause=0.01)
    server = build_server(service, 0)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    yield Fake(service, service.billing.base)
    service.stop()
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture
def slow_store(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one request stores takes so long that others come in between, unless something keeps them out."""
    add = fake.service.store.add

    def slowly(obj: Any) -> Any:
        threading.Event().wait(0.05)
        return add(obj)

    monkeypatch.setattr(fake.service.store, "add", slowly)


@pytest.fixture
def shopper() -> Iterator[Shopper]:
    with Shopper() as person:
        yield person


@pytest.fixture
def control(fake: Fake) -> Iterator[Control]:
    with Control(fake.url) as hand:
        yield hand


@pytest.fixture
def customer(fake: Fake) -> Any:
    return fake.api.customers.create({"email": "ada@lab.example", "metadata": {"user": "7"}})


@pytest.fixture
def subscription(fake: Fake, shopper: Shopper, customer: Any) -> Any:
    """An active one, paid for at the hosted Checkout."""
    session = fake.session(customer=customer.id)
    shopper.pay(session.url)
    return fake.api.subscriptions.retrieve(fake.api.checkout.sessions.retrieve(session.id).subscription)


@pytest.fixture
def portal(fake: Fake, customer: Any) -> str:
    return str(fake.api.billing_portal.sessions.create({"customer": customer.id, "return_url": SITE}).url)


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
    fake.service.webhooks.set_mode("hold")
    server.shutdown()
    server.server_close()
    serving.join()
