"""Endpoints of people, the events that they are owed, and the log of what their receivers answered."""

import uuid
from typing import Any, Literal

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from gas import clock

#: Characters of an endpoint's address.
URL_CHARACTERS = 500


class Endpoint(models.Model):
    """An address of a person to which events are sent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=URL_CHARACTERS)
    events: "models.JSONField[Any, Any]" = models.JSONField(help_text="The types of events that are sent to it.")
    created_at = models.DateTimeField(default=timezone.now)

    # Encrypted, see gas.webhooks.signing.
    secret = models.TextField()
    old_secret = models.TextField(blank=True, help_text="The secret before the last rotation; empty if it has ended.")
    old_secret_until = models.DateTimeField(null=True)
    sealed_with = models.CharField(max_length=8, help_text="Which SECRET_KEY encrypted the secrets.")

    disabled_at = models.DateTimeField(null=True, help_text="When it was switched off; empty if it is on.")
    disabled_reason = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, help_text="The first failed attempt since the last good one.")

    claim = models.UUIDField(null=True, help_text="Of the worker that sends to it.")
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = (models.UniqueConstraint(fields=["owner", "url"], name="webhook_endpoint_once"),)

    def __str__(self) -> str:
        return f"endpoint {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("webhooks:detail", args=[self.pk])


class Delivery(models.Model):
    """An event for one endpoint. The row is written with the move that the event reports.

    It is pending while `due_at` is set, delivered if `delivered_at` is, and else it has failed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    job = models.UUIDField(null=True, help_text="The job's id; the job may be deleted.")
    body = models.TextField(help_text="The JSON that is sent, the same in each attempt.")
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True, default=clock.now, help_text="When the next attempt is due.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Failed attempts since the event or its replay.")
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="webhook_delivery_due"),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_delivery_log"),
            models.Index(fields=["created_at"], name="webhook_delivery_age"),
        )
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return self.message_id

    @property
    def message_id(self) -> str:
        """The `webhook-id`, by which a receiver recognizes an event that comes twice."""
        return f"msg_{self.pk.hex}"

    @property
    def state(self) -> Literal["pending", "delivered", "failed"]:
        """Whether it is still to be sent, was received, or is given up."""
        if self.due_at is not None:
            return "pending"
        return "delivered" if self.delivered_at is not None else "failed"


class Attempt(models.Model):
    """One request to an endpoint, and what came of it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(default=clock.now)
    http_status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; empty if there was no answer.")
    error = models.CharField(max_length=200, blank=True, help_text="Why the attempt failed.")
    milliseconds = models.PositiveIntegerField()
    answer = models.TextField(blank=True, help_text="The beginning of the answer's body.")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"attempt {self.pk}"
