"""Template tags about a person's plan, for pages of other packages."""

from datetime import datetime

from django import template
from django.utils.timezone import localtime, now

from gas.subscriptions.standing import Standing
from gas.subscriptions.standing import standing as standing_of
from gas.users.models import User

register = template.Library()


@register.simple_tag
def plan_summary(user: User) -> Standing:
    """{% plan_summary user as standing %}: the person's plan and subscription."""
    return standing_of(user)


@register.filter
def day(at: datetime | None) -> str:
    """Return a day in the reader's time zone, as "3 December", with the year unless it is this one; "" for None."""
    if at is None:
        return ""
    at = localtime(at)
    return f"{at.day} {at:%B}" if at.year == localtime(now()).year else f"{at.day} {at:%B %Y}"


@register.filter
def span(seconds: float) -> str:
    """Return a set time in its largest whole unit: "5 minutes", "36 hours"."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            return _count(round(seconds / length), unit)
    return _count(round(seconds), "second")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
