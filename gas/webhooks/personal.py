"""A person's endpoints: in their download, when the ways into their account are closed, and at the account's end."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from gas.users.deletion import NOBODY, before_deletion
from gas.users.export import as_json
from gas.users.models import User
from gas.users.registry import File, export_providers, way_closers
from gas.webhooks.endpoints import switch_off
from gas.webhooks.models import Attempt, Delivery, Endpoint

#: Rows per query.
PAGE = 200


def register() -> None:
    """Called once, when Django starts."""
    export_providers.append(export)
    before_deletion.append(forget_in_log)
    way_closers.append(switch_all_off)


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


def switch_all_off(user: User) -> None:
    """When the ways into an account are closed: send nothing to endpoints that somebody else may have made."""
    for endpoint in Endpoint.objects.filter(owner=user, disabled_at=None):
        switch_off(endpoint, "The sign-ins of this account were closed. Check that the endpoint is yours.")


def forget_in_log(user: User) -> None:
    """Before the account's deletion: the admin's log keeps what staff did, and forgets to whose endpoint."""
    names = [str(pk) for pk in Endpoint.objects.filter(owner=user).values_list("pk", flat=True)]
    about = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Endpoint), object_id__in=names)
    about.update(object_id=None, object_repr=NOBODY, change_message="")
