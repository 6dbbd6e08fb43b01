"""The staff's view of large exports: which there are, and why some failed."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gas.explorer import large_exports
from gas.explorer.models import VariantExport
from gas.jobs.sizes import in_words
from gas.jobs.staff.acting import Acting
from gas.staff.admin_rows import GoesWithItsOwner
from gas.staff.audit import Audited


@admin.register(VariantExport)
class VariantExportAdmin(Audited, GoesWithItsOwner, Acting, admin.ModelAdmin):
    """Large exports, with the actions try again and remove, which takes the file as well."""

    list_display = ("id", "owner", "job", "format", "state", "rows", "bytes", "tries", "asked_at", "expires_at")
    list_filter = ("state", "format", "asked_at")
    list_select_related = ("owner", "job")
    search_fields = ("id", "owner__email", "job__id", "job__name")
    exclude = ("lease_token", "query", "described")
    actions = ("try_again", "remove")

    @admin.display(description="size", ordering="size")
    def bytes(self, export: VariantExport) -> str:
        return in_words(export.size) if export.size is not None else ""

    @admin.action(description="Make the selected exports again, if failed", permissions=["act"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[VariantExport]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = large_exports.try_again(VariantExport.objects.filter(pk__in=chosen))
        self.message_user(request, f"{done} of {len(chosen)} exports are to be made again.")

    @admin.action(description="Remove the selected exports with their files", permissions=["act"])
    def remove(self, request: HttpRequest, queryset: QuerySet[VariantExport]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        done = large_exports.discard(VariantExport.objects.filter(pk__in=chosen))
        self.message_user(request, f"{done} of {len(chosen)} exports are removed.")
