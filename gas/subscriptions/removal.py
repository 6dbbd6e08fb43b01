"""Delete the customer at Stripe when an account is deleted: no more charges, no address left."""

from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from djstripe import models as mirror

from gas import clock
from gas.subscriptions import stripe
from gas.subscriptions.models import Billing, CustomerRemoval
from gas.tasknames import REMOVE_CUSTOMER, send_after_commit
from gas.users.deletion import NOBODY

#: Stripe retries a webhook for three days. After this time no webhook of the customer arrives any more, and the data
#: that late webhooks left is deleted as well.
LATE_WEBHOOKS = timedelta(days=4)


@receiver(pre_delete, sender=Billing)
def remember_customer(instance: Billing, **_: Any) -> None:
    """Record the customer to delete at Stripe, in the transaction of the deletion, and delete Stripe's data here."""
    if not instance.customer_id:
        return
    have_removed(instance.customer_id)
    forget(instance.customer_id)
    about = LogEntry.objects.filter(object_repr__startswith=instance.customer_id)
    about.update(object_id=None, object_repr=NOBODY, change_message="")


def have_removed(customer_id: str) -> None:
    """Record that Stripe has to delete the customer, and send the task after the commit."""
    removal, _created = CustomerRemoval.objects.get_or_create(customer_id=customer_id)
    send_after_commit(REMOVE_CUSTOMER, removal.pk)


def remove_customer(removal_id: int) -> None:
    """Cancel the subscriptions of a customer and delete the customer at Stripe. Safe to repeat.

    The row of the removal is deleted once no more webhooks can come.

    Raises:
        BillingUnavailable: Stripe does not answer. The note stays.
    """
    removal = CustomerRemoval.objects.filter(pk=removal_id).first()
    if removal is None:
        return
    if removal.deleted_at is None:
        stripe.delete_customer(removal.customer_id)
        CustomerRemoval.objects.filter(pk=removal_id).update(deleted_at=clock.now())
    elif removal.deleted_at < clock.now() - LATE_WEBHOOKS:
        with transaction.atomic():
            forget(removal.customer_id)
            removal.delete()


def forget(customer_id: str) -> None:
    """Delete what webhooks and readings have left of the customer in dj-stripe's tables."""
    theirs = mirror.Event.objects.filter(Q(data__object__customer=customer_id) | Q(data__object__id=customer_id))
    mirror.WebhookEventTrigger.objects.filter(Q(body__contains=customer_id) | Q(event__in=theirs.values("id"))).delete()
    theirs.delete()
    mirror.Subscription.objects.filter(customer_id=customer_id).delete()
    mirror.Customer.objects.filter(id=customer_id).delete()
