"""Derive a person's plan from the last reading of Stripe and from grants."""

from datetime import datetime, timedelta

from django.conf import settings

from gas import clock
from gas.subscriptions.changes import set_plan
from gas.subscriptions.entitlement import entitles
from gas.subscriptions.models import Billing
from gas.users.models import PlanChoice, User


def grace() -> timedelta:
    """Return how long a subscription that is past due still entitles."""
    return timedelta(days=settings.PAST_DUE_GRACE_DAYS)


def grace_ends(billing: Billing) -> datetime | None:
    """Return when the grace period after a failed payment ends, None if no payment failed."""
    return billing.past_due_since + grace() if billing.past_due_since else None


def settle(user: User, billing: Billing | None, *, actor: User | None = None, why: str = "") -> bool:
    """Set the plan that the person is entitled to. Call it in a transaction that locks the person's row.

    `why` is recorded instead of the reason from Stripe or the grant. Returns True if the plan has changed.
    """
    now = clock.now()
    if billing and entitles(billing.status, billing.past_due_since, now=now, grace=grace()):
        return set_plan(user, PlanChoice.PREMIUM, actor=actor, reason=why or f"the subscription is {words(billing)}")
    if grant := user.grants.live(now).first():
        return set_plan(user, PlanChoice.PREMIUM, actor=actor, reason=(why or f"granted: {grant.reason}")[:200])
    reason = why or (f"the subscription is {words(billing)}" if billing and billing.status else "no subscription")
    return set_plan(user, PlanChoice.FREE, actor=actor, reason=reason)


def words(billing: Billing) -> str:
    """Return the subscription's status as people say it: "past due"."""
    return billing.status.replace("_", " ")
