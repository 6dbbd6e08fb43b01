"""One order of locks for everybody: the owner first, then the result, then the job.

Rows that name a person, such as events and mails, make the database lock that person's row too, at the commit; whoever
has locked a job before would then wait for whoever holds the person and waits for the job. So each transaction that
moves what is somebody's takes that somebody first. NO KEY UPDATE is enough: it keeps out others that do so, and the
deletion of the account, and lets rows be written that merely name the person.
"""

from typing import Any

from gas.users.models import User


def lock_owner(*, waiting: bool = True, **which: Any) -> User | None:
    """Within a transaction: the person, locked; None if there is no such person, or, without `waiting`, if somebody
    else has them.
    """
    people = User.objects.select_for_update(of=("self",), no_key=True, skip_locked=not waiting)
    return people.filter(**which).first()
