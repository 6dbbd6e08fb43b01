"""Every object that is served has the fields, and the values, that the `stripe` package's classes declare for it."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe
import stripe.billing_portal
import stripe.checkout

from devstack.stripe import API_VERSION, PRICE, PRODUCT, SECRET_KEY, reading, writing
from gas import settings
from tests.devstack.stripe.shapes import object_problems

CLASSES: dict[str, type] = {
    "account": stripe.Account,
    "product": stripe.Product,
    "price": stripe.Price,
    "customer": stripe.Customer,
    "subscription": stripe.Subscription,
    "invoice": stripe.Invoice,
    "payment_method": stripe.PaymentMethod,
    "checkout.session": stripe.checkout.Session,
    "billing_portal.session": stripe.billing_portal.Session,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
}


def raw(url: str, method: str = "GET", **options: Any) -> Any:
    answer = requests.request(method, url, auth=(SECRET_KEY, ""), timeout=10, **options)
    assert answer.ok, answer.text
    return answer.json()


@pytest.fixture
def everything(fake, subscription, shopper, portal, control, inbox):
    """Objects in all the states that they come in: of a life with a failure, a new card and an end."""
    shopper.cancel(portal)
    shopper.renew(portal)
    control.end_period(subscription.id)
    control.fail_payment(subscription.id)
    shopper.change_card(portal, "5555555555554444")
    shopper.pay_invoice(portal)
    trial = fake.session(subscription_data={"trial_period_days": 7})
    fake.session(expires_at=fake.service.store.get("checkout.session", trial.id)["expires_at"] - 60)
    shopper.pay(trial.url, email="eve@lab.example")
    fake.api.subscriptions.cancel(subscription.id)
    return [one for kind in CLASSES for one in json.loads(json.dumps(list(fake.service.store.all(kind))))]


@pytest.mark.parametrize("kind", CLASSES)
def test_objects_have_the_fields_of_the_stripe_package(everything, kind):
    found = [one for one in everything if one["object"] == kind]
    assert found
    assert [text for one in found for text in object_problems(one, CLASSES[kind])] == []


def test_what_events_carry_has_the_same_fields(everything):
    carried = [one["data"]["object"] for one in everything if one["object"] == "event"]
    assert len({one["object"] for one in carried}) >= 5
    assert [text for one in carried for text in object_problems(one, CLASSES[one["object"]])] == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("account", stripe.Account),
        (f"products/{PRODUCT}?expand[]=default_price", stripe.Product),
        (f"prices/{PRICE}?expand[]=product&expand[]=tiers&expand[]=currency_options", stripe.Price),
        ("customers/{customer}?expand[]=subscriptions&expand[]=sources&expand[]=tax_ids", stripe.Customer),
        ("subscriptions/{subscription}?expand[]=latest_invoice&expand[]=default_payment_method", stripe.Subscription),
        ("subscription_items/{item}", stripe.SubscriptionItem),
        ("invoices/{invoice}?expand[]=customer&expand[]=payments", stripe.Invoice),
        ("checkout/sessions/{session}?expand[]=line_items&expand[]=total_details.breakdown", stripe.checkout.Session),
    ],
)
def test_expanded_answers_have_them_too(fake, subscription, path, kind):
    session = fake.api.checkout.sessions.list().data[0]
    ids = {
        "customer": subscription.customer,
        "subscription": subscription.id,
        "item": subscription["items"].data[0].id,
        "invoice": subscription.latest_invoice,
        "session": session.id,
    }
    shown = raw(f"{fake.url}/v1/{path.format(**ids)}")
    assert object_problems(shown, kind) == []


@pytest.mark.parametrize("path", reading.LISTS)
def test_lists_are_list_objects(fake, subscription, path):
    shown = raw(f"{fake.url}/v1/{path}")
    assert (shown["object"], shown["has_more"], shown["url"]) == ("list", False, f"/v1/{path}")
    kind = {"subscriptions": stripe.Subscription, "checkout/sessions": stripe.checkout.Session}.get(path)
    if kind:
        assert [text for one in shown["data"] for text in object_problems(one, kind)] == []
        assert shown["data"]


@pytest.mark.parametrize(
    ("parameters", "served"),
    [
        ("checkout.SessionCreateParams", writing._SESSION),
        ("CustomerCreateParams", writing._CUSTOMER),
        ("CustomerUpdateParams", writing._CUSTOMER),
        ("SubscriptionUpdateParams", writing._SUBSCRIPTION),
        ("WebhookEndpointCreateParams", writing._ENDPOINT),
    ],
)
def test_every_parameter_that_is_taken_is_one_of_stripes(parameters, served):
    place: Any = importlib.import_module("stripe.params")
    for part in parameters.split("."):
        place = getattr(place, part)
    assert set(served) <= set(place.__annotations__)


def test_one_version_is_spoken_by_the_library_the_site_and_the_fake():
    from stripe._api_version import _ApiVersion

    assert API_VERSION == _ApiVersion.CURRENT == settings.STRIPE_API_VERSION


def test_the_check_itself_sees_what_is_wrong():
    good = json.loads((Path(__file__).parent / "webhook_endpoint.json").read_text())
    assert object_problems(good, stripe.WebhookEndpoint) == []
    assert object_problems(good | {"colour": "red"}, stripe.WebhookEndpoint)
    assert object_problems({name: one for name, one in good.items() if name != "url"}, stripe.WebhookEndpoint)
    assert object_problems(good | {"created": "today"}, stripe.WebhookEndpoint)
    assert object_problems(good | {"object": "endpoint"}, stripe.WebhookEndpoint)
