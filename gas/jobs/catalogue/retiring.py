"""Rows that staff retire, and take into use again: reference packs, and sources of known variants."""

from typing import TypeVar

from django.db.models import QuerySet
from django.utils import timezone

from gas.jobs.models import ReferencePack, VariantSource
from gas.users.models import User

Row = TypeVar("Row", ReferencePack, VariantSource)


def retire(rows: "QuerySet[Row]", *, actor: User | None = None) -> int:
    """Returns how many were in use until now."""
    return rows.filter(retired_at=None).update(retired_at=timezone.now(), retired_by=actor)


def reinstate(rows: "QuerySet[Row]") -> int:
    """Returns how many were retired until now."""
    return rows.exclude(retired_at=None).update(retired_at=None, retired_by=None)
