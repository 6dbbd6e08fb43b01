"""A person's endpoints for their download, and at the end of their account."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from gas.users.deletion import NOBODY, before_deletion
from gas.users.export import as_json
from gas.users.models import User
from gas.users.registry import File, export_providers
from gas.webhooks.models import Attempt, Delivery, Endpoint

#: Rows per query.
PAGE = 200


def register() -> None:
    """Called once, when Django starts."""
    export_providers.append(export)
    before_deletion.append(forget_in_log)


def export(user: User) -> Iterator[File]:
    """webhooks.json: endpoints with what was sent to them, without their secrets."""
    endpoints = Endpoint.objects.filter(owner=user)
    yield "webhooks.json", [as_json([_described(endpoint) for endpoint in endpoints])]


def _described(endpoint: Endpoint) -> dict[str, Any]:
    deliveries = endpoint.deliveries.prefetch_related("attempts").iterator(PAGE)
    return {
        "url": endpoint.url,
        "events": endpoint.events,
        "created_at": endpoint.created_at,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
        "deliveries": [_delivery(delivery) for delivery in deliveries],
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    attempts = [_attempt(attempt) for attempt in delivery.attempts.all()]
    return {"id": delivery.message_id, "state": delivery.state, "body": delivery.body, "attempts": attempts}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {name: getattr(attempt, name) for name in ("at", "http_status", "error", "milliseconds", "answer")}


def forget_in_log(user: User) -> None:
    """Before the account's deletion: the admin's log keeps what staff did, and forgets to whose endpoint."""
    names = [str(pk) for pk in Endpoint.objects.filter(owner=user).values_list("pk", flat=True)]
    about = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Endpoint), object_id__in=names)
    about.update(object_id=None, object_repr=NOBODY, change_message="")
