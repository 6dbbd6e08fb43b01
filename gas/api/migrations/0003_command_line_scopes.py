"""Take account:write from the command line: it neither changes webhooks nor revokes tokens."""

from django.db import migrations

CLIENT = "gas-cli"
SCOPES = ("jobs:read", "jobs:write", "results:read", "account:read")
BEFORE = (*SCOPES, "account:write")


def _set(apps, scopes):
    text = "\n".join(scopes)
    apps.get_model("allauth_idp_oidc", "Client").objects.filter(pk=CLIENT).update(scopes=text, default_scopes=text)


def narrow(apps, schema_editor):
    """Narrow the client, and end its sign-ins that have more: a refresh keeps the scopes of the first token."""
    _set(apps, SCOPES)
    apps.get_model("allauth_idp_oidc", "Token").objects.filter(client=CLIENT, scopes__contains="account:write").delete()


def widen(apps, schema_editor):
    _set(apps, BEFORE)


class Migration(migrations.Migration):
    dependencies = [("api", "0002_command_line")]

    operations = [migrations.RunPython(narrow, widen)]
