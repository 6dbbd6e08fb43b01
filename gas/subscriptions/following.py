"""Update the plan from the subscription, which is read from Stripe each time.

Webhooks arrive twice, late, in any order, concurrently, or not at all, so their content is not trusted, only the
customer that they are about. Each webhook adds one to the `wanted` of its customer and sends a message. The worker that
gets the message reads all of the customer's subscriptions from Stripe and applies them.

Why a stale reading cannot overwrite a newer one: readings of a customer never overlap. A reader takes the lease of the
Billing row, by compare-and-swap; another reader finds the lease taken and stops. The reader remembers `wanted`, asks
Stripe, and writes the reading under the lock of the person's row, with the remembered number as `done`. If `wanted` has
grown meanwhile, it reads again before it releases the lease. So each reading begins after the one before was applied,
and after the last event there is at least one reading that began after it. A reader whose lease has expired, because it
waited too long for Stripe, finds the token changed and applies nothing. A reader that dies leaves `wanted` ahead of
`done` and a lease that expires: `tend`, which runs every minute, sends another message.

No transaction is open during a request to Stripe: on SQLite it would block every writer, and on PostgreSQL every
transaction that needs the person's row.
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from gas import clock
from gas.subscriptions import stripe
from gas.subscriptions.entitlement import GOOD, PAST_DUE, Subscription, ruling
from gas.subscriptions.models import Billing
from gas.subscriptions.settling import settle
from gas.tasknames import FOLLOW, send_after_commit
from gas.users.locks import lock_owner

log = logging.getLogger(__name__)

#: Longer than a reading takes: two pages of subscriptions, each tried twice.
LEASE = timedelta(seconds=90)


@dataclass(frozen=True)
class Reading:
    """The lease to read one customer, and the value of `wanted` that the reading covers."""

    billing_id: int
    customer_id: str
    token: uuid.UUID
    wanted: int


def want(customer_id: str) -> bool:
    """Have the customer read from Stripe after the commit. Returns False if no person is this customer."""
    with transaction.atomic():
        mine = Billing.objects.filter(customer_id=customer_id)
        if not mine.update(wanted=F("wanted") + 1, wanted_at=clock.now()):
            return False
        send_after_commit(FOLLOW, mine.values_list("pk", flat=True).get())
    return True


def follow(billing_id: int) -> bool:
    """Read the customer while a reading is wanted, and update the plan. Returns False if there was nothing to do.

    Raises:
        BillingUnavailable: Stripe does not answer. The reading is still wanted.
    """
    reading = _begin(billing_id)
    if reading is None:
        return False
    while reading:
        try:
            found = stripe.subscriptions_of(reading.customer_id)
        except BaseException:
            Billing.objects.filter(lease_token=reading.token).update(lease_token=None, lease_expires_at=None)
            raise
        reading = _apply(reading, found)
    return True


def _begin(billing_id: int) -> Reading | None:
    """Take the lease; None if no reading is wanted, or if another reader has the lease and will notice the request."""
    now, token = clock.now(), uuid.uuid4()
    free = Q(lease_token=None) | Q(lease_expires_at__lt=now)
    due = Billing.objects.filter(free, pk=billing_id, wanted__gt=F("done")).exclude(customer_id=None)
    if not due.update(lease_token=token, lease_expires_at=now + LEASE):
        return None
    # Read after the lease is taken: a request that comes later finds the lease, and is noticed at the end.
    billing = Billing.objects.filter(pk=billing_id, lease_token=token).first()
    if billing is None:
        return None
    return Reading(billing.pk, billing.customer_id or "", token, billing.wanted)


def _apply(reading: Reading, found: Sequence[Subscription]) -> Reading | None:
    """Store the reading and update the plan. Returns the next reading, if one is wanted by now."""
    with transaction.atomic():
        # Lock the person first, as everywhere.
        user = lock_owner(billing=reading.billing_id)
        billing = Billing.objects.select_for_update().filter(pk=reading.billing_id, lease_token=reading.token).first()
        if user is None or billing is None:
            log.info("billing %s: the reading is not wanted any more", reading.billing_id)
            return None
        now, one = clock.now(), ruling(found)
        billing.past_due_since = _past_due_since(billing, one, now)
        billing.subscription_id, billing.status = (one.id, one.status) if one else ("", "")
        billing.period_end, billing.ends_at = (one.period_end, one.ends_at) if one else (None, None)
        billing.read_at, billing.done = now, reading.wanted
        again = billing.wanted > reading.wanted
        billing.lease_token = uuid.uuid4() if again else None
        billing.lease_expires_at = now + LEASE if again else None
        billing.save()
        settle(user, billing)
    if billing.lease_token is None:
        return None
    return Reading(billing.pk, reading.customer_id, billing.lease_token, billing.wanted)


def _past_due_since(before: Billing, one: Subscription | None, now: datetime) -> datetime | None:
    """Return the time since which this subscription has not been in good standing, None if it is.

    The time counts from the first past-due state: a subscription that became unpaid and is past due again gets no
    second grace period.
    """
    if one is None or one.status in GOOD:
        return None
    since = before.past_due_since if one.id == before.subscription_id else None
    return since or (now if one.status == PAST_DUE else None)
