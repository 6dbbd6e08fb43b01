"""The plans, as frozen data. `user.plan` is the id of a person's plan; only this module defines what it means.

Values that an installation may change are settings, and are read here. Prices are at Stripe.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from gas.users.models import PlanChoice, User


@dataclass(frozen=True)
class Plan:
    """What a person may do, and what happens to their results.

    On no plan does time alone delete anything: an archived result stays until its job is deleted.

    Attributes:
        id: the value of `user.plan`.
        title: the name on pages.
        max_upload_bytes: size of a file as it is uploaded.
        expanded_bytes: size of a file after decompression.
        output_bytes: size of its annotated file, and of its flat table, before compression.
        archive_after: seconds from when a result is ready until it is archived; None if it stays in S3.
        downgrade_notice: seconds that results stay in S3 when their owner changes to this plan from one that keeps
            them.
        concurrent_jobs: number of one person's jobs that run at the same time.
        tiers: retrieval tiers to try, in this order.
    """

    id: PlanChoice
    title: str
    max_upload_bytes: int
    expanded_bytes: int
    output_bytes: int
    archive_after: float | None
    downgrade_notice: float
    concurrent_jobs: int
    tiers: tuple[str, ...]

    @property
    def archives(self) -> bool:
        return self.archive_after is not None

    @property
    def kept_after_downgrade(self) -> timedelta:
        """How long older results stay in S3 after a downgrade to this plan: at least as long as new results."""
        return timedelta(seconds=max(self.downgrade_notice, self.archive_after or 0.0))


PLANS = {
    plan.id: plan
    for plan in (
        Plan(
            PlanChoice.FREE,
            "Free",
            max_upload_bytes=settings.UPLOAD_MAX_BYTES,
            expanded_bytes=settings.ANNOTATE_EXPANDED_MAX_BYTES,
            output_bytes=settings.ANNOTATE_OUTPUT_MAX_BYTES,
            archive_after=settings.ARCHIVE_AFTER_SECONDS,
            downgrade_notice=settings.DOWNGRADE_NOTICE_SECONDS,
            concurrent_jobs=1,
            tiers=("Standard",),  # a restore by staff for a free person is not urgent
        ),
        Plan(
            PlanChoice.PREMIUM,
            "Premium",
            max_upload_bytes=settings.PREMIUM_UPLOAD_MAX_BYTES,
            expanded_bytes=settings.PREMIUM_EXPANDED_MAX_BYTES,
            output_bytes=settings.PREMIUM_OUTPUT_MAX_BYTES,
            archive_after=None,
            downgrade_notice=0.0,
            concurrent_jobs=4,
            tiers=("Expedited", "Standard"),
        ),
    )
}


def plan_of(user: User) -> Plan:
    """Return the plan of a person. All code reads a plan's limits through this function."""
    return PLANS[PlanChoice(user.plan)]
