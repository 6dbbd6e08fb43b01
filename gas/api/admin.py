"""Admin pages of the API: who has which tokens. Staff revoke a token that has leaked."""

from typing import Any

from allauth.idp.oidc.models import Client, Token
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gas.api import tokens
from gas.api.models import AccessToken
from gas.staff.admin_rows import GoesWithItsOwner
from gas.staff.audit import Audited
from gas.users.requests import PersonRequest

# Programs that sign in are made by migrations; allauth's own pages could add one for anybody.
for _model in (Client, Token):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(AccessToken)
class AccessTokenAdmin(GoesWithItsOwner, Audited, admin.ModelAdmin):
    """Personal tokens, which staff can see and revoke."""

    list_display = ("name", "hint", "owner", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("owner",)
    search_fields = ("hint", "owner__email")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Revoke these tokens")
    def revoke(self, request: PersonRequest, rows: QuerySet[AccessToken]) -> None:
        done = sum(tokens.revoke(row, actor=request.user) for row in rows)
        self.message_user(request, f"{done} tokens are revoked.")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("users.view_user") or request.user.has_perm("users.change_user")
