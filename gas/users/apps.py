"""The Django app `users`."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Connect the receivers of accounts."""

    name = "gas.users"
    label = "users"

    def ready(self) -> None:
        from gas.users import receivers  # noqa: F401, PLC0415  (connects them)
