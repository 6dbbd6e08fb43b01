"""Plans in the admin site: who changed whose, and the two actions that do so."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gas.subscriptions.changes import set_plan
from gas.subscriptions.models import PlanChange
from gas.users.admin import UserAdmin
from gas.users.models import PlanChoice, User


class Written:
    """Rows that `set_plan` writes, and nobody by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PlanChange)
class PlanChangeAdmin(Written, admin.ModelAdmin):
    list_display = ("at", "user", "from_plan", "to_plan", "actor", "reason")
    list_filter = ("to_plan", "at")
    search_fields = ("user__email", "reason")
    list_select_related = ("user", "actor")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # With its person it may go; Django asks here for that, too.
        name = (request.resolver_match.url_name if request.resolver_match else None) or ""
        return bool(name) and not name.startswith("subscriptions_planchange_")


class PlanChangeInline(Written, admin.TabularInline):
    model = PlanChange
    fk_name = "user"
    verbose_name_plural = "plan changes"
    fields = readonly_fields = ("at", "from_plan", "to_plan", "actor", "reason")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _give(plan: PlanChoice, request: HttpRequest, people: QuerySet[User], model_admin: UserAdmin) -> None:
    assert isinstance(request.user, User)  # noqa: S101  (admin lets nobody else in)
    # By number: the list may be filtered by the very plan that is about to change.
    chosen = list(User.objects.filter(pk__in=list(people.values_list("pk", flat=True))).order_by("email"))
    changed = sum(set_plan(person, plan, actor=request.user, reason="by staff") for person in chosen)
    model_admin.message_user(request, f"{changed} of {len(chosen)} people changed to {plan.label}.")


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
    """Accounts with their plan, which actions of the list change."""

    actions = (make_premium, make_free)
    inlines = (PlanChangeInline,)
    readonly_fields: ClassVar[Any] = (*UserAdmin.readonly_fields, "plan")
    fieldsets: ClassVar[Any] = (
        UserAdmin.fieldsets[0],
        ("Plan", {"fields": ("plan",), "description": "Changed by the actions above the list of people."}),
        *UserAdmin.fieldsets[1:],
    )

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()  # a new account has no history yet
