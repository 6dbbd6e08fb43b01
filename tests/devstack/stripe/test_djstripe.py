"""dj-stripe takes what this Stripe tells: every object by its own sync, every event, and their signatures."""

import json

import pytest
import stripe
from djstripe import models
from djstripe.models import Event, WebhookEventTrigger

from devstack.stripe import PRICE, PRODUCT, SECRET_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MODELS = {
    "customer": models.Customer,
    "subscription": models.Subscription,
    "invoice": models.Invoice,
    "payment_method": models.PaymentMethod,
    "checkout.session": models.Session,
}


@pytest.fixture(autouse=True)
def library(fake, monkeypatch, settings):
    """dj-stripe calls the library's module-level functions, with the site's key."""
    monkeypatch.setattr(stripe, "api_base", fake.url)
    settings.STRIPE_SECRET_KEY = settings.STRIPE_TEST_SECRET_KEY = SECRET_KEY
    settings.STRIPE_LIVE_MODE = False


def synced(model, object_id):
    return model.sync_from_stripe_data(model(id=object_id).api_retrieve(api_key=SECRET_KEY), api_key=SECRET_KEY)


def test_it_follows_every_id_of_a_subscription(fake, subscription):
    kept = synced(models.Subscription, subscription.id)
    assert (kept.status, kept.customer.email, kept.djstripe_owner_account.id) == (
        "active",
        "ada@lab.example",
        "acct_devstack",
    )
    (item,) = models.SubscriptionItem.objects.filter(subscription=kept)
    assert (item.price.id, item.price.product.id, item.price.product.name) == (PRICE, PRODUCT, "GAS Premium")
    invoice = synced(models.Invoice, subscription.latest_invoice)
    assert (invoice.status, invoice.customer, invoice.amount_due) == ("paid", kept.customer, 2900)
    (line,) = models.LineItem.objects.all()
    assert (line.amount, line.subscription) == (2900, kept)
    assert synced(models.PaymentMethod, subscription.default_payment_method).customer == kept.customer
    session = fake.api.checkout.sessions.list().data[0]
    assert synced(models.Session, session.id).subscription == kept


@pytest.mark.parametrize("model", [models.Price, models.Product, models.Customer, models.Subscription, models.Invoice])
def test_it_lists(fake, subscription, model):
    found = list(model.api_list(api_key=SECRET_KEY))
    assert len(found) == 1
    model.sync_from_stripe_data(found[0], api_key=SECRET_KEY)
    assert model.objects.count() == 1


def test_it_takes_every_event_of_a_life_and_what_the_event_carries(fake, inbox, subscription, shopper, portal, control):
    shopper.cancel(portal)
    shopper.renew(portal)
    control.fail_payment(subscription.id)
    shopper.change_card(portal, "5555555555554444")
    shopper.pay_invoice(portal)
    fake.api.subscriptions.cancel(subscription.id)
    control.settled()
    assert len(set(inbox.types)) >= 10
    for body in inbox.events:
        Event.process(body, api_key=SECRET_KEY)
        carried = body["data"]["object"]
        MODELS[carried["object"]].sync_from_stripe_data(
            stripe.convert_to_stripe_object(carried, SECRET_KEY), api_key=SECRET_KEY
        )
    assert Event.objects.count() == len(inbox.events)
    kept = models.Subscription.objects.get(id=subscription.id)
    assert (kept.status, models.Invoice.objects.count()) == ("canceled", 2)


def test_it_accepts_the_signature(fake, inbox, control, rf):
    fake.api.customers.create({"email": "ada@lab.example"})
    control.settled()
    data = stripe.WebhookEndpoint.retrieve(inbox.endpoint, api_key=SECRET_KEY)
    endpoint = models.WebhookEndpoint.sync_from_stripe_data(data, api_key=SECRET_KEY)
    endpoint.secret = inbox.secret
    endpoint.save()
    ((body, signature),) = inbox.received

    def post(text):
        request = rf.post("/", text, content_type="application/json", headers={"stripe-signature": signature})
        return WebhookEventTrigger.from_request(request, webhook_endpoint=endpoint)

    assert not post(body.replace("ada@", "eve@")).valid
    accepted = post(body)
    assert (accepted.valid, accepted.processed) == (True, True)
    told = json.loads(body)
    assert (accepted.event.id, accepted.event.type) == (told["id"], told["type"])
