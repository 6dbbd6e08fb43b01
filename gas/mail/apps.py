"""The Django app `mail`."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    """The app of mails that are waiting to be sent."""

    name = "gas.mail"
    label = "mail"
