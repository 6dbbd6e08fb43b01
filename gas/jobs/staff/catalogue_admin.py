"""Admin pages of reference packs and sources of known variants: retire one, or reinstate it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format

from gas.jobs.catalogue import references, sources
from gas.jobs.models import (
    ReferencePack,
    VariantSource,
)
from gas.jobs.staff.acting import Acting, staff_of
from gas.staff.admin_rows import NeverDeleted
from gas.staff.audit import Audited
from gas.users.models import User


def _retired(at: datetime, by: User | None) -> str:
    """Return when a pack or source was retired, and by whom."""
    who = f" by {by}" if by else ""
    return f"Retired {date_format(at, 'j M Y')}{who}"


@admin.register(ReferencePack)
class ReferencePackAdmin(Audited, NeverDeleted, Acting, admin.ModelAdmin):
    """Reference packs. The command install_reference installs them; staff retire them here."""

    list_display = ("id", "title", "version", "offered", "installed_at", "published_at")
    list_filter = (("retired_at", admin.EmptyFieldListFilter), "organism")
    list_select_related = ("retired_by",)
    search_fields = ("id", "title", "organism")
    exclude = ("contigs",)
    actions = ("retire", "reinstate")

    @admin.display(ordering="retired_at")
    def offered(self, pack: ReferencePack) -> str:
        if pack.retired_at is None:
            return "Yes"
        return _retired(pack.retired_at, pack.retired_by)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        references.register_all()  # those that came with the service, or by hand
        return super().changelist_view(request, extra_context)

    @admin.action(description="Retire the selected packs: no new files", permissions=["act"])
    def retire(self, request: HttpRequest, queryset: QuerySet[ReferencePack]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = references.retire(chosen, actor=staff_of(request))
        self.message_user(request, f"{done} of {len(chosen)} packs are retired now. Their jobs stay as they are.")

    @admin.action(description="Offer the selected packs again", permissions=["act"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[ReferencePack]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = references.reinstate(chosen)
        self.message_user(request, f"{done} of {len(chosen)} packs are offered again.")


@admin.register(VariantSource)
class VariantSourceAdmin(Audited, NeverDeleted, Acting, admin.ModelAdmin):
    """Sources of known variants. The command install_source installs and publishes them; staff retire them here."""

    list_display = ("name", "reference", "title", "version", "used", "installed_at", "published_at")
    list_filter = (
        ("retired_at", admin.EmptyFieldListFilter),
        ("published_at", admin.EmptyFieldListFilter),
        "reference",
    )
    list_select_related = ("reference", "retired_by")
    search_fields = ("name", "title", "reference__id")
    actions = ("retire", "reinstate")

    @admin.display(ordering="retired_at")
    def used(self, source: VariantSource) -> str:
        if source.retired_at is not None:
            return _retired(source.retired_at, source.retired_by)
        return "Not published" if settings.REFERENCES_S3 and source.published_at is None else "Yes"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        sources.register_all()  # those that were installed by hand
        return super().changelist_view(request, extra_context)

    @admin.action(description="Retire the selected sources: not for new jobs", permissions=["act"])
    def retire(self, request: HttpRequest, queryset: QuerySet[VariantSource]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = sources.retire(chosen, actor=staff_of(request))
        self.message_user(request, f"{done} of {len(chosen)} sources are retired now. Results stay as they are.")

    @admin.action(description="Use the selected sources again", permissions=["act"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[VariantSource]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = sources.reinstate(chosen)
        self.message_user(request, f"{done} of {len(chosen)} sources are used again.")
