"""Shared by the periodic rounds of beat: an error in one step or row does not stop the others."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from gas import clock
from gas.tasknames import send_after_commit

log = logging.getLogger(__name__)

#: Maximum number of rows of one kind per round, so that a long list does not delay the next steps.
BATCH = 500
T = TypeVar("T")
Step = Callable[[datetime], int]


def just_taken(name: str, every: float) -> bool:
    """Return whether a round of this name began less than half of `every` seconds ago; if not, record that one begins.

    Rounds that waited in the queue while no worker ran arrive all at once, and one of them is enough. A message expiry
    would do the same, but depends on the clocks of two machines. Without the cache every round runs, which does no
    harm.
    """
    try:
        return not cache.add(f"round:{name}", 1, every / 2)
    except Exception:
        log.warning("the cache does not answer", exc_info=True)
        return False


def take(steps: Mapping[str, Step], log: logging.Logger) -> dict[str, int]:
    """Run one round: call each step with its start time. Returns the rows that each step handled, without failed steps.

    A step must be safe while another round runs: every change is a compare-and-swap.
    """
    now = clock.now()
    done = {}
    for name, step in steps.items():
        try:
            done[name] = step(now)
        except Exception:
            log.exception("in trouble: %s", name)
    return done


def each(
    rows: Iterable[T],
    act: Callable[[T], object],
    log: logging.Logger,
    *,
    fine: tuple[type[Exception], ...] = (),
) -> int:
    """Act on every row, and return for how many it worked. `fine`: exceptions that mean another process was first."""
    count = 0
    for row in rows:
        try:
            act(row)
            count += 1
        except fine:
            continue
        except Exception:
            log.exception("in trouble: %s", row)
    return count


def resend(due: QuerySet[Any], now: datetime, column: str, task: str, log: logging.Logger) -> int:
    """Send a message for each of `due`, whose `column` is the time of the last one. Of two rounds only one sends."""

    def send(pk: Any) -> None:
        with transaction.atomic():
            if due.filter(pk=pk).update(**{column: now}):
                send_after_commit(task, pk)

    return each(due.order_by(column).values_list("pk", flat=True)[:BATCH], send, log)
