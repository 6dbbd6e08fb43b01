"""Send a person's new e-mail address to Stripe."""

from contextlib import suppress
from typing import Any

from allauth.account.signals import email_changed
from django.db import transaction
from django.db.models import F, QuerySet
from django.dispatch import receiver

from gas import clock
from gas.subscriptions import stripe
from gas.subscriptions.models import Billing
from gas.tasknames import UPDATE_CUSTOMER, send_after_commit
from gas.users.models import User


@receiver(email_changed)
def address_changed(user: User, **_: Any) -> None:
    """Send the new address to Stripe by a task after the commit. Does nothing for people who are not customers."""
    with transaction.atomic():
        billing = Billing.objects.filter(user=user).exclude(customer_id=None)
        billing.update(email_due_at=clock.now())
        for pk in billing.values_list("pk", flat=True):
            send_after_commit(UPDATE_CUSTOMER, pk)


def untold() -> QuerySet[Billing]:
    """Return the customers who have another address at Stripe than here."""
    return Billing.objects.exclude(customer_id=None).exclude(email=F("user__email"))


def update_customer(billing_id: int) -> None:
    """Set the customer's address at Stripe to the person's current address. Of concurrent calls the last one wins.

    Raises:
        BillingUnavailable: Stripe does not answer. `untold` still finds the customer.
    """
    customers = Billing.objects.filter(pk=billing_id).exclude(customer_id=None).select_related("user")
    told: str | None = None
    while (billing := customers.first()) is not None:
        address = billing.user.email
        # Once it has told one, what others have told meanwhile may have come there before: only its own word counts.
        if address == (billing.email if told is None else told):
            return
        # A person who subscribes again after Stripe lost the customer becomes a new customer with the new address.
        with suppress(stripe.Gone):
            stripe.update_customer(billing.customer_id or "", address)
        told = address
        customers.filter(customer_id=billing.customer_id).update(email=address)
