"""Admin pages of people."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from gas.users.deletion import delete_account
from gas.users.models import User

# allauth's own pages could confirm an address, show the key of a second factor, or link an account of a provider.
for _model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

#: Fields that give power over the service; only superusers may set them.
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class WayIn(admin.TabularInline):
    """A read-only part of the person's page."""

    extra = max_num = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(self.fields or ())  # type: ignore[arg-type]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AddressInline(WayIn):
    """The e-mail addresses of a person."""

    model = EmailAddress
    fields = ("email", "verified", "primary")


class FactorInline(WayIn):
    """The second factors of a person. Staff who may change the person can remove a lost one."""

    model = Authenticator
    fields = ("type", "created_at", "last_used_at")
    can_delete = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("users.change_user") and _may_touch(request, obj)


class LinkedInline(WayIn):
    """The linked accounts of a person, such as Globus."""

    model = SocialAccount
    fields = ("provider", "uid", "date_joined", "last_login")


class SessionInline(WayIn):
    """The open sessions of a person."""

    model = UserSession
    fields = ("ip", "user_agent", "created_at", "last_seen_at")


WAYS_IN: tuple[type[WayIn], ...] = (AddressInline, FactorInline, LinkedInline, SessionInline)


def _may_touch(request: HttpRequest, person: User | None) -> bool:
    """Return whether staff may change a person. Only superusers may change staff, whose password gives their rights."""
    return request.user.is_superuser or not (person and (person.is_staff or person.is_superuser))


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """People, with everything that belongs to their account."""

    ordering = ("email",)
    list_display = ("email", "name", "institution", "plan", "is_staff", "is_active", "date_joined")
    list_filter = ("plan", "is_staff", "is_active", "date_joined")
    search_fields = ("email", "name", "institution")
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "institution", "time_zone")}),
        ("Mail", {"fields": ("mail_completed", "mail_failed", "mail_restored", "mail_details")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *RIGHTS)

    def get_inline_instances(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        own = [inline(self.model, self.admin_site) for inline in WAYS_IN] if obj else []
        return [*super().get_inline_instances(request, obj), *own]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        delete_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            delete_account(user)
