"""The plans, as frozen data. A person's plan is `user.plan`; what it means is here and nowhere else.

Numbers that an installation may want to change are settings, and read here; prices are Stripe's.
"""

from dataclasses import dataclass

from django.conf import settings

from gas.users.models import PlanChoice, User


@dataclass(frozen=True)
class Plan:
    """max_upload_bytes: of a file as it is uploaded; expanded_bytes: once decompressed. archive_after: the retention
    in S3, after so many seconds from when they are ready results go to Glacier; None for as long as the job is kept. Of
    time alone no plan deletes anything: in Glacier results stay until their job is deleted. concurrent_jobs: how many
    run at once for one person. tiers: what a retrieval asks for, in turn.
    """

    id: PlanChoice
    title: str
    max_upload_bytes: int
    expanded_bytes: int
    archive_after: float | None
    concurrent_jobs: int
    tiers: tuple[str, ...]

    @property
    def archives(self) -> bool:
        return self.archive_after is not None


PLANS = {
    plan.id: plan
    for plan in (
        Plan(
            PlanChoice.FREE,
            "Free",
            max_upload_bytes=settings.UPLOAD_MAX_BYTES,
            expanded_bytes=settings.ANNOTATE_EXPANDED_MAX_BYTES,
            archive_after=settings.ARCHIVE_AFTER_SECONDS,
            concurrent_jobs=1,
            tiers=("Standard",),  # what staff restore for a free person is not in a hurry
        ),
        Plan(
            PlanChoice.PREMIUM,
            "Premium",
            max_upload_bytes=settings.PREMIUM_UPLOAD_MAX_BYTES,
            expanded_bytes=settings.PREMIUM_EXPANDED_MAX_BYTES,
            archive_after=None,
            concurrent_jobs=4,
            tiers=("Expedited", "Standard"),
        ),
    )
}


def plan_of(user: User) -> Plan:
    return PLANS[PlanChoice(user.plan)]
