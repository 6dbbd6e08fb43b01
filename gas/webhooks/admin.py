"""The staff's view of webhooks. Nobody sees a secret, nor more of an address than its host."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gas.jobs.staff.acting import Acting
from gas.staff.admin_rows import GoesWithItsOwner, NeverDeleted
from gas.staff.audit import Audited
from gas.webhooks import endpoints
from gas.webhooks.models import Attempt, Delivery, Endpoint


@admin.register(Endpoint)
class EndpointAdmin(Audited, GoesWithItsOwner, Acting, admin.ModelAdmin):
    """Endpoints, with the action to switch them off."""

    list_display = ("id", "owner", "host", "created_at", "failing_since", "disabled_at", "disabled_reason")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter), ("failing_since", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("id", "owner__email")
    fields = (
        "owner",
        "host",
        "events",
        "created_at",
        "old_secret_until",
        "failing_since",
        "disabled_at",
        "disabled_reason",
        "claimed_until",
    )
    readonly_fields = ("host",)
    actions = ("switch_off",)
    view_on_site = False  # the page is for its owner alone

    @admin.display
    def host(self, endpoint: Endpoint) -> str:
        return endpoints.host_of(endpoint)

    @admin.action(description="Switch off the selected endpoints, and mail their owners", permissions=["act"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        chosen = list(queryset)
        for endpoint in chosen:
            endpoints.switch_off(endpoint, "Switched off by staff.", tell_owner=True)
        self.message_user(request, f"{len(chosen)} endpoints are off.")


class AttemptInline(NeverDeleted, admin.TabularInline):
    """The attempts of a delivery, without the receiver's answers."""

    model = Attempt
    fields = readonly_fields = ("at", "http_status", "error", "milliseconds")


@admin.register(Delivery)
class DeliveryAdmin(GoesWithItsOwner, admin.ModelAdmin):
    """Events for endpoints, and what came of them."""

    list_display = ("id", "owner", "event", "state", "tries", "created_at", "due_at")
    list_filter = ("event", ("due_at", admin.EmptyFieldListFilter), ("delivered_at", admin.EmptyFieldListFilter))
    list_select_related = ("endpoint__owner",)
    search_fields = ("id", "job", "endpoint__id", "endpoint__owner__email")
    inlines = (AttemptInline,)

    @admin.display(ordering="endpoint__owner__email")
    def owner(self, delivery: Delivery) -> str:
        return delivery.endpoint.owner.email
