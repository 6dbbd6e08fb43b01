"""Periodic work on plans: each minute what depends on time alone, each hour a comparison with Stripe."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from djstripe import models as mirror

from gas import clock, rounds
from gas.rounds import BATCH
from gas.subscriptions import stripe
from gas.subscriptions.addresses import untold
from gas.subscriptions.entitlement import OPEN, PAST_DUE, Subscription, ruling
from gas.subscriptions.following import follow, want
from gas.subscriptions.grants import end_expired
from gas.subscriptions.models import Billing, CustomerRemoval, Grant
from gas.subscriptions.removal import LATE_WEBHOOKS
from gas.subscriptions.settling import grace
from gas.tasknames import FOLLOW, REMOVE_CUSTOMER, UPDATE_CUSTOMER
from gas.users.models import PlanChoice

log = logging.getLogger(__name__)

#: How long webhooks are kept, for staff to look at.
EVENTS_KEPT = timedelta(days=60)
#: A reconciliation stops after this share of the interval; the next one starts with those not read for longest.
SHARE = 0.5


def tend() -> dict[str, int]:
    """Run all steps once. Returns the number of rows of each kind that were handled."""
    done = rounds.take(
        {
            "grants": end_grants,
            "graces": end_graces,
            "readings": resend_readings,
            "addresses": resend_addresses,
            "removals": resend_removals,
        },
        log,
    )
    if any(done.values()):
        log.info("tend: seen to: %s", done)
    return done


def end_grants(now: datetime) -> int:
    """End grants whose time is over."""
    over = Grant.objects.filter(ended_at=None, until__lte=now).order_by()
    return rounds.each(over.values_list("user", flat=True).distinct()[:BATCH], end_expired, log)


def end_graces(now: datetime) -> int:
    """End the grace periods that are over. Stripe is asked again, because these people may just have paid."""
    over = Billing.objects.filter(
        status=PAST_DUE, past_due_since__lte=now - grace(), user__plan=PlanChoice.PREMIUM, wanted=F("done")
    ).exclude(user__in=Grant.objects.live().values("user"))
    return rounds.each(over.order_by("past_due_since").values_list("customer_id", flat=True)[:BATCH], _want, log)


def resend_readings(now: datetime) -> int:
    """Send messages for customers whose reading is wanted but whose message or reader was lost."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    free = Q(lease_token=None) | Q(lease_expires_at__lt=now)
    lost = Billing.objects.filter(free, wanted__gt=F("done"), wanted_at__lte=late).exclude(customer_id=None)
    return rounds.resend(lost, now, "wanted_at", FOLLOW, log)


def resend_addresses(now: datetime) -> int:
    """Send messages about new addresses that Stripe should have by now."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    return rounds.resend(untold().filter(email_due_at__lt=late), now, "email_due_at", UPDATE_CUSTOMER, log)


def resend_removals(now: datetime) -> int:
    """Send messages about customers to delete at Stripe, and about those whose last webhook has arrived."""
    late = now - timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    settled = Q(deleted_at__lt=now - LATE_WEBHOOKS)
    due = CustomerRemoval.objects.filter(Q(deleted_at=None) | settled, sent_at__lt=late)
    return rounds.resend(due, now, "sent_at", REMOVE_CUSTOMER, log)


def reconcile() -> int:
    """Compare the database with Stripe, and read customers again that differ. Returns how many differed.

    The list of all subscriptions is read page by page. It decides nothing itself, because it may be older than the last
    webhook. It lacks ended subscriptions. The time is limited, and an error for one customer does not stop the others.

    Raises:
        BillingUnavailable: the list is not complete, so that nothing follows for customers who are not in it.
    """
    stop = time.monotonic() + settings.RECONCILE_SECONDS * SHARE
    theirs: dict[str, list[Subscription]] = {}
    for one in stripe.live_subscriptions():
        theirs.setdefault(one.customer_id, []).append(one)
    differing = [
        billing.pk
        for billing in Billing.objects.exclude(customer_id=None).order_by(F("read_at").asc(nulls_first=True)).iterator()
        if differs(billing, theirs.get(billing.customer_id or "", []))
    ]
    done = 0
    for pk in differing:
        if time.monotonic() > stop:
            log.warning("reconcile: out of time, %d of %d customers read", done, len(differing))
            break
        try:
            Billing.objects.filter(pk=pk).update(wanted=F("wanted") + 1, wanted_at=clock.now())
            follow(pk)
            done += 1
        except Exception:
            log.exception("reconcile: billing %s", pk)
    if done:
        log.warning("reconcile: %d customers were not as Stripe has them", done)
    forget_old_events()
    return done


def differs(billing: Billing, live: list[Subscription]) -> bool:
    """Return whether the customer's subscriptions differ from the last reading. `live` are those not ended."""
    if billing.wanted > billing.done:
        return True
    one = ruling(each for each in live if each.status in OPEN)
    if one is None:
        return billing.status in OPEN
    told = (one.id, one.status, one.period_end, one.ends_at)
    return told != (billing.subscription_id, billing.status, billing.period_end, billing.ends_at)


def forget_old_events() -> None:
    """Delete events and webhook requests older than EVENTS_KEPT."""
    old = clock.now() - EVENTS_KEPT
    mirror.WebhookEventTrigger.objects.filter(created__lt=old).delete()
    mirror.Event.objects.filter(djstripe_created__lt=old).delete()


def _want(customer_id: str | None) -> None:
    want(customer_id or "")
