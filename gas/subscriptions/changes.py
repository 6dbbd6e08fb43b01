"""The one function that changes a plan."""

from django.db import transaction

from gas.subscriptions.models import PlanChange
from gas.subscriptions.plans import PLANS
from gas.tasknames import ARCHIVE_USER_RESULTS, RESTORE_USER_RESULTS, send_after_commit
from gas.users.locks import lock_people
from gas.users.models import PlanChoice, User


def set_plan(user: User, plan: PlanChoice, *, actor: User | None = None, reason: str = "") -> bool:
    """Give `user` the plan, write down who did it, and set their results on their way; False if they had it.

    After the commit, results that are archived are restored (premium), or those that are not become due to be
    archived (free), with the same notice as a new one's, which their owner is told first. The row is locked, so of
    two callers at once one finds the plan changed already.
    """
    with transaction.atomic():
        locked = lock_people(user.pk)[user.pk]
        if locked.plan == plan:
            user.plan = plan
            return False
        PlanChange.objects.create(user=locked, from_plan=locked.plan, to_plan=plan, actor=actor, reason=reason)
        User.objects.filter(pk=locked.pk).update(plan=plan)
        user.plan = plan
        send_after_commit(ARCHIVE_USER_RESULTS if PLANS[plan].archives else RESTORE_USER_RESULTS, user.pk)
    return True


def who_changed_plan(user: User) -> User | None:
    """The member of staff who gave them the plan that they have; None if it was Stripe, or nobody."""
    last = user.plan_changes.select_related("actor").order_by("-pk").first()
    return last.actor if last else None
