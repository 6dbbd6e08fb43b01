"""In the whole stack: ready before the site, its webhooks taken by the site, and everything new when it dies."""

import os
import signal

import pytest

from devstack.processes.environment import real_stripe
from devstack.stripe import PRICE, SECRET_KEY
from devstack.stripe.client import Shopper
from devstack.waiting import wait_for
from tests.support.processes import descendants, gone
from tests.support.stripe_process import client


@pytest.mark.service("devstack", seconds=90)
@pytest.mark.workers
def test_the_site_takes_its_webhooks(stack):
    with stack.stripe() as control:
        (endpoint,) = control.state()["endpoints"]
        assert endpoint["url"].startswith(f"{stack.web_url}/stripe/webhook/")
        api = client(stack.stripe_url)
        customer = api.customers.create({"email": "ada@lab.example"})
        line = {"price": PRICE, "quantity": 1}
        session = api.checkout.sessions.create(
            {"mode": "subscription", "customer": customer.id, "line_items": [line], "success_url": stack.web_url}
        )
        with Shopper() as shopper:
            shopper.pay(session.url)
        (event,) = (one for one in control.settled() if one["type"] == "customer.subscription.created")
        assert [one["status"] for one in event["deliveries"][0]["attempts"]] == [200]


@pytest.mark.service("devstack", seconds=90)
@pytest.mark.workers
def test_when_it_dies_everything_starts_clean(stack, said):
    before = descendants(stack.pid("web"))
    (child,) = descendants(stack.pid("stripe")) - {stack.pid("stripe")}
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: any("Started clean" in text for text in said), 120, "the new start")
    assert any("Stripe has ended" in text for text in said)
    assert gone(before)
    with stack.stripe() as control:
        assert control.events() == []
        assert len(control.state()["endpoints"]) == 1


def test_real_stripe_is_chosen_by_a_test_key_and_a_price():
    assert real_stripe({}) == {}
    chosen = real_stripe(
        {"STRIPE_SECRET_KEY": SECRET_KEY, "STRIPE_PRICE_ID": "price_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
    )
    assert chosen["STRIPE_API_BASE"] == ""
    assert chosen["DEVSTACK_STRIPE_WEBHOOK_SECRET"] == "whsec_1"
    with pytest.raises(ValueError, match="not a test key"):
        real_stripe({"STRIPE_SECRET_KEY": "sk_" + "live_" + "x" * 24, "STRIPE_PRICE_ID": "price_1"})
    with pytest.raises(ValueError, match="STRIPE_PRICE_ID"):
        real_stripe({"STRIPE_SECRET_KEY": SECRET_KEY})
