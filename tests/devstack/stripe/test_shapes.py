"""Every object that is served has the fields, and the values, that the `stripe` package's classes declare for it."""

import importlib
import json
from typing import Any

import pytest
import stripe
import stripe.billing_portal
import stripe.checkout

from devstack.stripe import API_VERSION
from devstack.stripe import parameters as given
from gas import settings
from tests.devstack.stripe.shapes import object_problems

CLASSES: dict[str, type] = {
    "account": stripe.Account,
    "price": stripe.Price,
    "customer": stripe.Customer,
    "subscription": stripe.Subscription,
    "checkout.session": stripe.checkout.Session,
    "billing_portal.session": stripe.billing_portal.Session,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
}


def test_objects_have_the_fields_of_the_stripe_package(fake, subscription, person, portal, inbox):
    """In the states of a life with a failure, a new card and an end, and as the events tell them."""
    fake.session(subscription.customer)
    person.in_portal(portal, "cancel")
    person.in_portal(portal, "renew")
    person.fail_payment(subscription.id)
    person.change_card(portal)
    person.in_portal(portal, "pay")
    person.cancel_now(subscription.id)
    everything = [one for kind in CLASSES for one in json.loads(json.dumps(fake.billing.store.all(kind)))]
    everything += [one["data"]["object"] for one in everything if one["object"] == "event"]
    assert {one["object"] for one in everything} == set(CLASSES)
    assert [text for one in everything for text in object_problems(one, CLASSES[one["object"]])] == []


def test_lists_are_list_objects(fake, subscription):
    shown = fake.api.subscriptions.list().to_dict()
    assert (shown["object"], shown["has_more"], shown["url"]) == ("list", False, "/v1/subscriptions")


@pytest.mark.parametrize(
    ("parameters", "served"),
    [
        ("CustomerCreateParams", given.NewCustomer),
        ("CustomerUpdateParams", given.CustomerChange),
        ("SubscriptionListParams", given.SubscriptionPage),
        ("checkout.SessionCreateParams", given.NewSession),
        ("checkout.SessionListParams", given.SessionPage),
        ("billing_portal.SessionCreateParams", given.NewPortalSession),
        ("WebhookEndpointCreateParams", given.NewEndpoint),
        ("WebhookEndpointUpdateParams", given.EndpointChange),
    ],
)
def test_every_parameter_that_is_taken_is_one_of_stripes(parameters, served):
    place: Any = importlib.import_module("stripe.params")
    for part in parameters.split("."):
        place = getattr(place, part)
    assert set(served.model_fields) <= set(place.__annotations__)


def test_one_version_is_spoken_by_the_library_the_site_and_the_fake():
    from stripe._api_version import _ApiVersion

    assert API_VERSION == _ApiVersion.CURRENT == settings.STRIPE_API_VERSION


def test_the_check_itself_sees_what_is_wrong(fake, inbox):
    good = json.loads(json.dumps(fake.billing.store.all("webhook_endpoint")[0]))
    assert object_problems(good, stripe.WebhookEndpoint) == []
    assert object_problems(good | {"colour": "red"}, stripe.WebhookEndpoint)
    assert object_problems({name: one for name, one in good.items() if name != "url"}, stripe.WebhookEndpoint)
    assert object_problems(good | {"created": "today"}, stripe.WebhookEndpoint)
    assert object_problems(good | {"object": "endpoint"}, stripe.WebhookEndpoint)
