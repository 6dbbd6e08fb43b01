"""Read-only admin pages for the tables of dj-stripe.

Its own pages could change things at Stripe, show keys, and register endpoints, so none of them is kept.
"""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest
from djstripe.models import Event, Subscription, WebhookEndpoint, WebhookEventTrigger


class LookedAt(admin.ModelAdmin):
    """Read-only rows."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


for _model in apps.get_app_config("djstripe").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(Event)
class EventAdmin(LookedAt):
    """Webhooks that were accepted: signed, and stored once each."""

    list_display = ("type", "customer_id", "created", "id")
    list_filter = ("type", "created")
    search_fields = ("id", "data__object__customer", "data__object__id")
    fields = ("id", "type", "created", "api_version", "request_id", "data", "djstripe_created")

    @admin.display(description="customer")
    def customer_id(self, event: Event) -> str:
        return str(event.data["object"].get("customer") or "")


@admin.register(WebhookEventTrigger)
class TriggerAdmin(LookedAt):
    """All requests to a webhook's URL, with the outcome of each."""

    list_display = ("created", "event", "valid", "processed", "exception", "remote_ip")
    list_filter = ("valid", "processed", "created")
    fields = ("created", "event", "valid", "processed", "exception", "traceback", "remote_ip", "webhook_endpoint")


@admin.register(Subscription)
class SubscriptionAdmin(LookedAt):
    """Subscriptions, as last read from Stripe."""

    list_display = ("id", "customer_id", "status", "created")
    search_fields = ("id", "customer__id")
    fields = ("id", "customer_id", "created", "livemode", "stripe_data")


@admin.register(WebhookEndpoint)
class EndpointAdmin(LookedAt):
    """Webhook endpoints, without their secrets."""

    list_display = ("url", "status", "api_version", "livemode")
    fields = ("id", "url", "status", "api_version", "enabled_events", "livemode")


@admin.register(LogEntry)
class AuditAdmin(LookedAt):
    """The audit log: who did what in this site, and when."""

    list_display = ("action_time", "user", "content_type", "object_repr", "what")
    list_filter = (
        "action_flag",
        ("user", admin.RelatedOnlyFieldListFilter),
        ("content_type", admin.RelatedOnlyFieldListFilter),
        "action_time",
    )
    search_fields = ("user__email", "object_repr", "change_message")
    date_hierarchy = "action_time"
    list_select_related = ("user", "content_type")
    fields = ("action_time", "user", "content_type", "object_id", "object_repr", "what")

    @admin.display(description="what was done")
    def what(self, entry: LogEntry) -> str:
        return entry.get_change_message() or entry.get_action_flag_display()
