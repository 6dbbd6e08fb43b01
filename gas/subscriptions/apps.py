from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    name = "gas.subscriptions"
    label = "subscriptions"
