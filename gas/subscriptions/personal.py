"""The plan's part of "download my data"."""

from collections.abc import Iterator

from gas.subscriptions.models import Billing
from gas.users.export import as_json
from gas.users.models import User
from gas.users.registry import File, export_providers

BILLING_FIELDS = ("customer_id", "subscription_id", "status", "period_end", "ends_at", "past_due_since", "read_at")


def register() -> None:
    """Register the export. Called once, when Django starts."""
    export_providers.append(export)


def export(user: User) -> Iterator[File]:
    """Yield plan.json: the subscription as it was last read, grants, and every change of plan.

    Names of staff are left out. Payments and invoices are at Stripe, in its Billing Portal.
    """
    told = {
        "plan": user.plan,
        "subscription": Billing.objects.filter(user=user).values(*BILLING_FIELDS).first(),
        "grants": list(user.grants.values("until", "reason", "created_at", "ended_at")),
        "changes": list(user.plan_changes.values("at", "from_plan", "to_plan", "reason")),
    }
    yield "plan.json", [as_json(told)]
