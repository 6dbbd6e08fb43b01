"""The API as a Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Tokens, and answers to repeated requests."""

    name = "gas.api"
    label = "api"

    def ready(self) -> None:
        """Have tokens in a person's download, and revoked when the ways into an account are closed."""
        from gas.api import tokens  # noqa: PLC0415 - models are loaded by now
        from gas.users.registry import export_providers, way_closers  # noqa: PLC0415

        export_providers.append(tokens.export)
        way_closers.append(tokens.revoke_all)
