"""Mails to a job's owner: one for each end of a job.

A notice is claimed before it is sent and marked after. If the process dies in the milliseconds between SES taking
the mail and the mark, the mail is sent once more: for its reader, twice is better than never.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from gas.jobs.models import Notice

#: A claim that is older than this belongs to a worker that is gone.
CLAIM_SECONDS = 300
MAX_TRIES = 8


def send(notice_id: int) -> None:
    """Send the mail, unless it was sent or somebody else is sending it."""
    now = timezone.now()
    if not owed(now).filter(pk=notice_id).update(claimed_at=now, tries=F("tries") + 1):
        return
    notice = Notice.objects.select_related("job", "job__owner").get(pk=notice_id)
    try:
        compose(notice).send()
    except Exception:
        # Unclaimed at once, so that the sweep need not wait for the claim to grow old.
        Notice.objects.filter(pk=notice_id).update(claimed_at=None)
        raise
    Notice.objects.filter(pk=notice_id).update(sent_at=timezone.now())
    notice.job.events.create(message="Mail sent to the owner.")


def owed(now: datetime) -> QuerySet[Notice]:
    """Notices that nobody has sent, is sending, or has given up on."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - timedelta(seconds=CLAIM_SECONDS))
    return Notice.objects.filter(free, sent_at=None, tries__lt=MAX_TRIES)


def compose(notice: Notice) -> EmailMultiAlternatives:
    job = notice.job
    context = {
        "job": job,
        "url": settings.SITE_URL + job.get_absolute_url(),
        "summary": job.summary,
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
    }
    template = f"jobs/mail/{notice.kind}"
    subject = " ".join(render_to_string(f"{template}.subject.txt", context).split())
    mail = EmailMultiAlternatives(subject, render_to_string(f"{template}.txt", context), to=[job.owner.email])
    mail.attach_alternative(render_to_string(f"{template}.html", context), "text/html")
    return mail
