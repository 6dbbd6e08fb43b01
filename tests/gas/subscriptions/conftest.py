"""A site that people can pay at: the devstack's Stripe as a live process, which sends its webhooks here."""

from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from devstack.stripe import PRICE, SECRET_KEY
from gas.users.models import User
from tests.support.stripe_process import StripeProcess
from tests.support.subscribers import Subscriber
from tests.support.waiting import wait_until


@pytest.fixture(scope="session")
def stripe_process() -> Iterator[StripeProcess]:
    with StripeProcess.started() as running:
        yield running


@pytest.fixture
def billing_on(settings: Settings, stripe_process: StripeProcess) -> StripeProcess:
    """Billing is set up; webhooks go nowhere."""
    settings.STRIPE_SECRET_KEY, settings.STRIPE_PRICE_ID = SECRET_KEY, PRICE
    settings.STRIPE_API_BASE = stripe_process.url
    return stripe_process


@pytest.fixture
def paying(billing_on: StripeProcess, settings: Settings, live_server: LiveServer) -> Iterator[StripeProcess]:
    """Billing is set up, and webhooks come to the test's own web server."""
    settings.SITE_URL = live_server.url
    call_command("setup_stripe", verbosity=0)
    billing_on.webhooks("send")
    yield billing_on
    # What is on its way must not meet the next test's database.
    billing_on.webhooks("drop")
    wait_until(lambda: not billing_on.pending())
    for endpoint in billing_on.state()["endpoints"]:
        billing_on.api("DELETE", f"webhook_endpoints/{endpoint['id']}")


@pytest.fixture
def subscriber(paying: StripeProcess, person: User, browser_of: Callable[[User], Client]) -> "Subscriber":
    return Subscriber(person, browser_of(person), paying)
