"""Whether a subscription entitles to Premium: pure functions of Stripe's data and the time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Paid for, or on trial.
GOOD = frozenset({"active", "trialing"})
#: A renewal could not be charged, and Stripe tries again.
PAST_DUE = "past_due"
#: May recover or charge the person, so a second subscription would be one too many.
RUNNING = GOOD | {PAST_DUE, "unpaid", "paused"}
#: Not ended. Incomplete: its first payment is still missing; it ends by itself within a day.
OPEN = RUNNING | {"incomplete"}


@dataclass(frozen=True)
class Subscription:
    """A subscription at Stripe. `ends_at` is set if it is canceled and continues until then."""

    id: str
    customer_id: str
    status: str
    created: datetime
    period_end: datetime | None = None
    ends_at: datetime | None = None


def ruling(subscriptions: Iterable[Subscription]) -> Subscription | None:
    """Return the subscription that decides the plan, None if there is none.

    A subscription in good standing comes before a past-due one, and that before any other. Among equals the one that
    lasts longest comes first, then the newest.
    """
    return max(subscriptions, key=_rank, default=None)


def _rank(one: Subscription) -> tuple[int, float, float, str]:
    weight = 3 if one.status in GOOD else 2 if one.status == PAST_DUE else 1 if one.status in OPEN else 0
    return weight, one.period_end.timestamp() if one.period_end else 0.0, one.created.timestamp(), one.id


def entitles(status: str, past_due_since: datetime | None, *, now: datetime, grace: timedelta) -> bool:
    """Return whether a subscription in this status makes its person premium.

    Active and trialing do. Past due does during the grace period, which begins when the status was first read: Stripe
    does not report since when. All other statuses, including ones that Stripe may add, do not.
    """
    if status in GOOD:
        return True
    return status == PAST_DUE and past_due_since is not None and now < past_due_since + grace
