"""Template tags that show states, stages, sizes and times as text."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, now

from gas.jobs.models import ResultFile
from gas.jobs.pages.context import STAGES, archived, leaving
from gas.jobs.sizes import in_words
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import result_status
from gas.users.models import User

register = template.Library()


class Look(NamedTuple):
    """How a status is shown: never by color alone."""

    tone: str
    icon: str
    label: str


LOOKS: Final[dict[str, Look]] = {
    JobStatus.UPLOADING: Look("plain", "cloud-arrow-up-fill", "Uploading"),
    JobStatus.PENDING: Look("warn", "hourglass-split", "Waiting"),
    JobStatus.RUNNING: Look("busy", "arrow-clockwise", "Running"),
    JobStatus.COMPLETED: Look("good", "check-circle-fill", "Completed"),
    JobStatus.FAILED: Look("bad", "exclamation-triangle-fill", "Failed"),
    JobStatus.CANCELLED: Look("plain", "slash-circle", "Cancelled"),
    ResultState.ARCHIVED: Look("plain", "archive", "Archived"),
    ResultState.RESTORING: Look("busy", "arrow-clockwise", "Being restored"),
}

MESSAGE_LOOKS: Final[dict[str, Look]] = {
    "success": Look("good", "check-circle-fill", "Done"),
    "warning": Look("warn", "exclamation-triangle-fill", "Warning"),
    "error": Look("bad", "exclamation-triangle-fill", "Error"),
}


@register.filter
def look(status: str) -> Look:
    """Return tone, icon and label of a job's status, or of a result that is not simply available."""
    return LOOKS[status]


@register.filter
def message_look(level: str) -> Look:
    """Return tone and icon of one of Django's messages, by its level tag."""
    return MESSAGE_LOOKS.get(level, Look("brand", "info-circle", "Note"))


@register.filter
def stage_words(stage: str) -> str:
    """Return the label of a running job's stage; before its first stage the job is being prepared."""
    return STAGES.get(stage, "Prepare")


@register.filter
def size(count: int | None) -> str:
    """Return a number of bytes as text; "" when it is unknown."""
    return "" if count is None else in_words(count)


@register.filter
def retrieval(result: ResultFile) -> dict[str, Any] | None:
    """Return the progress of a retrieval: see result_status.progress."""
    return result_status.progress(result)


@register.simple_tag
def archived_of(owner: User) -> dict[str, Any] | None:
    """Return the person's results that an upgrade would restore: see context.archived."""
    return archived(owner)


@register.simple_tag
def leaving_of(owner: User) -> dict[str, Any] | None:
    """Return the person's results that stay for the notice period after Premium: see context.leaving."""
    return leaving(owner)


@register.filter
def is_back(result: ResultFile) -> bool:
    """Return whether the result was restored recently."""
    return result_status.is_back(result)


# The server writes times in UTC, or in the zone of the reader's profile. A script converts them to the zone of the
# profile, or else of the device; without the script they stay as they are.


@register.simple_tag
def ago(at: datetime | None) -> SafeString | str:
    """Return a <time> that reads "3 minutes ago" or "in 3 minutes", with the exact time on hover."""
    return "" if at is None else _time(at, roughly(at))


@register.simple_tag
def clock(at: datetime | None, seconds: bool = False) -> SafeString | str:
    """Return a <time> that reads "10:02 UTC", with the date unless it is today; with `seconds`, "10:02:09 UTC".

    The time is in the reader's own zone, if they have chosen one.
    """
    if at is None:
        return ""
    at = localtime(at)
    day = "" if at.date() == localtime(now()).date() else f"{at.day} {at:%b}, "
    words = f"{day}{at:%H:%M:%S}" if seconds and not day else f"{day}{at:%H:%M}"
    return _time(at, f"{words} {at:%Z}", format_html(' data-clock="{}"', "seconds" if seconds else "minutes"))


@register.simple_tag
def until(at: datetime | None) -> SafeString | str:
    """Return a <time> that reads "in 7 days" or "in 4 minutes", and that a script counts down: "in 4:12".

    The script gets the remaining time as well as the end, because the reader's clock may be wrong.
    """
    if at is None:
        return ""
    left = max(0, round((at - now()).total_seconds()))
    days = round(left / 86_400)
    text = f"in {days} days" if days >= 2 else roughly(at) if left else "any moment now"
    return _time(at, text, format_html(' data-left="{}"', left))


def _time(at: datetime, words: str, extra: str = "") -> SafeString:
    at = at.astimezone(UTC)
    exact = f"{at:%d %b %Y, %H:%M:%S} UTC"
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>', at.isoformat(timespec="seconds"), exact, extra, words
    )


def roughly(at: datetime) -> str:
    """Return the larger unit of `naturaltime` alone: "2 days ago" for "2 days, 5 hours ago", or "in 2 days"."""
    words = naturaltime(at)
    future = at > now()
    larger = words.partition(",")[0].removesuffix(" from now").removesuffix(" ago")
    if larger == "now":
        return larger
    return f"in {larger}" if future else f"{larger} ago"


@register.simple_tag
def took(start: datetime | None, end: datetime | None = None) -> str:
    """Return the time from `start` to `end`, or until now: "0.8 s", "2 min 5 s", "1 h 3 min"."""
    if start is None:
        return ""
    return duration(max((end or now()) - start, timedelta()))


def duration(span: timedelta) -> str:
    """Return a time span as text: "3.2 s", "4 min 10 s" or "2 h 5 min"."""
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
