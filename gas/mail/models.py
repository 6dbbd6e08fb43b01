"""Mails to be sent, and the kinds of alerts that staff got. Not in the admin site, because mails may hold tokens."""

from django.db import models
from django.utils import timezone


class OwedMail(models.Model):
    """A mail that could not be sent yet. Its row is deleted when the mail is sent, or of no use any more."""

    to = models.CharField(max_length=320)
    sender = models.CharField(max_length=320)
    subject = models.CharField(max_length=400)
    text = models.TextField()
    html = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When it is tried again. Set before each try, so that of two senders only one sends.
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    # The last try that failed; None for a mail that nobody has tried.
    failed_at = models.DateTimeField(null=True, db_index=True)
    expires_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"mail {self.pk}"


class Trouble(models.Model):
    """A kind of problem that staff got a mail about, and what has happened since."""

    kind = models.CharField(max_length=200, unique=True)
    mailed_at = models.DateTimeField()
    # Number of occurrences since that mail, and the text of the latest.
    held = models.PositiveIntegerField(default=0)
    subject = models.CharField(max_length=400)
    advice = models.TextField()

    def __str__(self) -> str:
        return self.kind
