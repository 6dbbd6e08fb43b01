"""Webhook receivers, one per event. All have the customer read from Stripe again.

dj-stripe checks the signature, stores the event once, and calls the receiver in the same transaction: if that fails,
the event is not stored either, the response is 500, and Stripe sends it again. dj-stripe's own receivers are
disconnected: in that transaction they request more from Stripe, to fill tables that nothing here reads.
"""

import logging
from typing import Any

from djstripe import event_handlers
from djstripe.models import Event, WebhookEventTrigger
from djstripe.signals import WEBHOOK_SIGNALS, webhook_post_process

from gas.subscriptions.following import want
from gas.subscriptions.models import Billing

log = logging.getLogger(__name__)

#: Event types of the endpoint. Renewals and failed payments are changes of the subscription, too.
EVENTS = (
    "checkout.session.completed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
)


def customer_changed(event: Event, **_: Any) -> None:
    """Have the customer of the event read again. The event's data about the subscription is ignored."""
    customer = event.data["object"].get("customer")
    if not customer or not want(customer):
        log.info("Stripe event %s is about an unknown customer", event.id)


def scrub_unknown_customer(instance: WebhookEventTrigger, **_: Any) -> None:
    """Remove names and addresses from an event about somebody who is not a customer of this service.

    They are removed from the event and from the request that brought it, which dj-stripe saves afterwards. Ids stay, so
    that late events can be matched.
    """
    event = instance.event
    if event is None:
        return
    about = event.data["object"]
    customer = about.get("id") if about.get("object") == "customer" else about.get("customer")
    if customer and Billing.objects.filter(customer_id=customer).exists():
        return
    ids = {name: about[name] for name in ("id", "object", "customer") if name in about}
    event.data = {"object": ids}
    event.stripe_data = {"id": event.id, "object": "event", "type": event.type, "data": event.data}
    event.save()
    instance.body = ""


def connect() -> None:
    """Connect the receivers. Called once, when Django starts."""
    for name, handler in vars(event_handlers).items():
        if name.startswith("handle_"):
            for signal in WEBHOOK_SIGNALS.values():
                signal.disconnect(handler, sender=Event)
    for name in EVENTS:
        WEBHOOK_SIGNALS[name].connect(customer_changed, sender=Event, dispatch_uid="gas")
    webhook_post_process.connect(scrub_unknown_customer, sender=WebhookEventTrigger, dispatch_uid="gas")
