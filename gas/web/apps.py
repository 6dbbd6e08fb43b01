"""The Django app of what all pages share."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Register the system checks of the whole site."""

    name = "gas.web"
    label = "gas_web"

    def ready(self) -> None:
        from gas import checks  # noqa: F401, PLC0415  (registers the system checks)
