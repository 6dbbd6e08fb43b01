"""Admin pages of people with their plan: the state at Stripe, the history of plans, and grants of Premium."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from djstripe.models import Event

from gas.staff.admin_rows import GoesWithItsOwner, NeverDeleted, ShownIfThere
from gas.staff.audit import Audited, log_action, logs_itself
from gas.subscriptions import mirror_admin  # noqa: F401  (registers dj-stripe's tables)
from gas.subscriptions.addresses import address_changed
from gas.subscriptions.following import want
from gas.subscriptions.grants import grant_premium, revoke_grants
from gas.subscriptions.models import Billing, CustomerRemoval, Grant, PlanChange
from gas.subscriptions.stripe import dashboard_url
from gas.users.admin import UserAdmin
from gas.users.locks import lock_people
from gas.users.models import User
from gas.users.registry import usage_providers

EVENTS_SHOWN = 15


@admin.register(PlanChange)
class PlanChangeAdmin(GoesWithItsOwner, admin.ModelAdmin):
    """The history of plans, read-only."""

    list_display = ("at", "user", "from_plan", "to_plan", "actor", "reason")
    list_filter = ("to_plan", "at")
    search_fields = ("user__email", "reason")
    list_select_related = ("user", "actor")


@admin.register(Grant)
class GrantAdmin(GoesWithItsOwner, admin.ModelAdmin):
    """Grants are given and revoked in the list of people."""

    list_display = ("user", "until", "reason", "actor", "created_at", "ended_at", "revoked_by")
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "until")
    search_fields = ("user__email", "reason")
    list_select_related = ("user", "actor", "revoked_by")


@admin.register(Billing)
class BillingAdmin(Audited, GoesWithItsOwner, admin.ModelAdmin):
    """The last reading of each customer from Stripe."""

    list_display = ("user", "status", "period_end", "ends_at", "past_due_since", "read_at", "at_stripe")
    list_filter = ("status", ("ends_at", admin.EmptyFieldListFilter), ("past_due_since", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "customer_id", "subscription_id")
    list_select_related = ("user",)
    exclude = ("lease_token",)
    actions = ("read_again",)

    @admin.display(description="at Stripe")
    def at_stripe(self, billing: Billing) -> SafeString | str:
        return stripe_link(billing)

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("subscriptions.change_billing")

    @admin.action(description="Read the selected customers from Stripe again", permissions=["act"])
    def read_again(self, request: HttpRequest, queryset: QuerySet[Billing]) -> None:
        done = sum(want(billing.customer_id or "") for billing in queryset)
        self.message_user(request, f"{done} of {len(queryset)} customers are being read.")


@admin.register(CustomerRemoval)
class CustomerRemovalAdmin(NeverDeleted, admin.ModelAdmin):
    """Customers of deleted accounts, until Stripe has deleted them too."""

    list_display = ("customer_id", "created_at", "deleted_at")


class PlanChangeInline(NeverDeleted, admin.TabularInline):
    """The history of a person's plans."""

    model = PlanChange
    fk_name = "user"
    verbose_name_plural = "plan changes"
    fields = readonly_fields = ("at", "from_plan", "to_plan", "actor", "reason")


class GrantInline(NeverDeleted, admin.TabularInline):
    """The grants of Premium to a person."""

    model = Grant
    fk_name = "user"
    fields = readonly_fields = ("until", "reason", "actor", "created_at", "ended_at", "revoked_by")


class BillingInline(ShownIfThere, admin.StackedInline):
    """A person's subscription."""

    model = Billing
    verbose_name_plural = "Subscription"
    fields = readonly_fields = ("status", "period_end", "ends_at", "past_due_since", "read_at", "at_stripe", "events")

    @admin.display(description="at Stripe")
    def at_stripe(self, billing: Billing) -> SafeString | str:
        return stripe_link(billing)

    @admin.display(description="webhooks")
    def events(self, billing: Billing) -> SafeString | str:
        """Return links to the latest events of the customer."""
        found = Event.objects.filter(data__object__customer=billing.customer_id).order_by("-created")[:EVENTS_SHOWN]
        rows = (
            (reverse("admin:djstripe_event_change", args=[one.pk]), f"{one.created:%d %b %Y, %H:%M:%S} UTC", one.type)
            for one in found
        )
        return format_html_join(SafeString("<br>"), '<a href="{}">{}: {}</a>', rows) or "None yet."


def stripe_link(billing: Billing) -> SafeString | str:
    """Return a link to the customer in Stripe's dashboard, "" without a customer."""
    if not billing.customer_id:
        return ""
    return format_html('<a href="{}">{}</a>', dashboard_url(billing.customer_id), billing.customer_id)


class GrantForm(forms.Form):
    """The end and the reason of a grant of Premium."""

    until = forms.DateField(
        label="Until the end of", widget=forms.DateInput(attrs={"type": "date"}), help_text="The last day, in UTC."
    )
    reason = forms.CharField(max_length=200, help_text="For people who look at this later.")

    def clean_until(self) -> datetime:
        until = datetime.combine(self.cleaned_data["until"], time.max.replace(microsecond=0), UTC)
        if until <= timezone.now():
            raise forms.ValidationError("That day is over.")
        return until


def _chosen(people: QuerySet[User]) -> list[User]:
    # By primary key: the list may be filtered by the plan that the action changes.
    return list(User.objects.filter(pk__in=list(people.values_list("pk", flat=True))).order_by("email"))


def _staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  (admin lets nobody else in)
    return request.user


@contextmanager
def _locked(request: HttpRequest, people: QuerySet[User]) -> Iterator[list[User]]:
    """Yield the chosen people, in one transaction for all of them and for the audit log.

    All rows that the transaction touches are locked first.
    """
    with transaction.atomic():
        chosen = _chosen(people)
        there = lock_people(_staff(request).pk, *(one.pk for one in chosen))
        yield [one for one in chosen if one.pk in there]


@admin.action(description="Grant premium to the selected people…", permissions=["grant"])
@logs_itself
def grant(model_admin: "PersonAdmin", request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
    """Ask for end and reason, then grant Premium."""
    form = GrantForm(request.POST if "until" in request.POST else None)
    if not form.is_valid():
        values = {
            **model_admin.admin_site.each_context(request),
            "title": "Grant premium",
            "opts": model_admin.opts,
            "form": form,
            "people": _chosen(queryset),
            "checkbox": ACTION_CHECKBOX_NAME,
            "across": request.POST.get("select_across", "0"),
        }
        return render(request, "admin/subscriptions/grant.html", values)
    until, reason = form.cleaned_data["until"], form.cleaned_data["reason"]
    with _locked(request, queryset) as chosen:
        for person in chosen:
            grant_premium(person, until=until, reason=reason, actor=_staff(request))
        log_action(request, chosen, f"Granted premium until {until:%d %B %Y}: {reason}")
    many = "1 person" if len(chosen) == 1 else f"{len(chosen)} people"
    model_admin.message_user(request, f"{many} granted premium until {until:%d %B %Y}.", messages.SUCCESS)
    return None


@admin.action(description="Revoke the grants of the selected people", permissions=["revoke"])
@logs_itself
def revoke(model_admin: "PersonAdmin", request: HttpRequest, queryset: QuerySet[User]) -> None:
    """End the grants of the chosen people."""
    with _locked(request, queryset) as chosen:
        had = [person for person in chosen if revoke_grants(person, actor=_staff(request))]
        log_action(request, had, "Revoked the grant of premium")
    model_admin.message_user(request, f"{len(had)} of {len(chosen)} people had a grant, and have none now.")


# The package gas.users is below this one and does not import it.
admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(Audited, UserAdmin):
    """Accounts with their plan, which is changed by grants from the list or by Stripe."""

    actions = (grant, revoke)
    inlines = (BillingInline, GrantInline, PlanChangeInline)
    readonly_fields: ClassVar[Any] = (*UserAdmin.readonly_fields, "plan", "usage")
    fieldsets: ClassVar[Any] = (
        UserAdmin.fieldsets[0],
        (
            "Plan",
            {
                "fields": ("plan", "usage"),
                "description": "Follows the subscription, and grants, which are actions of the list of people.",
            },
        ),
        *UserAdmin.fieldsets[1:],
    )

    def has_grant_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("subscriptions.add_grant")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("subscriptions.change_grant")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            address_changed(obj)

    @admin.display
    def usage(self, person: User) -> SafeString:
        lines = (
            (line.label, line.value, f" ({line.detail})" if line.detail else "")
            for provider in usage_providers
            for line in provider(person)
        )
        return format_html_join(SafeString("<br>"), "{}: {}{}", lines)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()  # a new account has no history yet
