"""Who changes their e-mail address here gets Stripe's mail at the new one, too."""

from typing import Any

from allauth.account.signals import email_changed
from django.db import transaction
from django.dispatch import receiver

from gas.subscriptions import stripe
from gas.subscriptions.models import Billing
from gas.tasknames import UPDATE_CUSTOMER, send_after_commit
from gas.users.models import User


@receiver(email_changed)
def address_changed(user: User, **_: Any) -> None:
    """After the commit, and not while the person waits: Stripe is told. Who is no customer is unknown there."""
    with transaction.atomic():
        for pk in Billing.objects.filter(user=user).exclude(customer_id=None).values_list("pk", flat=True):
            send_after_commit(UPDATE_CUSTOMER, pk)


def update_customer(billing_id: int) -> None:
    """Give the customer the address that the person has now. Of two at once the one that ends last has seen it.

    Raises:
        BillingUnavailable: Stripe does not answer.
    """
    told = ""
    while (billing := Billing.objects.filter(pk=billing_id).select_related("user").first()) is not None:
        if not billing.customer_id or billing.user.email == told:
            return
        told = billing.user.email
        try:
            stripe.update_customer(billing.customer_id, told)
        except stripe.Gone:  # whoever subscribes again becomes a new customer, with the new address
            return
