"""A person's shares for their download."""

from collections.abc import Iterator

from gas.sharing.models import Share
from gas.users.export import as_json
from gas.users.models import User
from gas.users.registry import File, export_providers

FIELDS = ("id", "job_id", "label", "downloads", "created_at", "expires_at", "revoked_at", "opens", "last_opened_at")


def register() -> None:
    """Called once, when Django starts."""
    export_providers.append(export)


def export(user: User) -> Iterator[File]:
    """shares.json: what the person shares, without secrets."""
    yield "shares.json", [as_json(list(Share.objects.filter(job__owner=user).values(*FIELDS)))]
