"""The Django app: it brings management commands, and neither models nor pages."""

from django.apps import AppConfig


class DevstackConfig(AppConfig):
    name = "devstack"
