"""Sharing as a Django app."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    """Let visitors of links see the pages of a job, and have shares in people's downloads."""

    name = "gas.sharing"
    label = "sharing"

    def ready(self) -> None:
        from gas.jobs.pages.access import visit_rules  # noqa: PLC0415  (models must be loaded)
        from gas.sharing import links, personal  # noqa: PLC0415

        visit_rules.append(links.visit)
        personal.register()
