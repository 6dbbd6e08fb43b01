"""Send mail without raising: what the mail service does not accept now is stored, and tried again by beat."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import Error
from django.db.models import F
from django.utils import timezone

from gas.aws.mailerrors import is_outage, is_refused_for_good
from gas.mail.models import OwedMail

log = logging.getLogger(__name__)

#: How long an owed mail is tried, unless its sender says otherwise.
KEEP = timedelta(days=1)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60, 900
#: After this many failures within DOWN_SECONDS the service counts as down: further mails are stored at once.
DOWN_FAILURES, DOWN_SECONDS = 3, 60
#: Owed mails that one round tries at most.
BATCH = 200


def deliver(message: EmailMessage, *, keep: timedelta = KEEP) -> bool:
    """Send the message, or owe it to each of its recipients.

    Args:
        keep: after this time the mail is of no use, and given up.

    Returns:
        False if the mail is owed. True if it was sent, or dropped because the mail service refuses it for good.
    """
    failed_at = None
    if not is_down():
        try:
            message.send()
        except Exception as error:
            if is_refused_for_good(error):
                log.exception("a mail is dropped: the mail service refuses it")
                return True
            log.exception("a mail is owed: the mail service did not take it")
            failed_at = timezone.now() if is_outage(error) else None
        else:
            return True
    owe(message, keep=keep, failed_at=failed_at)
    return False


def owe(message: EmailMessage, *, keep: timedelta = KEEP, failed_at: datetime | None = None) -> None:
    """Store the message for the next round of beat, once per recipient.

    Args:
        keep: as for `deliver`.
        failed_at: when the mail service failed to take it; None if it was not asked or does work.
    """
    html = next((str(part[0]) for part in getattr(message, "alternatives", ()) if part[1] == "text/html"), "")
    OwedMail.objects.bulk_create(
        OwedMail(
            to=to,
            sender=message.from_email or settings.DEFAULT_FROM_EMAIL,
            subject=str(message.subject)[:400],
            text=str(message.body),
            html=html,
            failed_at=failed_at,
            expires_at=timezone.now() + keep,
        )
        for to in message.to
    )


def is_down() -> bool:
    """Return whether the mail service has just failed repeatedly. A try may take 25 s (gas.aws.mail)."""
    since = timezone.now() - timedelta(seconds=DOWN_SECONDS)
    try:
        return OwedMail.objects.filter(failed_at__gt=since).count() >= DOWN_FAILURES
    except Error:  # unknown without the database: an alert about that must be sent anyway
        return False


def send_owed() -> int:
    """One round: try the mails that are due until the mail service is down. Returns how many were sent.

    While the service is known to be down, one mail is tried to find out whether it is up again.
    """
    sent, failures = 0, DOWN_FAILURES - 1 if is_down() else 0
    for mail in OwedMail.objects.filter(due_at__lte=timezone.now()).order_by("due_at")[:BATCH]:
        if failures == DOWN_FAILURES:
            break
        if not _claim(mail):
            continue
        if mail.expires_at <= timezone.now():
            log.error("mail %s is given up after %d tries", mail.pk, mail.tries)
            mail.delete()
            continue
        try:
            _message(mail).send()
        except Exception as error:
            if is_refused_for_good(error):
                log.exception("mail %s is dropped: the mail service refuses it", mail.pk)
                mail.delete()
                continue
            log.warning("mail %s, try %d, failed", mail.pk, mail.tries + 1, exc_info=True)
            if is_outage(error):
                OwedMail.objects.filter(pk=mail.pk).update(failed_at=timezone.now())
                failures += 1
        else:
            mail.delete()
            sent += 1
    return sent


def _claim(mail: OwedMail) -> bool:
    """Set the time of the next try, so that no other process makes this one."""
    pause = min(FIRST_PAUSE_SECONDS * 2 ** min(mail.tries, 10), LONGEST_PAUSE_SECONDS)
    due: datetime = timezone.now() + timedelta(seconds=pause)
    mine = OwedMail.objects.filter(pk=mail.pk, due_at=mail.due_at)
    return bool(mine.update(due_at=due, tries=F("tries") + 1))


def _message(mail: OwedMail) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(mail.subject, mail.text, mail.sender, [mail.to])
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def forget(addresses: set[str]) -> None:
    """Delete owed mails to these addresses, which are in lower case."""
    owed = OwedMail.objects.values_list("pk", "to")
    OwedMail.objects.filter(pk__in=[pk for pk, to in owed if to.lower() in addresses]).delete()
