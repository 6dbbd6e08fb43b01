"""Where a result is, for pages: its state as text, and how long the current step may take."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from gas.aws.archives import EXPEDITED_MAX_BYTES
from gas.jobs.models import ResultFile
from gas.jobs.states import ResultState

#: Seconds between refreshes of a page: while a result is being moved, and while it may be moved at any time.
QUICK, SLOW = 3, 15
#: How long a restored result is marked as restored.
BACK_FOR = timedelta(days=2)


@dataclass(frozen=True)
class TierTerms:
    """The shortest and longest time of a retrieval, and its price in dollars per request and per GB (10⁹ bytes)."""

    name: str
    shortest: timedelta
    longest: timedelta
    words: str
    request_price: float
    gigabyte_price: float

    def price(self, count: int, size: int) -> float:
        return count * self.request_price + size / 1000**3 * self.gigabyte_price


def tiers() -> dict[str, TierTerms]:
    """Return the retrieval tiers of this installation by name, the fastest first, with prices from the settings.

    Times are from AWS ("Understanding archive retrieval options", Amazon S3 User Guide): S3 Glacier Deep Archive has no
    Expedited tier, and its Standard tier takes up to 12 hours.
    """
    expedited = TierTerms(
        "Expedited",
        timedelta(minutes=1),
        timedelta(minutes=5),
        "1–5 minutes",
        settings.PRICE_EXPEDITED_REQUEST,
        settings.PRICE_EXPEDITED_GB,
    )
    prices = (settings.PRICE_STANDARD_REQUEST, settings.PRICE_STANDARD_GB)
    if settings.ARCHIVE_ROUTE == "class" and settings.GLACIER_STORAGE_CLASS == "DEEP_ARCHIVE":
        deep = TierTerms("Standard", timedelta(hours=9), timedelta(hours=12), "9–12 hours", *prices)
        return {deep.name: deep}
    standard = TierTerms("Standard", timedelta(hours=3), timedelta(hours=5), "3–5 hours", *prices)
    return {expedited.name: expedited, standard.name: standard}


def progress(result: ResultFile) -> dict[str, Any] | None:
    """Return {"tier", "asked_at", "expected_by", "fraction", "late"} of a retrieval under way, or None."""
    tier = tiers().get(result.retrieval_tier)
    if result.state != ResultState.RESTORING or tier is None or result.retrieval_asked_at is None:
        return None
    elapsed: timedelta = timezone.now() - result.retrieval_asked_at
    return {
        "tier": tier.name,
        "asked_at": result.retrieval_asked_at,
        "expected_by": result.retrieval_asked_at + tier.longest,
        # Never full before the result is restored.
        "fraction": min(0.98, max(0.0, elapsed / tier.longest)),
        "late": elapsed > tier.longest,
    }


def estimate(results: QuerySet[ResultFile]) -> dict[str, Any]:
    """Return what a restore would take: {"count", "size", "large", "tiers": [{"name", "price", "words"}]}.

    `large` results are too large for Expedited. They use Standard, and both prices include that.
    """
    fits = Q(size__lt=EXPEDITED_MAX_BYTES)
    found = results.order_by().aggregate(
        every=Count("pk"), bytes=Sum("size"), fast=Count("pk", filter=fits), fast_bytes=Sum("size", filter=fits)
    )
    count, size = found["every"], found["bytes"] or 0
    fast_count, fast_size = found["fast"], found["fast_bytes"] or 0
    offered = tiers()
    standard = offered["Standard"]
    prices = {"Standard": standard.price(count, size)}
    if expedited := offered.get("Expedited"):
        rest = standard.price(count - fast_count, size - fast_size)
        prices["Expedited"] = expedited.price(fast_count, fast_size) + rest
    return {
        "count": count,
        "size": size,
        "large": count - fast_count,
        "tiers": [{"name": name, "price": prices[name], "words": tier.words} for name, tier in offered.items()],
    }


def pace(result: ResultFile | None) -> int | None:
    """Return after how many seconds a page about the result refreshes; None if no change is expected.

    A countdown refreshes the page at its end. Until then only a change of plan matters.
    """
    if result is None:
        return None
    if result.state in {ResultState.ARCHIVING, ResultState.RESTORING}:
        return QUICK
    if result.state == ResultState.ARCHIVED:
        return SLOW
    if result.state == ResultState.AVAILABLE and result.archive_due_at is not None:
        return QUICK if result.archive_due_at <= timezone.now() else SLOW
    return None


def is_back(result: ResultFile) -> bool:
    """Return whether the result was archived and restored recently. Needs its batch."""
    if result.state != ResultState.AVAILABLE or result.batch is None:
        return False
    return timezone.now() - (result.batch.finished_at or result.batch.created_at) < BACK_FOR
