"""The explorer as a Django app."""

from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """Saved filters, stars and notes."""

    name = "gas.explorer"
    label = "explorer"
