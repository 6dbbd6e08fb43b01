"""The one function that changes a plan."""

from datetime import datetime

from django.db import transaction
from django.dispatch import Signal

from gas.subscriptions.models import PlanChange
from gas.subscriptions.plans import PLANS
from gas.tasknames import ARCHIVE_USER_RESULTS, RESTORE_USER_RESULTS, send_after_commit
from gas.users.locks import lock_people
from gas.users.models import PlanChoice, User

#: Sent in the transaction that changes a plan, with `user` and `plan`. The person's row is locked.
plan_changed = Signal()


def set_plan(user: User, plan: PlanChoice, *, actor: User | None = None, reason: str = "") -> bool:
    """Change the plan of `user`, record who did it, and archive or restore their results. False if they had the plan.

    After the commit, archived results are restored (premium), or the results in S3 become due to be archived (free)
    after the plan's notice period; their owner gets a mail. The row is locked: of two concurrent callers, the second
    finds the plan changed.
    """
    with transaction.atomic():
        locked = lock_people(user.pk)[user.pk]
        if locked.plan == plan:
            user.plan = plan
            return False
        PlanChange.objects.create(user=locked, from_plan=locked.plan, to_plan=plan, actor=actor, reason=reason)
        User.objects.filter(pk=locked.pk).update(plan=plan)
        user.plan = plan
        plan_changed.send(PlanChange, user=locked, plan=PLANS[plan])
        send_after_commit(ARCHIVE_USER_RESULTS if PLANS[plan].archives else RESTORE_USER_RESULTS, user.pk)
    return True


def left_premium_at(user: User) -> datetime | None:
    """Return when the person changed from a plan that never archives to the present one; None if they did not."""
    last = user.plan_changes.order_by("-pk").first()
    if last is None or not PLANS[PlanChoice(last.to_plan)].archives or PLANS[PlanChoice(last.from_plan)].archives:
        return None
    return last.at


def who_changed_plan(user: User) -> User | None:
    """Return the member of staff who gave the person their present plan; None if it was Stripe or nobody."""
    last = user.plan_changes.select_related("actor").order_by("-pk").first()
    return last.actor if last else None
