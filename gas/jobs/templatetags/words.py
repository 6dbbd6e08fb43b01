"""States, stages, sizes and times in words."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now

from gas.jobs.context import STAGES
from gas.jobs.sizes import in_words
from gas.jobs.states import JobStatus, ResultState

register = template.Library()


class Look(NamedTuple):
    """How a status is shown: never by its colour alone."""

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
    """Tone, icon and label of a job's status, or of a result that is not simply available."""
    return LOOKS[status]


@register.filter
def message_look(level: str) -> Look:
    """Tone and icon of one of Django's messages, by its level tag."""
    return MESSAGE_LOOKS.get(level, Look("brand", "info-circle", "Note"))


@register.filter
def stage_words(stage: str) -> str:
    """A running job's stage; before its first, it is being prepared."""
    return STAGES.get(stage, "Prepare")


@register.filter
def size(count: int | None) -> str:
    """Bytes for people; "" when unknown."""
    return "" if count is None else in_words(count)


@register.simple_tag
def ago(at: datetime | None, clock: bool = False) -> SafeString | str:
    """A <time> that reads "3 minutes ago", exact on hover; with `clock`, the time of day instead.

    Scripts turn both into the reader's own time zone; without them they stay in UTC.
    """
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        at.isoformat(timespec="seconds"),
        f"{at:%d %b %Y, %H:%M:%S} UTC",
        SafeString(" data-clock") if clock else "",
        f"{at:%H:%M:%S} UTC" if clock else roughly(at),
    )


def roughly(at: datetime) -> str:
    """naturaltime's larger unit alone: "2 days ago" of "2 days, 5 hours ago"."""
    larger, comma, _ = naturaltime(at).partition(",")
    return f"{larger} ago" if comma else larger


@register.simple_tag
def took(start: datetime | None, end: datetime | None = None) -> str:
    """How long from `start` to `end`, or until now: "0.8 s", "2 min 5 s", "1 h 3 min"."""
    if start is None:
        return ""
    return duration(max((end or now()) - start, timedelta()))


def duration(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
