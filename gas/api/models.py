"""Tokens of programs, and the answers that a repeated request gets again."""

import uuid
from typing import Any, Literal

from django.conf import settings
from django.db import models
from django.utils import timezone

#: Characters of a token's name, and of an Idempotency-Key.
NAME_CHARACTERS = 100
KEY_CHARACTERS = 255


class AccessToken(models.Model):
    """A personal token. The token itself is shown once and not stored: the row has its SHA-256.

    A token that is revoked or expired keeps its row, so that its owner sees that it existed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=NAME_CHARACTERS, help_text="What it is for, in its owner's words.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, in hex.")
    hint = models.CharField(max_length=12, help_text="The first characters of the token, to recognize it by.")
    scopes: "models.JSONField[Any, Any]" = models.JSONField(default=list, help_text="What it allows.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=["owner", "-created_at"], name="token_of_owner"),)

    def __str__(self) -> str:
        return f"{self.hint}… “{self.name}”"

    @property
    def state(self) -> Literal["active", "revoked", "expired"]:
        """What it is now."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= timezone.now() else "active"


class IdempotentAnswer(models.Model):
    """The answer of a request that had an Idempotency-Key. Committed with what the request created."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=KEY_CHARACTERS)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request's method, path and body.")
    status = models.PositiveSmallIntegerField(default=0, help_text="0 while the request is being answered.")
    body: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["owner", "key"], name="answered_once"),)

    def __str__(self) -> str:
        return f"{self.key} of {self.owner_id}"
