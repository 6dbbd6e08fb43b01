"""The process that the stack starts, and what its options do."""

import subprocess
import sys

import pytest

from devstack.processes.ports import free_port
from devstack.stack import ROOT
from devstack.stripe import PRICE
from devstack.stripe.client import SUCCEEDS, Control, Shopper
from devstack.waiting import wait_for
from tests.devstack.conftest import answers
from tests.devstack.stripe.conftest import SITE, client


@pytest.fixture
def url():
    port = free_port()
    command = [sys.executable, "-m", "devstack.stripe", "--port", str(port), "--period-seconds", "30"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == f"Stripe on http://127.0.0.1:{port}"
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def test_short_periods_end_by_themselves(url):
    assert answers(f"{url}/_devstack/health")
    api = client(url).v1
    session = api.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": PRICE, "quantity": 1}],
            "customer_email": "ada@lab.example",
            "subscription_data": {"trial_period_days": 1},  # a thirtieth of the period: one second
            "success_url": SITE,
        }
    )
    with Shopper() as shopper, Control(url) as control:
        shopper.pay(session.url, card=SUCCEEDS)
        assert control.state()["period_seconds"] == 30
        (trial,) = api.subscriptions.list().data
        wait_for(lambda: api.subscriptions.retrieve(trial.id).status == "active", 60, "the end of the trial")
        (paid,) = (one for one in api.invoices.list({"subscription": trial.id}).data if one.amount_due)
    assert (paid.status, paid.period_start) == ("paid", trial.trial_end)
