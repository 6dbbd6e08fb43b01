"""The staff's view of shares. Nobody sees a secret or its hash."""

from django.contrib import admin

from gas.sharing.models import Share
from gas.staff.admin_rows import GoesWithItsOwner


@admin.register(Share)
class ShareAdmin(GoesWithItsOwner, admin.ModelAdmin):
    """Shares of results, with how often each was opened."""

    list_display = ("id", "owner", "job_id", "downloads", "created_at", "expires_at", "revoked_at", "opens")
    list_filter = ("downloads", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("job__owner",)
    search_fields = ("id", "job__id", "job__owner__email")
    fields = ("id", "job_id", "downloads", "created_at", "expires_at", "revoked_at", "opens", "last_opened_at")
    view_on_site = False

    @admin.display(ordering="job__owner__email")
    def owner(self, share: Share) -> str:
        return share.job.owner.email
