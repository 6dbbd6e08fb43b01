"""Rows that staff retire and reinstate: reference packs, and sources of known variants."""

from typing import TypeVar

from django.db.models import QuerySet
from django.utils import timezone

from gas.jobs.models import ReferencePack, VariantSource
from gas.users.models import User

Row = TypeVar("Row", ReferencePack, VariantSource)


def retire(rows: "QuerySet[Row]", *, actor: User | None = None) -> int:
    """Retire the rows. Returns how many were in use before."""
    return rows.filter(retired_at=None).update(retired_at=timezone.now(), retired_by=actor)


def reinstate(rows: "QuerySet[Row]") -> int:
    """Take retired rows into use again. Returns how many were retired before."""
    return rows.exclude(retired_at=None).update(retired_at=None, retired_by=None)
