"""The kinds of mails about jobs. To add a mail, add a member, its entry in `KINDS`, and its templates.

The texts of a mail are three templates: jobs/mail/<kind>.subject.txt, .txt and .html. The service does not start
while a part is missing: see `check`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from gas.jobs.states import JobStatus
from gas.users.models import User


class Kind(models.TextChoices):
    """The value is in the column `Notice.kind`, and in the names of the templates."""

    COMPLETED = "completed"
    FAILED = "failed"
    RESTORED = "restored"
    ARCHIVAL = "archival"
    EXPORT = "export"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class NoticeKind:
    """What the service must know of one kind of mail.

    Attributes:
        preference: the field of `User` that switches such mails off; "" for mails that are always sent.
        job_status: the status that the job must still have when the mail is sent; None for mails about no single job.
    """

    preference: str
    job_status: JobStatus | None = None


KINDS: Mapping[Kind, NoticeKind] = {
    Kind.COMPLETED: NoticeKind(preference="mail_completed", job_status=JobStatus.COMPLETED),
    Kind.FAILED: NoticeKind(preference="mail_failed", job_status=JobStatus.FAILED),
    Kind.RESTORED: NoticeKind(preference="mail_restored"),
    Kind.ARCHIVAL: NoticeKind(preference=""),
    Kind.EXPORT: NoticeKind(preference="mail_completed", job_status=JobStatus.COMPLETED),
    Kind.WEBHOOK: NoticeKind(preference=""),
}
TEMPLATE_ENDINGS = ("subject.txt", "txt", "html")


def choices() -> list[tuple[str, str]]:
    """Return the choices of `Notice.kind`. A function, so that a new kind needs no migration."""
    return Kind.choices


def template(kind: str, ending: str) -> str:
    """Return the name of a template of a kind; `ending` is one of TEMPLATE_ENDINGS."""
    return f"jobs/mail/{kind}.{ending}"


def check() -> None:
    """Check that every kind of mail is complete. Django calls it at start.

    Raises:
        ImproperlyConfigured: a kind has no entry in `KINDS`, a preference that is no field, or lacks a template.
    """
    for kind in Kind:
        if kind not in KINDS:
            raise ImproperlyConfigured(f"The mail {kind} has no entry in gas.jobs.notice_kinds.KINDS.")
        if preference := KINDS[kind].preference:
            try:
                User._meta.get_field(preference)
            except FieldDoesNotExist as error:
                raise ImproperlyConfigured(f"The mail {kind} names a preference that no user has.") from error
        for ending in TEMPLATE_ENDINGS:
            try:
                get_template(template(kind, ending))
            except TemplateDoesNotExist as error:
                raise ImproperlyConfigured(f"The mail {kind} has no template {template(kind, ending)}.") from error
