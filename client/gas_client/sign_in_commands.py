"""gas login, logout and whoami."""

import getpass
import sys
from typing import Annotated

import typer

from gas_client import login, screen
from gas_client.errors import Exit, Failed
from gas_client.session import AsJson, session_of


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("login")(_login)
    app.command("logout")(_logout)
    app.command("whoami")(_whoami)


def _login(
    context: typer.Context,
    *,
    server: Annotated[str | None, typer.Option(help="Address of the service.")] = None,
    token: Annotated[
        str | None, typer.Option(help="A personal token of the profile page; - reads it from standard input.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign in: in the browser, or with a personal token."""
    session = session_of(context)
    session.server = server or session.server
    with session.api() as api:
        profile = api.profile
        if profile.store == "environment":
            raise Failed(Exit.USAGE, "GAS_TOKEN is set, and is used instead of any other token. Unset it to sign in.")
        if token is None and not screen.on_terminal():
            raise Failed(Exit.USAGE, "Without a terminal, sign in with --token - or set GAS_TOKEN.")
        secret = login.by_device(api) if token is None else {"access_token": _personal(token)}
        profile.secret = secret
        account = api.get("account")
        profile.save(secret)
        if as_json:
            screen.dump({"server": profile.server, "email": account["email"], "store": profile.store})
        else:
            screen.line(f"Signed in to {profile.server} as {account['email']}. The token is in the {profile.store}.")


def _personal(token: str) -> str:
    """Return the token, read from standard input if it is `-`."""
    if token != "-":  # noqa: S105 - where to read it
        return token
    text = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()
    return text.strip()


def _logout(context: typer.Context) -> None:
    """Sign out and forget the token."""
    with session_of(context).api() as api:
        if api.profile.store == "environment":
            raise Failed(Exit.USAGE, "The token is in GAS_TOKEN. Unset it to sign out.")
        personal = api.profile.secret and not api.profile.secret.get("refresh_token")
        login.sign_out(api)
        api.profile.forget()
    screen.line("Signed out.")
    if personal:
        screen.say("The personal token stays valid until it expires. Revoke it on the profile page.")


def _whoami(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show the account and its plan."""
    with session_of(context).api() as api:
        account = api.get("account")
        if as_json:
            screen.dump(account)
            return
        screen.line(f"{account['email']} at {api.profile.server}, {account['plan']['title']}")
        screen.line(f"The token is in the {api.profile.store} and allows {', '.join(account['scopes'])}.")
