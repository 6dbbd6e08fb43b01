"""What people are told of where a result is: its state in words, and how long what is under way may take."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from gas.aws.archives import EXPEDITED_MAX_BYTES
from gas.jobs.models import ResultFile
from gas.jobs.states import ResultState


@dataclass(frozen=True)
class TierTerms:
    """How long a retrieval takes, shortest and longest, and what it costs: dollars a request and a GB (10⁹ bytes)."""

    name: str
    shortest: timedelta
    longest: timedelta
    words: str
    request_price: float
    gigabyte_price: float

    def price(self, count: int, size: int) -> float:
        return count * self.request_price + size / 1000**3 * self.gigabyte_price


def terms() -> dict[str, TierTerms]:
    """Times as AWS states them for Glacier (Flexible Retrieval); prices from the settings."""
    return {
        "Expedited": TierTerms(
            "Expedited",
            timedelta(minutes=1),
            timedelta(minutes=5),
            "1–5 minutes",
            settings.PRICE_EXPEDITED_REQUEST,
            settings.PRICE_EXPEDITED_GB,
        ),
        "Standard": TierTerms(
            "Standard",
            timedelta(hours=3),
            timedelta(hours=5),
            "3–5 hours",
            settings.PRICE_STANDARD_REQUEST,
            settings.PRICE_STANDARD_GB,
        ),
    }


def progress(result: ResultFile) -> dict[str, Any] | None:
    """A retrieval under way: {"tier", "asked_at", "expected_by", "fraction"}; None when there is none."""
    tier = terms().get(result.retrieval_tier)
    if result.state != ResultState.RESTORING or tier is None or result.retrieval_asked_at is None:
        return None
    elapsed: timedelta = timezone.now() - result.retrieval_asked_at
    return {
        "tier": tier.name,
        "asked_at": result.retrieval_asked_at,
        "expected_by": result.retrieval_asked_at + tier.longest,
        # Never full before it is back.
        "fraction": min(0.98, elapsed / tier.longest),
    }


def estimate(results: QuerySet[ResultFile]) -> dict[str, Any]:
    """What bringing these back would take: {"count", "size", "tiers": [{"name", "price", "words"}]}.

    Results too large for Expedited come by Standard, and are priced so in both.
    """
    small = results.filter(size__lt=EXPEDITED_MAX_BYTES).aggregate(count=Count("pk"), size=Sum("size"))
    every = results.aggregate(count=Count("pk"), size=Sum("size"))
    count, size = every["count"], every["size"] or 0
    fast_count, fast_size = small["count"], small["size"] or 0
    tiers = terms()
    expedited = tiers["Expedited"].price(fast_count, fast_size)
    rest = tiers["Standard"].price(count - fast_count, size - fast_size)
    standard = tiers["Standard"].price(count, size)
    return {
        "count": count,
        "size": size,
        "tiers": [
            {"name": "Expedited", "price": expedited + rest, "words": tiers["Expedited"].words},
            {"name": "Standard", "price": standard, "words": tiers["Standard"].words},
        ],
    }


def is_moving(result: ResultFile | None) -> bool:
    """Something will happen to it soon, so that a page that shows it had better look again."""
    if result is None:
        return False
    if result.state in {ResultState.ARCHIVING, ResultState.RESTORING}:
        return True
    soon: datetime = timezone.now() + timedelta(hours=1)
    return result.state == ResultState.AVAILABLE and result.archive_due_at is not None and result.archive_due_at < soon
