"""The database's clock: all machines use it for leases and due times.

Clocks of machines differ. A worker whose clock is ten minutes fast would hold the lease of a dead worker for ten
minutes more; one that is ten minutes slow would start nothing. So code that compares a time with a row asks the
database for the time. A machine whose own clock is wrong reports it: see `check`.
"""

import logging
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from gas.staff.alerts import alert

log = logging.getLogger(__name__)

#: SQLite truncates to milliseconds. One more, so that the answer is never before the real time.
_SQLITE_NOW = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now', '+0.001 seconds')"
#: Not PostgreSQL's now(), which is constant in a transaction, so it would be late after waiting for a lock.
_POSTGRESQL_NOW = "SELECT clock_timestamp()"
#: Seconds between two comparisons of one process.
CHECK_EVERY = 60.0
#: Seconds after which a process alerts staff again of a clock that stays wrong.
TELL_EVERY = 86_400.0


@dataclass
class _Checks:
    """When this process compared its clock, and when it last alerted staff, on the monotonic clock."""

    checked_at: float | None = None
    told_at: float | None = None


_checks = _Checks()


def now() -> datetime:
    """Return the database's time, aware, in UTC. Costs one short query.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(_SQLITE_NOW if sqlite else _POSTGRESQL_NOW)
        (found,) = cursor.fetchone()
    return datetime.fromisoformat(found).replace(tzinfo=UTC) if sqlite else found.astimezone(UTC)


def skew() -> float:
    """Return how many seconds this machine's clock is ahead of the database's; negative if it is behind.

    Half of the query's duration is subtracted. Raises DatabaseError as `now`.
    """
    before = timezone.now()
    found = now()
    after = timezone.now()
    return (before + (after - before) / 2 - found).total_seconds()


def is_skewed(seconds: float) -> bool:
    """Return whether a skew is more than CLOCK_SKEW_SECONDS allows."""
    return abs(seconds) > settings.CLOCK_SKEW_SECONDS


def check(*, every: float = CHECK_EVERY) -> float | None:
    """Compare this machine's clock with the database's; log an error if it is wrong, and alert staff, once a day.

    Args:
        every: seconds for which the process does not compare again.

    Returns:
        The skew in seconds; None if it was not measured, because it was lately or the database does not answer.
    """
    instant = time.monotonic()
    if _checks.checked_at is not None and instant - _checks.checked_at < every:
        return None
    _checks.checked_at = instant
    try:
        found = skew()
    except DatabaseError:
        log.warning("the clock could not be compared with the database's", exc_info=True)
        return None
    if is_skewed(found):
        subject = f"The clock of {socket.gethostname()} is wrong"
        how = f"It is {abs(found):.0f} s {'ahead of' if found > 0 else 'behind'} the database's clock."
        if _checks.told_at is not None and instant - _checks.told_at < TELL_EVERY:
            log.error("%s. %s", subject, how)
            return found
        _checks.told_at = instant
        alert(
            subject,
            f"{how} Jobs continue, since "
            "the database's clock decides. Set up time synchronization on that machine: AWS refuses requests if the "
            "clock is several minutes wrong, and URLs for uploads and downloads expire at the wrong time.",
        )
    return found
