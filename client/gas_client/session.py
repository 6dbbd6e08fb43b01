"""What all commands share: options by the same names, and the service that they talk to."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from gas_client import profiles
from gas_client.api import Api

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(help="The id of a job.", show_default=False)]
JobIds = Annotated[list[str], typer.Argument(help="Ids of jobs.", show_default=False)]
Folder = Annotated[Path, typer.Option(help="The folder to save files in.")]


@dataclass
class Session:
    """One run of the command.

    Attributes:
        transport: carries the requests; the network by default.
        sleep: waits that many seconds.
        profile: name of the profile; None for the default one.
        server: address of the service; None for the profile's.
    """

    transport: httpx2.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    profile: str | None = None
    server: str | None = None

    def load_profile(self) -> profiles.Profile:
        """Return the profile that this run uses."""
        return profiles.load(self.profile, self.server)

    def api(self) -> Api:
        """Return the service that this run talks to."""
        return Api(self.load_profile(), self.transport, self.sleep)


def session_of(context: typer.Context) -> Session:
    """Return the run that a command belongs to."""
    found = context.find_object(Session)
    assert found is not None  # noqa: S101 - cli.main gives it
    return found
