from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "gas.mail"
    label = "mail"
