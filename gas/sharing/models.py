"""Shares of results."""

import uuid

from django.db import models
from django.utils import timezone

from gas.jobs.models import Job

#: Characters of what an owner calls a share.
LABEL_CHARACTERS = 80


class Share(models.Model):
    """A link to the result of a job. It goes with the job."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="shares")
    label = models.CharField(max_length=LABEL_CHARACTERS, blank=True, help_text="For the owner: whom the link is for.")
    secret_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    downloads = models.BooleanField(help_text="Whether files can be downloaded.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    opens = models.PositiveIntegerField(default=0, help_text="How often the link was opened.")
    last_opened_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"share {self.pk}"

    @property
    def state(self) -> str:
        """Return "active", "revoked" or "expired"."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at > timezone.now() else "expired"
