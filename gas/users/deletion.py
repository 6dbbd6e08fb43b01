"""Delete an account and everything that belongs to it."""

import logging
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string

from gas.mail import outbox
from gas.staff.audit import own_actions
from gas.users.export_files import discard_of
from gas.users.models import User

log = logging.getLogger(__name__)

#: Functions of other packages, called in the transaction before any row is deleted, with the person's row locked. They
#: record objects outside the database and send tasks for them after the commit. If one raises, nothing is deleted.
before_deletion: list[Callable[[User], None]] = []

SUBJECT = "Your account is deleted"
NOBODY = "a deleted account"


def has_a_log(user: User) -> bool:
    """Return whether the person acted as staff: the log of that would be deleted with the account."""
    return LogEntry.objects.filter(user=user).exclude(pk__in=own_actions(user).values("pk")).exists()


def deletion_refusal(user: User) -> str:
    """Why the person cannot delete their account themselves, and what to do; "" if they can."""
    if user.is_staff:
        return "This is a staff account. Ask another member of staff to take its rights away first."
    if has_a_log(user):
        return (
            "You have worked here as staff, and the log of it, which is kept, would go with your account. "
            f"Write to {settings.SUPPORT_EMAIL}: we delete your data, and close the account."
        )
    return ""


def delete_account(user: User) -> None:
    """Delete the person and all their data, and send a last mail.

    Rows are deleted at once; objects and archives by tasks that are sent after the commit, and that the sweep repeats
    until nothing is left. Running work finds its row deleted, and ends.
    """
    with transaction.atomic():
        # Transactions that create rows of this person lock the person first, or wait here by the foreign key.
        locked = User.objects.select_for_update().filter(pk=user.pk).first()
        if locked is None:
            return
        for hook in before_deletion:
            hook(locked)
        email, emails, pk = locked.email, addresses_of(locked), str(locked.pk)
        forget_in_log(pk, emails)
        outbox.forget(emails)
        discard_of(locked)
        locked.delete()
        end_sessions(pk, emails)
        transaction.on_commit(lambda: say_farewell(email), robust=True)
    log.info("account %s is deleted", pk)


def addresses_of(user: User) -> set[str]:
    """Return the addresses of the account, in lower case, without those that it only claims and another account has."""
    own = {user.email.lower()}
    added = {email.lower() for email in EmailAddress.objects.filter(user=user).values_list("email", flat=True)} - own
    for email in added:
        others = Q(email__iexact=email) | Q(emailaddress__email=email, emailaddress__verified=True)
        if not User.objects.filter(others).exclude(pk=user.pk).exists():
            own.add(email)
    return own


def forget_in_log(pk: str, emails: set[str]) -> None:
    """Keep what staff did in the admin log, but remove the person's name."""
    about = Q(object_id=pk) | Q(change_message__contains=pk)
    LogEntry.objects.filter(about).update(object_id=None, object_repr=NOBODY, change_message="")
    for email in emails:
        # The query finds candidates: nn@lab.example is a part of ann@lab.example, too.
        named = re.compile(rf"(?<![\w.+-]){re.escape(email)}(?!\.?[\w-])", re.IGNORECASE)
        maybe = LogEntry.objects.filter(Q(object_repr__icontains=email) | Q(change_message__icontains=email))
        found = [
            entry
            for entry, *texts in maybe.values_list("pk", "object_repr", "change_message")
            if any(named.search(text) for text in texts)
        ]
        LogEntry.objects.filter(pk__in=found).update(object_id=None, object_repr=NOBODY, change_message="")


def end_sessions(pk: str, emails: set[str]) -> None:
    """Sign the person out everywhere, and delete unfinished sign-ins.

    The row of a session does not say whose it is, so all sessions are read. This may take a second, but is rare.
    """
    names = {pk, pk.replace("-", ""), *emails}  # allauth writes a UUID without its dashes
    theirs = [session.session_key for session in Session.objects.iterator() if _is_theirs(session, pk, names)]
    Session.objects.filter(session_key__in=theirs).delete()


def _is_theirs(session: Session, pk: str, names: set[str]) -> bool:
    data = session.get_decoded()
    signed_in: str | None = data.get(SESSION_KEY)
    return signed_in == pk if signed_in else not names.isdisjoint(_words(data))


def _words(value: Any) -> Iterator[str]:
    """Yield every string in a session's data, whole and in lower case."""
    if isinstance(value, str):
        yield value.lower()
    elif isinstance(value, dict):
        for item in chain.from_iterable(value.items()):
            yield from _words(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _words(item)


def say_farewell(email: str) -> None:
    """Send the last mail to the address, which is then deleted."""
    values = {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL, "support_email": settings.SUPPORT_EMAIL}
    outbox.deliver(EmailMessage(SUBJECT, render_to_string("users/mail/farewell.txt", values), to=[email]))
