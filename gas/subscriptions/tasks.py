"""Tasks about plans, on the default queue. Each fetches by id, calls one function, and ends."""

from django.conf import settings

from gas import rounds
from gas.celery import app
from gas.subscriptions import addresses, following, removal, tending
from gas.subscriptions.stripe import BillingUnavailable
from gas.tasknames import FOLLOW, RECONCILE, REMOVE_CUSTOMER, TEND, UPDATE_CUSTOMER

#: Pauses after an error of Stripe: short at first, then longer. Afterwards `tend` sends the message again.
TRIES = 4


@app.task(name=FOLLOW, autoretry_for=(BillingUnavailable,), retry_backoff=2, max_retries=TRIES)
def follow(billing_id: str) -> None:
    """Read a customer from Stripe, and update the plan."""
    following.follow(int(billing_id))


@app.task(name=REMOVE_CUSTOMER, autoretry_for=(BillingUnavailable,), retry_backoff=2, max_retries=TRIES)
def remove_customer(removal_id: str) -> None:
    """Delete a customer at Stripe, and the CustomerRemoval once no webhook can come."""
    removal.remove_customer(int(removal_id))


@app.task(name=UPDATE_CUSTOMER, autoretry_for=(BillingUnavailable,), retry_backoff=2, max_retries=TRIES)
def update_customer(billing_id: str) -> None:
    """Send the new address of a person to Stripe."""
    addresses.update_customer(int(billing_id))


@app.task(name=TEND)
def tend() -> None:
    """End grants and grace periods whose time is over, and repeat lost messages."""
    if not rounds.just_taken("tend", settings.SWEEP_SECONDS):
        tending.tend()


@app.task(name=RECONCILE)
def reconcile() -> None:
    """Compare every customer with Stripe, in case webhooks were lost."""
    if not rounds.just_taken("reconcile", settings.RECONCILE_SECONDS):
        tending.reconcile()
