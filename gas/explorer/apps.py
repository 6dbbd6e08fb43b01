"""The explorer as a Django app."""

from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """Saved filters, stars and notes."""

    name = "gas.explorer"
    label = "explorer"

    def ready(self) -> None:
        """Have a person's marks and filters in their download."""
        from gas.explorer import marks  # noqa: PLC0415 - models are loaded by now
        from gas.users.registry import export_providers  # noqa: PLC0415

        export_providers.append(marks.export)
