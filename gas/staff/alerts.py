"""Alerts for staff: an error in the log, and a mail to ALERT_EMAILS.

Staff get at most one mail about each kind of problem in ALERT_PERIOD_SECONDS. The next mail has the number of further
occurrences. A row for each kind keeps the count across all processes.
"""

import logging
import re
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import Error, transaction
from django.utils import timezone
from django.utils.timesince import timesince

from gas.mail.models import Trouble
from gas.mail.outbox import deliver

log = logging.getLogger(__name__)

#: Parts that differ between two reports of the same problem: ids, numbers, addresses.
_PARTICULARS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<!\S)[^\s@]++@\S++|[“\"'][^“”\"']*+[”\"']|\d++(?:[.,:]\d++)*")
#: When this process last sent an alert of each kind while the database did not answer.
_told_without_database: dict[str, float] = {}


def alert(subject: str, advice: str, *, kind: str = "") -> None:
    """Alert staff, at once or with the next mail about this kind of problem. Never raises.

    Args:
        subject: what happened, in a sentence without its period.
        advice: what to do.
        kind: alerts of one kind are sent together; default: the subject without ids and numbers.
    """
    log.error("%s. %s", subject, advice)
    if not settings.ADMINS:
        return
    kind = (kind or kind_of(subject))[:200]
    try:
        held = _count(kind, subject, advice)
    except Error:
        log.exception("alerts cannot be counted")
        held = _count_without_database(kind)
    if held is None:
        return
    try:
        _mail(subject, advice, held)
    except Exception:
        log.exception("the alert could not be mailed")


def alert_after_commit(subject: str, advice: str, *, kind: str = "") -> None:
    """Send the alert after the transaction commits."""
    transaction.on_commit(lambda: alert(subject, advice, kind=kind), robust=True)


def kind_of(subject: str) -> str:
    """Return the subject without ids and numbers: alerts of one kind share it."""
    return _PARTICULARS.sub("…", subject)


def mail_held() -> int:
    """Send mails about problems held back in periods that are over, and delete kinds that did not happen again.

    Called by beat. Returns the number of mails.
    """
    over = timezone.now() - _period()
    Trouble.objects.filter(mailed_at__lte=over, held=0).delete()
    count = 0
    for row in Trouble.objects.filter(mailed_at__lte=over):
        mine = Trouble.objects.filter(pk=row.pk, mailed_at=row.mailed_at, held=row.held)
        if mine.update(mailed_at=timezone.now(), held=0):
            _mail(row.subject, row.advice, row.held - 1)  # the mail itself is the latest
            count += 1
    return count


def _count(kind: str, subject: str, advice: str) -> int | None:
    """Count an occurrence. Returns the number since the last mail, or None if no mail is due."""
    now = timezone.now()
    with transaction.atomic():
        row, is_new = Trouble.objects.select_for_update().get_or_create(
            kind=kind, defaults={"mailed_at": now, "subject": subject[:400], "advice": advice}
        )
        if is_new:
            return 0
        held = row.held
        is_due = row.mailed_at <= now - _period()
        row.held = 0 if is_due else held + 1
        row.mailed_at = now if is_due else row.mailed_at
        row.subject, row.advice = subject[:400], advice
        row.save()
    return held if is_due else None


def _count_without_database(kind: str) -> int | None:
    """Count an alert in this process alone; see `_count`."""
    now = time.monotonic()
    told = _told_without_database.get(kind)
    if told is not None and now - told < _period().total_seconds():
        return None
    _told_without_database[kind] = now
    return 0


def _mail(subject: str, advice: str, held: int) -> None:
    more = f"The same kind of trouble happened {held} more times since the last mail about it.\n\n" if held > 0 else ""
    since = datetime.now().astimezone(timezone.get_default_timezone())
    period = timesince(since - _period(), since).replace("\xa0", " ")
    until = f"Further ones within {period} are counted, and told in one mail."
    text = f"{subject}.\n\n{advice}\n\n{more}{since:%Y-%m-%d %H:%M} {settings.TIME_ZONE}. {until}\n"
    title = f"{settings.EMAIL_SUBJECT_PREFIX}{subject}" + (f" (and {held} more)" if held > 0 else "")
    deliver(
        EmailMessage(" ".join(title.split()), text, settings.SERVER_EMAIL, [address for _, address in settings.ADMINS])
    )


def _period() -> timedelta:
    return timedelta(seconds=settings.ALERT_PERIOD_SECONDS)
