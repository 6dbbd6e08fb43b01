"""What the beat's rounds share: no kind of work in trouble stops the care for the others, no row those behind it."""

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

#: Rows of one kind that a round handles at most, so that a long list does not delay what comes after it.
BATCH = 500
T = TypeVar("T")
Step = Callable[[datetime], int]


def just_taken(name: str, every: float) -> bool:
    """Return whether a round of this name began less than half of `every` seconds ago; if not, note that one begins.

    Rounds that waited in the queue while no worker ran come all at once: one of them is enough. A message that expires
    would do the same, but by the clocks of two machines. Without the cache every round is taken, which does no harm.
    """
    try:
        return not cache.add(f"round:{name}", 1, every / 2)
    except Exception:
        log.warning("the cache does not answer", exc_info=True)
        return False


def take(steps: Mapping[str, Step], log: logging.Logger) -> dict[str, int]:
    """One round: each step with the time at which it began. Returns how many rows each saw to; who failed is left out.

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
    """Act on every row; how many it worked for. `fine`: somebody was quicker, which is all that was wanted."""
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
    """Send a message for each of `due`, whose `column` says when the last one was; of two rounds only one sends."""

    def send(pk: Any) -> None:
        with transaction.atomic():
            if due.filter(pk=pk).update(**{column: now}):
                send_after_commit(task, pk)

    return each(due.order_by(column).values_list("pk", flat=True)[:BATCH], send, log)
