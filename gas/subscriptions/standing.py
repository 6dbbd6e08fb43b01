"""A person's plan and subscription, as pages show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gas.subscriptions import stripe
from gas.subscriptions.entitlement import GOOD, PAST_DUE, RUNNING
from gas.subscriptions.models import Billing, Grant
from gas.subscriptions.plans import PLANS, Plan, plan_of
from gas.subscriptions.settling import grace_ends
from gas.users.models import PlanChoice, User


@dataclass(frozen=True)
class Standing:
    """The state in the database; Stripe is not asked. `subscribed`: the portal can manage a subscription."""

    plan: Plan
    billing: Billing | None
    grant: Grant | None

    @property
    def subscribed(self) -> bool:
        return self.billing is not None and self.billing.status in RUNNING

    @property
    def good(self) -> bool:
        """Whether the person is subscribed and paid for, and premium by that."""
        return self.billing is not None and self.billing.status in GOOD and not self.plan.archives

    @property
    def past_due(self) -> bool:
        return self.billing is not None and self.billing.status == PAST_DUE

    @property
    def grace_ends(self) -> datetime | None:
        return grace_ends(self.billing) if self.billing else None

    @property
    def ends_at(self) -> datetime | None:
        """The end of Premium, if the subscription is canceled and no grant continues after it."""
        at = self.billing.ends_at if self.billing and self.good else None
        return None if at and self.grant and (self.grant.until is None or self.grant.until > at) else at

    @property
    def renews_at(self) -> datetime | None:
        return self.billing.period_end if self.billing and self.good and not self.billing.ends_at else None

    @property
    def lasts_until(self) -> datetime | None:
        """The end of Premium if nobody renews it; None if no end is known, or the person is not premium."""
        if self.plan.archives or (self.grant and self.grant.until is None):
            return None
        paid = (self.billing.ends_at or self.billing.period_end) if self.billing and self.good else None
        granted = self.grant.until if self.grant else None
        return max(filter(None, (paid, granted)), default=None)

    @property
    def kept(self) -> timedelta:
        """How long results stay in S3 after the end of Premium."""
        return PLANS[PlanChoice.FREE].kept_after_downgrade

    @property
    def kept_until(self) -> datetime | None:
        """When results are archived if Premium ends at `lasts_until`."""
        return self.lasts_until and self.lasts_until + self.kept

    @property
    def can_subscribe(self) -> bool:
        return not self.subscribed and stripe.enabled()


def standing(user: User) -> Standing:
    """Return what decides the plan of a person: subscription and grant."""
    return Standing(
        plan=plan_of(user),
        billing=Billing.objects.filter(user=user).first(),
        grant=Grant.objects.live().filter(user=user).first(),
    )
