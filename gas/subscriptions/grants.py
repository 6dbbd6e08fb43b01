"""Premium by hand. What staff give and revoke is a Grant, so that no webhook undoes it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from gas import clock
from gas.subscriptions.models import Billing, Grant
from gas.subscriptions.settling import settle
from gas.users.locks import lock_people
from gas.users.models import User


def grant_premium(user: User, *, until: datetime | None, reason: str, actor: User) -> Grant:
    """Premium from now until then, or until revoked."""
    with transaction.atomic():
        locked = lock_people(user.pk, actor.pk)[user.pk]
        grant = Grant.objects.create(user=locked, until=until, reason=reason, actor=actor)
        settle(locked, _billing(locked), actor=actor, why=f"granted: {reason}"[:200])
    return grant


def revoke_grants(user: User, *, actor: User) -> int:
    """End all of the person's grants; what they pay for stays theirs. Returns how many there were."""
    with transaction.atomic():
        locked = lock_people(user.pk, actor.pk)[user.pk]
        count = locked.grants.live().update(ended_at=clock.now(), revoked_by=actor)
        if count:
            settle(locked, _billing(locked), actor=actor, why="the grant was revoked")
    return count


def end_expired(user_id: UUID) -> bool:
    """Grants of this person whose time is over stop counting. False if there were none."""
    with transaction.atomic():
        locked = lock_people(user_id).get(user_id)
        if locked is None:
            return False
        now = clock.now()
        if not locked.grants.filter(ended_at=None, until__lte=now).update(ended_at=now):
            return False
        settle(locked, _billing(locked), why="the grant has ended")
    return True


def _billing(user: User) -> Billing | None:
    return Billing.objects.select_for_update().filter(user=user).first()
