"""Links: making, opening and revoking them, and the rule by which their visitors see a job."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from gas.jobs.models import Job
from gas.jobs.pages.access import Visit
from gas.jobs.states import JobStatus
from gas.rate_limits import RateLimit
from gas.sharing.models import Share
from gas.users.locks import lock_owner

#: Days that a link lasts unless the owner says otherwise.
USUAL_DAYS = 30
#: Shares of one job, revoked and expired ones included.
MOST = 50
#: The cookie of a visitor, and the seconds until the link must be opened again.
COOKIE, COOKIE_SECONDS = "gas_share", 12 * 3600
#: Links that do not exist which one client may try in ten minutes.
GUESSES = 20
_guesses = RateLimit("share_guesses", 600)


class ShareRefused(Exception):
    """The job cannot be shared. The text says why."""


def create(job: Job, *, label: str = "", days: int, downloads: bool) -> tuple[Share, str]:
    """Make a link that lasts `days`. Return it with its secret, which is stored as a hash alone.

    Raises:
        ShareRefused: the job has no result, or too many shares; or the time is longer than the service allows.
    """
    if not 1 <= days <= settings.SHARE_MAX_DAYS:
        raise ShareRefused(f"A link lasts from 1 to {settings.SHARE_MAX_DAYS} days.")
    with transaction.atomic():
        lock_owner(pk=job.owner_id)
        if job.status != JobStatus.COMPLETED:
            raise ShareRefused("Only a job that is completed can be shared.")
        if Share.objects.filter(job=job).count() >= MOST:
            raise ShareRefused(f"This result has {MOST} links, which is the maximum. Remove one first.")
        secret = secrets.token_urlsafe(32)
        expires_at = timezone.now() + timedelta(days=days)
        hashed = _hash(secret)
        share = Share.objects.create(
            job=job, label=label, secret_sha256=hashed, downloads=downloads, expires_at=expires_at
        )
    return share, secret


def address(secret: str) -> str:
    """Return the link with its secret."""
    return settings.SITE_URL + reverse("sharing:open", args=[secret])


def find(request: HttpRequest, secret: str) -> Share | None:
    """Return the share that a link opens; None if it opens none, or the client has tried too many that do not."""
    client = get_adapter(request).get_client_ip(request)
    if _guesses.is_used_up(client, GUESSES):
        return None
    share = _live().filter(secret_sha256=_hash(secret)).first()
    if share is None:
        _guesses.take(client, GUESSES)
    return share


def admit(share: Share, response: HttpResponse) -> None:
    """Count an opening, and give the browser the cookie with which it sees the job."""
    Share.objects.filter(pk=share.pk).update(opens=F("opens") + 1, last_opened_at=timezone.now())
    response.set_signed_cookie(
        COOKIE,
        str(share.pk),
        salt=_salt(share.job_id),
        max_age=COOKIE_SECONDS,
        path=reverse("jobs:detail", args=[share.job_id]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def visit(request: HttpRequest, job_id: UUID) -> Visit | None:
    """Return what the visitor's cookie lets them see of the job; None if they have none for it.

    Raises:
        Http404: the share has ended, and the visitor has no account by which the job could be theirs.
    """
    pk = request.get_signed_cookie(COOKIE, None, salt=_salt(job_id), max_age=COOKIE_SECONDS)
    if pk is None:
        return None
    share = _live().filter(pk=pk, job_id=job_id).first()
    if share is not None:
        return Visit(share.job, downloads=share.downloads)
    if request.user.is_authenticated:
        return None
    raise Http404


def _live() -> QuerySet[Share]:
    return Share.objects.select_related("job__owner").filter(
        revoked_at=None,
        expires_at__gt=timezone.now(),
        job__status=JobStatus.COMPLETED,
        job__owner__is_active=True,
    )


def _salt(job_id: UUID) -> str:
    """A cookie is for one job: the browser's limit of its path is not the only one."""
    return f"gas.sharing:{job_id}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
