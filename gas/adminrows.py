"""Rows that the service writes, in the admin site: staff look, and act through actions, which keep the rules."""

from typing import Any

from django.http import HttpRequest


class Written:
    """Added and changed by nobody by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NeverDeleted(Written):
    """An inline, too: nothing of it can be deleted on the page that shows it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GoesWithItsOwner(Written):
    """Deleted with the row that it belongs to, and not by itself. Django asks here for both."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        name = (request.resolver_match.url_name if request.resolver_match else None) or ""
        options = self.model._meta  # type: ignore[attr-defined]
        return bool(name) and not name.startswith(f"{options.app_label}_{options.model_name}_")
