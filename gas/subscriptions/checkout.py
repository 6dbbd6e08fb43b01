"""To Stripe's pages and back. Nothing here changes a plan: only webhooks lead to that."""

import re

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from gas.subscriptions import stripe
from gas.subscriptions.entitlement import RUNNING
from gas.subscriptions.following import want
from gas.subscriptions.models import Billing
from gas.subscriptions.removal import have_removed
from gas.subscriptions.stripe import BillingUnavailable, Gone
from gas.users.locks import lock_people
from gas.users.models import User

_SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{8,200}")


def subscribe_url(user: User) -> str:
    """Return the URL of a hosted Checkout page: the open one if there is one, else a new one.

    A person who has a subscription goes to the Billing Portal instead, even before its webhook arrives, so that nobody
    has two. Concurrent requests get the same page, by Stripe's idempotency key.

    Raises:
        BillingUnavailable: Stripe does not answer, or billing is off.
    """
    if not stripe.enabled():
        raise BillingUnavailable("Subscriptions are not available on this site.")
    customer_id = _customer(user)
    if any(one.status in RUNNING for one in stripe.subscriptions_of(customer_id)):
        want(customer_id)
        return stripe.portal_url(customer_id, return_url=_absolute("plan:overview"))
    success_url = f"{_absolute('plan:back')}?session_id={{CHECKOUT_SESSION_ID}}"
    latest = stripe.latest_checkout(customer_id)
    if latest and latest.status == "open":
        if (latest.price_id, latest.success_url) == (settings.STRIPE_PRICE_ID, success_url):
            return latest.url
        stripe.expire_checkout(latest.id)  # of another price: only one page may be payable
    session = stripe.create_checkout(
        user,
        customer_id,
        success_url=success_url,
        cancel_url=f"{_absolute('plan:overview')}?payment=left",
        after=latest.id if latest else "",
    )
    return session.url


def manage_url(user: User) -> str:
    """Return the URL of the Billing Portal: card, invoices, cancellation.

    Raises:
        BillingUnavailable: Stripe does not answer, or the person has never been a customer.
    """
    billing = Billing.objects.filter(user=user).exclude(customer_id=None).first()
    if billing is None:
        raise BillingUnavailable("There is no subscription to manage yet.")
    return stripe.portal_url(billing.customer_id or "", return_url=_absolute("plan:overview"))


def is_paid(user: User, session_id: str) -> bool:
    """Return whether this is a completed Checkout session of this person. Other people's sessions give False.

    Raises:
        BillingUnavailable: Stripe does not answer.
    """
    billing = Billing.objects.filter(user=user).exclude(customer_id=None).first()
    if billing is None or not _SESSION_ID.fullmatch(session_id):
        return False
    try:
        session = stripe.retrieve_checkout(session_id)
    except Gone:
        return False
    theirs = session.customer_id == billing.customer_id and session.reference == str(user.pk)
    return theirs and session.status == "complete"


def _customer(user: User) -> str:
    """Return the id of the person's Stripe customer, creating it if needed.

    The customer is created and saved before anything can be bought, so that every webhook finds its person. If the
    account is deleted while Stripe creates the customer, the customer is removed again.
    """
    billing, _created = Billing.objects.get_or_create(user=user)
    before = billing.customer_id
    if before and stripe.has_customer(before):
        return before
    customer_id = stripe.create_customer(user, instead_of=before or "")
    with transaction.atomic():
        lock_people(user.pk)  # a concurrent deletion sees this customer, or is over
        Billing.objects.filter(pk=billing.pk, customer_id=before).update(customer_id=customer_id, email=user.email)
        kept = Billing.objects.filter(pk=billing.pk).values_list("customer_id", flat=True).first()
        if kept != customer_id:
            have_removed(customer_id)
    if not kept:
        raise BillingUnavailable("This account does not exist any more.")
    return kept


def _absolute(name: str) -> str:
    return settings.SITE_URL + reverse(name)
