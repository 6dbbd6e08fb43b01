"""The plans, as frozen data. A person's plan is `user.plan`; what it means is here and nowhere else."""

from dataclasses import dataclass

from gas.users.models import PlanChoice, User


@dataclass(frozen=True)
class Plan:
    """archives: results go to Glacier a set time after they are ready. tiers: what a retrieval asks for, in turn."""

    id: PlanChoice
    title: str
    archives: bool
    tiers: tuple[str, ...]


PLANS = {
    plan.id: plan
    for plan in (
        # What staff restore for a free person is not in a hurry.
        Plan(PlanChoice.FREE, "Free", archives=True, tiers=("Standard",)),
        Plan(PlanChoice.PREMIUM, "Premium", archives=False, tiers=("Expedited", "Standard")),
    )
}


def plan_of(user: User) -> Plan:
    return PLANS[PlanChoice(user.plan)]
