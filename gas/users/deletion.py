"""The end of an account: everything goes, whoever asks for it."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string

from gas.users.models import User

log = logging.getLogger(__name__)

#: Functions of the rooms above, called within the transaction and before any row goes, with the person's row locked.
#: What is not in this database they write down and send for after the commit. Who raises keeps the account as it is.
before_deletion: list[Callable[[User], None]] = []

SUBJECT = "Your account is deleted"
NOBODY = "a deleted account"


def delete_account(user: User) -> None:
    """Delete the person and all that is theirs, and say farewell by mail.

    Rows go at once; objects and archives by tasks that are sent after the commit, and that the sweep repeats until
    nothing is left. What is under way finds its row gone, and ends.
    """
    with transaction.atomic():
        # Everybody who makes something of this person's locks them first, or waits here by its foreign key.
        locked = User.objects.select_for_update().filter(pk=user.pk).first()
        if locked is None:
            return
        for hook in before_deletion:
            hook(locked)
        email, pk = locked.email, str(locked.pk)
        forget_in_log(pk, email)
        locked.delete()
        end_sessions(pk, email)
        transaction.on_commit(lambda: say_farewell(email), robust=True)
    log.info("account %s is deleted", pk)


def forget_in_log(pk: str, email: str) -> None:
    """What staff did stays in the admin's log; to whom is forgotten."""
    about = Q(object_id=pk) | Q(object_repr__icontains=email) | Q(change_message__icontains=email)
    about |= Q(change_message__contains=pk)
    LogEntry.objects.filter(about).update(object_id=None, object_repr=NOBODY, change_message="")


def end_sessions(pk: str, email: str) -> None:
    """Sign them out everywhere, and drop what a half-done sign-in has left.

    A session's row does not say whose it is, so all are read: a rare act may take a second.
    """
    names = (pk, pk.replace("-", ""), email)  # allauth writes a UUID without its dashes
    theirs = [
        session.session_key
        for session in Session.objects.iterator()
        if any(name in str(session.get_decoded()) for name in names)
    ]
    Session.objects.filter(session_key__in=theirs).delete()


def say_farewell(email: str) -> None:
    """The last mail to the address, after which it is forgotten."""
    values = {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL, "support_email": settings.SUPPORT_EMAIL}
    send_mail(SUBJECT, render_to_string("users/mail/farewell.txt", values), None, [email])
