"""Mixins for admin pages of rows that the service writes: staff look at them, and change them by actions only."""

from typing import Any

from django.forms.models import _get_foreign_key
from django.http import HttpRequest


class Written:
    """Rows that nobody adds or changes by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NeverDeleted(Written):
    """Rows that cannot be deleted; in an inline, not on the page that shows it either."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ShownIfThere(NeverDeleted):
    """An inline that is left out if it has no row. For a single row Django would show an empty form."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None:
            key = _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)  # type: ignore[attr-defined]
            if not self.model._default_manager.filter(**{key.name: obj}).exists():  # type: ignore[attr-defined]
                return False
        allowed: bool = super().has_view_permission(request, obj)  # type: ignore[misc]
        return allowed


class GoesWithItsOwner(Written):
    """Rows that are deleted with the row that they belong to, and not alone. Django asks here for both."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        name = (request.resolver_match.url_name if request.resolver_match else None) or ""
        options = self.model._meta  # type: ignore[attr-defined]
        return bool(name) and not name.startswith(f"{options.app_label}_{options.model_name}_")
