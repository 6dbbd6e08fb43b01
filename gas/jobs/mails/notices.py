"""Mails about jobs: for each job that ends, each batch that was restored, and before results are archived again.

A notice is claimed before its mail is sent and marked as sent afterwards. If the process dies after SES accepted the
mail and before the mark, the mail is sent again: a second mail is better than none. While SES cannot be reached, the
mail is tried again with growing pauses for GIVE_UP_AFTER.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from annotator import bounds
from gas import clock
from gas.jobs import findings
from gas.jobs.models import Notice, ResultFile
from gas.jobs.notice_kinds import KINDS, TEMPLATE_ENDINGS, template
from gas.staff.alerts import alert
from gas.tasknames import SEND_NOTICE, send_after_commit

log = logging.getLogger(__name__)

#: An older claim belongs to a worker that has died: one try takes at most 25 s (gas.aws.mail).
CLAIM_SECONDS = 60
#: A mail is given up only when both are reached, so that three days of downtime alone do not end it.
GIVE_UP_AFTER, GIVE_UP_TRIES = timedelta(days=3), 20
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15, 900

#: Maximum number of findings listed in a mail, for people who want findings in mails.
MAILED_FINDINGS = 5


def send(notice_id: int) -> None:
    """Send the mail, unless it was sent, another worker is sending it, or it is no longer true."""
    now = clock.now()
    if not owed(now).filter(pk=notice_id).update(claimed_at=now, tries=F("tries") + 1):
        return
    mine = Notice.objects.filter(pk=notice_id, claimed_at=now)
    notice = mine.select_related("job", "owner").get()
    if not holds(notice):
        mine.delete()
        return
    preference = KINDS[Notice.Kind(notice.kind)].preference
    if preference and not getattr(notice.owner, preference):
        mine.delete()  # the owner does not want such mails
        return
    try:
        compose(notice).send()
    except Exception as error:
        try_later(notice, mine, error)
        return
    mine.update(sent_at=clock.now())
    if notice.job:
        with suppress(IntegrityError), transaction.atomic():  # the job may be deleted just now
            notice.job.events.create(message="Mail sent to the owner.")


def holds(notice: Notice) -> bool:
    """Return whether the notice still holds: its job may have been retried, or its owner may be premium again."""
    if notice.job:
        return notice.job.status == KINDS[Notice.Kind(notice.kind)].job_status
    if notice.kind == Notice.Kind.ARCHIVAL:
        due = datetime.fromisoformat(notice.facts["due"])
        return due < clock.now() or ResultFile.objects.filter(job__owner=notice.owner, archive_due_at=due).exists()
    return True


def try_later(notice: Notice, mine: QuerySet[Notice], error: Exception) -> None:
    """Release the notice, and schedule its next try after a pause that doubles each time."""
    pause = min(FIRST_PAUSE_SECONDS * 2 ** (notice.tries - 1), LONGEST_PAUSE_SECONDS)
    log.warning("notice %s, try %d, again in %d s: %r", notice.pk, notice.tries, pause, error)
    with transaction.atomic():
        if mine.update(claimed_at=None, due_at=clock.now() + timedelta(seconds=pause)):
            send_after_commit(SEND_NOTICE, notice.pk, countdown=pause)


def owed(now: datetime) -> QuerySet[Notice]:
    """Return the notices that are not sent, not being sent, and not given up."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - timedelta(seconds=CLAIM_SECONDS))
    return Notice.objects.filter(free, sent_at=None, given_up_at=None)


def give_up_old(now: datetime) -> None:
    """Give up notices that could not be sent for GIVE_UP_AFTER, and alert staff."""
    for notice in owed(now).filter(created_at__lt=now - GIVE_UP_AFTER, tries__gte=GIVE_UP_TRIES):
        alert(
            f"notice {notice.pk} is given up after {notice.tries} tries",
            "Once the mail service works again, send it from the list of notices in the admin.",
        )
        Notice.objects.filter(pk=notice.pk, sent_at=None).update(given_up_at=now)


def compose(notice: Notice) -> EmailMultiAlternatives:
    """Return the mail. It has the number of findings, and lists them only if the owner wants that in mails."""
    job = notice.job
    summary = job.summary if job else {}
    found = findings.of_summary(summary)
    rows = found.rows if found and notice.owner.mail_details else []
    context = {
        "job": job,
        "url": settings.SITE_URL + _path(notice),
        "summary": summary,
        "findings": found,
        "listed": rows[:MAILED_FINDINGS],
        "unlisted": len(rows[MAILED_FINDINGS:]) + (found.omitted if found else 0),
        "facts": notice.facts,
        "due": datetime.fromisoformat(notice.facts["due"]) if "due" in notice.facts else None,
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
    }
    subject, text, html = (render_to_string(template(notice.kind, ending), context) for ending in TEMPLATE_ENDINGS)
    mail = EmailMultiAlternatives(_printable(" ".join(subject.split())), _printable(text), to=[notice.owner.email])
    mail.attach_alternative(_printable(html), "text/html")
    return mail


def _path(notice: Notice) -> str:
    """Return the path of the page that the mail leads to."""
    if "path" in notice.facts:
        return str(notice.facts["path"])
    return notice.job.get_absolute_url() if notice.job else reverse("jobs:list")


def _printable(text: str) -> str:
    """Return lines without control characters, which a name in an old row may contain."""
    return "\n".join(map(bounds.printable, text.split("\n")))
