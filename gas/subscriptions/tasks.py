"""Tasks about plans, on the default queue. Each fetches by id, calls one function, and ends."""

from django.conf import settings

from gas import rounds
from gas.celery import app
from gas.subscriptions import addresses, following, removal, tending
from gas.subscriptions.stripe import BillingUnavailable
from gas.tasknames import FOLLOW, RECONCILE, REMOVE_CUSTOMER, TEND, UPDATE_CUSTOMER

#: When Stripe stumbles: soon again, in growing steps, and then `tend` has its turn.
TRIES = 4


@app.task(name=FOLLOW, autoretry_for=(BillingUnavailable,), retry_backoff=2, max_retries=TRIES)
def follow(billing_id: str) -> None:
    """Required: a Billing whose reading is wanted. Resulting: it says what Stripe says, and the plan follows."""
    following.follow(int(billing_id))


@app.task(name=REMOVE_CUSTOMER, autoretry_for=(BillingUnavailable,), retry_backoff=2, max_retries=TRIES)
def remove_customer(removal_id: str) -> None:
    """Required: a CustomerRemoval. Resulting: Stripe has no such customer; the note goes when no webhook can come."""
    removal.remove_customer(int(removal_id))


@app.task(name=UPDATE_CUSTOMER, autoretry_for=(BillingUnavailable,), retry_backoff=2, max_retries=TRIES)
def update_customer(billing_id: str) -> None:
    """Required: a Billing whose person has another address. Resulting: Stripe writes to that one."""
    addresses.update_customer(int(billing_id))


@app.task(name=TEND)
def tend() -> None:
    """Required: nothing. Resulting: grants and graces whose time is over have ended; what was lost is sent again."""
    if not rounds.just_taken("tend", settings.SWEEP_SECONDS):
        tending.tend()


@app.task(name=RECONCILE)
def reconcile() -> None:
    """Required: nothing. Resulting: every customer is as Stripe has them, whatever webhooks were lost."""
    if not rounds.just_taken("reconcile", settings.RECONCILE_SECONDS):
        tending.reconcile()
