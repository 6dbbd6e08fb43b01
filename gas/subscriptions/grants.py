"""Grants of Premium by staff. A grant is a row, so no webhook undoes it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from gas import clock
from gas.subscriptions.models import Billing, Grant
from gas.subscriptions.settling import settle
from gas.users.locks import lock_people
from gas.users.models import User


def grant_premium(user: User, *, until: datetime | None, reason: str, actor: User) -> Grant:
    """Grant Premium from now until `until`, or until it is revoked."""
    with transaction.atomic():
        locked = lock_people(user.pk, actor.pk)[user.pk]
        grant = Grant.objects.create(user=locked, until=until, reason=reason, actor=actor)
        settle(locked, _billing(locked), actor=actor, why=f"granted: {reason}"[:200])
    return grant


def revoke_grants(user: User, *, actor: User) -> int:
    """End all grants of the person. A paid subscription stays. Returns how many grants there were."""
    with transaction.atomic():
        locked = lock_people(user.pk, actor.pk)[user.pk]
        count = locked.grants.live().update(ended_at=clock.now(), revoked_by=actor)
        if count:
            settle(locked, _billing(locked), actor=actor, why="the grant was revoked")
    return count


def end_expired(user_id: UUID) -> bool:
    """End this person's expired grants. Returns False if there were none."""
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
