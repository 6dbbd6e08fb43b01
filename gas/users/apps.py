from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "gas.users"
    label = "users"
