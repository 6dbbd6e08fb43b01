"""The plans, as frozen data. A person's plan is `user.plan`; what it means is here and nowhere else.

Numbers that an installation may want to change are settings, and read here; prices are Stripe's.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from gas.users.models import PlanChoice, User


@dataclass(frozen=True)
class Plan:
    """What a person may do, and what becomes of their results.

    Time alone deletes nothing on any plan: in Glacier a result stays until its job is deleted.

    id: the value of `user.plan`.
    title: as pages show it.
    max_upload_bytes: size of a file as it is uploaded.
    expanded_bytes: size of a file once it is decompressed.
    output_bytes: size of its annotated file, and of its flat table, before they are compressed.
    archive_after: seconds from when a result is ready until it goes to Glacier; None if it stays in S3.
    downgrade_notice: seconds that results stay in S3 when their owner comes to this plan from one that keeps them.
    concurrent_jobs: number of one person's jobs that run at the same time.
    tiers: retrieval tiers to ask for, in turn.
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
        """How long earlier results stay in S3 after a downgrade to this plan: never shorter than a new result does."""
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
            tiers=("Standard",),  # what staff restore for a free person is not in a hurry
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
    """Return the plan of a person. The only way to ask for a plan's limits."""
    return PLANS[PlanChoice(user.plan)]
