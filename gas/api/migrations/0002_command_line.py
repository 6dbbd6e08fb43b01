"""The program that `gas login` signs in: a public client of allauth's OpenID provider, by the device flow alone."""

from django.db import migrations

CLIENT = "gas-cli"
SCOPES = ("jobs:read", "jobs:write", "results:read", "account:read", "account:write")
GRANTS = ("urn:ietf:params:oauth:grant-type:device_code", "refresh_token")


def make(apps, schema_editor):
    apps.get_model("allauth_idp_oidc", "Client").objects.update_or_create(
        pk=CLIENT,
        defaults={
            "name": "GAS command line",
            "type": "public",
            "secret": "!",  # of no hasher: it has none
            "scopes": "\n".join(SCOPES),
            "default_scopes": "\n".join(SCOPES),
            "grant_types": "\n".join(GRANTS),
            "response_types": "",
        },
    )


def remove(apps, schema_editor):
    apps.get_model("allauth_idp_oidc", "Client").objects.filter(pk=CLIENT).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_initial"),
        ("allauth_idp_oidc", "0003_client_allow_uri_wildcards"),
    ]

    operations = [migrations.RunPython(make, remove)]
