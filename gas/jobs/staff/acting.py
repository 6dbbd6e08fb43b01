"""Mixin and helper of the admin pages with actions: who may act, and who acts."""

from typing import Any

from django.contrib.auth import get_permission_codename
from django.http import HttpRequest

from gas.staff.admin_rows import Written
from gas.users.models import User


class Acting(Written):
    """The permission "view" allows to look and "change" allows actions, although no field can be edited."""

    def has_act_permission(self, request: HttpRequest) -> bool:
        options: Any = self.opts  # type: ignore[attr-defined]
        return request.user.has_perm(f"{options.app_label}.{get_permission_codename('change', options)}")


def staff_of(request: HttpRequest) -> User:
    """Return the member of staff who acts."""
    assert isinstance(request.user, User)  # noqa: S101  (admin lets nobody else in)
    return request.user
