"""Webhooks as a Django app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Follow the moves and deletions of jobs; have endpoints in people's downloads, and forget them with accounts."""

    name = "gas.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from gas.jobs.moves import move_listeners  # noqa: PLC0415  (models must be loaded)
        from gas.webhooks import outbox, personal  # noqa: PLC0415

        move_listeners.append(outbox.record_move)
        personal.register()
