"""The order in which rows are locked: the owner, then the result, then the job.

A row that refers to a person, such as an event or a mail, makes the database lock that person's row at the commit. A
transaction that had locked a job first would then wait for one that holds the person and waits for the job. So each
transaction that moves a person's rows locks the person first. NO KEY UPDATE is enough: it blocks other such
transactions and the deletion of the account, but not inserts of rows that refer to the person.
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
    """Lock these people's rows until the end of the transaction, and return them by id, without deleted people.

    All people that a transaction touches, including the acting person, are locked at once and in one order. Otherwise
    two members of staff who grant each other something could deadlock.
    """
    return {one.pk: one for one in _locking().filter(pk__in=pks).order_by("pk")}


def _locking(waiting: bool = True) -> QuerySet[User]:
    return User.objects.select_for_update(of=("self",), no_key=True, skip_locked=not waiting)
