"""The audit log: all actions of staff in the admin site, in Django's own LogEntry, which nobody can edit.

Django logs changes through its forms. The mixin here adds the actions of lists. Changes that people make to the
security of their own account are in the log too, as entries about the account by its owner.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.contrib.admin.actions import delete_selected
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.http import HttpRequest

Action = Callable[[Any, HttpRequest, QuerySet[Any]], Any]


def log_action(request: HttpRequest, rows: Sequence[Model], message: str) -> None:
    """Log that the signed-in member of staff did this to these rows."""
    who = request.user.pk
    assert who is not None  # noqa: S101  (admin lets nobody else in)
    LogEntry.objects.log_actions(user_id=who, queryset=rows, action_flag=CHANGE, change_message=message)


def log_own_action(user: AbstractBaseUser, message: str) -> None:
    """Log what a person did to the security of their own account, such as creating a token."""
    LogEntry.objects.log_actions(
        user_id=user.pk, queryset=[user], action_flag=CHANGE, change_message=message, single_object=True
    )


def own_actions(user: AbstractBaseUser) -> QuerySet[LogEntry]:
    """Return a person's entries about their own account. They are deleted with the account."""
    kind = ContentType.objects.get_for_model(user)
    return LogEntry.objects.filter(user_id=user.pk, content_type=kind, object_id=str(user.pk))


def logs_itself(action: Action) -> Action:
    """Mark an action that first shows a form, and itself calls `log_action` at the end."""
    action.logs_itself = True  # type: ignore[attr-defined]
    return action


class Audited:
    """Mixin for a ModelAdmin: log its actions, with their rows."""

    def get_actions(self, request: HttpRequest) -> Any:
        found = super().get_actions(request)  # type: ignore[misc]
        return {
            name: (action if _is_logged(action) else _logged(action, description), name, description)
            for name, (action, _, description) in found.items()
        }


def _is_logged(action: Action) -> bool:
    return action is delete_selected or getattr(action, "logs_itself", False)


def _logged(action: Action, description: str) -> Action:
    @wraps(action)
    def wrapped(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        rows = list(queryset)  # before the action, which may change what the list is filtered by
        answer = action(model_admin, request, queryset)
        log_action(request, rows, description % {"verbose_name_plural": model_admin.opts.verbose_name_plural})
        return answer

    return wrapped
