"""Plans in the admin site: who changed whose, and the two actions that do so."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gas.subscriptions.changes import set_plan
from gas.subscriptions.models import PlanChange
from gas.users.admin import UserAdmin
from gas.users.models import PlanChoice, User


@admin.register(PlanChange)
class PlanChangeAdmin(admin.ModelAdmin):
    list_display = ("at", "user", "from_plan", "to_plan", "actor", "reason")
    list_filter = ("to_plan", "at")
    search_fields = ("user__email", "reason")
    list_select_related = ("user", "actor")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # With its person it may go; Django asks here for that, too.
        return request.resolver_match is not None and "planchange" not in (request.resolver_match.url_name or "")


def _give(plan: PlanChoice, request: HttpRequest, people: QuerySet[User], model_admin: UserAdmin) -> None:
    assert isinstance(request.user, User)  # noqa: S101  (admin lets nobody else in)
    changed = sum(set_plan(person, plan, actor=request.user, reason="by staff") for person in people)
    model_admin.message_user(request, f"{changed} of {len(people)} people changed to {plan.label}.")


@admin.action(description="Change the selected people to Premium", permissions=["change"])
def make_premium(model_admin: UserAdmin, request: HttpRequest, queryset: QuerySet[User]) -> None:
    _give(PlanChoice.PREMIUM, request, queryset, model_admin)


@admin.action(description="Change the selected people to Free", permissions=["change"])
def make_free(model_admin: UserAdmin, request: HttpRequest, queryset: QuerySet[User]) -> None:
    _give(PlanChoice.FREE, request, queryset, model_admin)


# The users' room is below this one and does not know of it.
admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):
    actions = (make_premium, make_free)
