"""Webhook endpoints and their deliveries, as programs see them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from gas.webhooks.events import Event
from gas.webhooks.models import URL_CHARACTERS, Attempt, Delivery, Endpoint

Address = Field(max_length=URL_CHARACTERS, description="An https address on the public internet.")
Events = Field(min_length=1, description="The types of events that are sent.")


class WebhookIn(Schema):
    """A new endpoint."""

    url: str = Address
    events: list[Event] = Events


class WebhookChange(Schema):
    """What is to change of an endpoint; what is left out stays."""

    url: str | None = Field(
        None, min_length=1, max_length=URL_CHARACTERS, description="An https address on the public internet."
    )
    events: list[Event] | None = Field(None, min_length=1, description="The types of events that are sent.")
    enabled: bool | None = Field(None, description="Whether events are sent.")


class WebhookOut(Schema):
    """An endpoint: an address to which events are sent."""

    id: UUID
    url: str
    events: list[Event] = Field(description="The types of events that are sent.")
    enabled: bool = Field(description="Whether events are sent.")
    disabled_at: datetime | None
    disabled_reason: str = Field(description="Why it is off; empty if it is on.")
    failing_since: datetime | None = Field(
        description="The first failure since the last success; null if there is none."
    )
    old_secret_until: datetime | None = Field(description="How long the secret before the present one is valid.")
    created_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookOut":
        """Make it of a row."""
        return cls(**_fields(endpoint))


class WebhookSecretOut(WebhookOut):
    """An endpoint with its new secret."""

    secret: str | None = Field(
        description="Signs the events. Shown this once: null when the answer is repeated by an Idempotency-Key."
    )

    @classmethod
    def with_secret(cls, endpoint: Endpoint, secret: str) -> "WebhookSecretOut":
        """Make it of a row."""
        return cls(**_fields(endpoint), secret=secret)


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "events": endpoint.events,
        "enabled": endpoint.disabled_at is None,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": endpoint.failing_since,
        "old_secret_until": endpoint.old_secret_until,
        "created_at": endpoint.created_at,
    }


class AttemptOut(Schema):
    """One request to an endpoint."""

    at: datetime
    http_status: int | None = Field(description="Null if there was no answer.")
    error: str = Field(description="Why it failed; empty if it did not.")
    milliseconds: int = Field(description="How long it took.")
    answer: str = Field(description="The beginning of the answer's body.")

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptOut":
        """Make it of a row."""
        return cls(
            at=attempt.at,
            http_status=attempt.http_status,
            error=attempt.error,
            milliseconds=attempt.milliseconds,
            answer=attempt.answer,
        )


class DeliveryOut(Schema):
    """An event for an endpoint."""

    id: UUID
    message_id: str = Field(description="The header webhook-id, the same in each attempt.")
    event: str
    job: UUID | None
    state: Literal["pending", "delivered", "failed"]
    created_at: datetime
    due_at: datetime | None = Field(description="When the next attempt is due; null if there is none.")
    delivered_at: datetime | None
    body: str = Field(description="The JSON that is sent.")
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """Make it of a row whose attempts are at hand."""
        return cls(
            id=delivery.pk,
            message_id=delivery.message_id,
            event=delivery.event,
            job=delivery.job,
            state=delivery.state,
            created_at=delivery.created_at,
            due_at=delivery.due_at,
            delivered_at=delivery.delivered_at,
            body=delivery.body,
            attempts=[AttemptOut.of(one) for one in delivery.attempts.all()],
        )
