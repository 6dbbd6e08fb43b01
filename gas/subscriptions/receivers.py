"""Webhooks: one receiver for each event, all of which do the same: have the customer read anew.

dj-stripe checks the signature, stores the event once, and calls the receiver in the same transaction: when that fails,
the event is not stored either, the answer is 500, and Stripe sends it again. Its own receivers are switched off. They
ask Stripe for more within that transaction, to fill tables that nobody reads here.
"""

import logging
from typing import Any

from djstripe import event_handlers
from djstripe.models import Event
from djstripe.signals import WEBHOOK_SIGNALS

from gas.subscriptions.following import want

log = logging.getLogger(__name__)

#: What the endpoint is registered for. Renewals and failed payments are changes of the subscription, too.
EVENTS = (
    "checkout.session.completed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
)


def customer_changed(event: Event, **_: Any) -> None:
    """What the event says of the subscription is not looked at: only whose it is."""
    customer = event.data["object"].get("customer")
    if not customer or not want(customer):
        log.info("Stripe event %s is of no customer of ours", event.id)


def connect() -> None:
    """Once, when Django starts."""
    for name, handler in vars(event_handlers).items():
        if name.startswith("handle_"):
            for signal in WEBHOOK_SIGNALS.values():
                signal.disconnect(handler, sender=Event)
    for name in EVENTS:
        WEBHOOK_SIGNALS[name].connect(customer_changed, sender=Event, dispatch_uid="gas")
