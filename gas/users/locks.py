"""How people's rows are locked, by everybody in one way.

The owner comes first, then the result, then the job. Rows that name a person, such as events and mails, make the
database lock that person's row too, at the commit; a transaction that had locked a job before would then wait for the
one that holds the person and waits for the job. So each transaction that moves what is somebody's takes that somebody
first. NO KEY UPDATE is enough: it keeps out others that do so, and the deletion of the account, and lets rows be
written that merely name the person.
"""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from gas.users.models import User


def lock_owner(*, waiting: bool = True, **which: Any) -> User | None:
    """Lock a person's row within a transaction and return it.

    Returns None if there is no such person, or, without `waiting`, if another transaction holds the lock.
    """
    return _locking(waiting).filter(**which).first()


def lock_people(*pks: UUID) -> dict[UUID, User]:
    """Within a transaction: these people's rows, by id, locked until its end; who is gone is not among them.

    All people that a transaction touches are locked at once and in one order, the acting person included: two members
    of staff who grant each other something wait for each other, and for ever if each began with the other's row.
    """
    return {one.pk: one for one in _locking().filter(pk__in=pks).order_by("pk")}


def _locking(waiting: bool = True) -> QuerySet[User]:
    return User.objects.select_for_update(of=("self",), no_key=True, skip_locked=not waiting)
