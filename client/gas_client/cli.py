"""The command `gas`: its options, its commands, and what its exit codes mean."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from gas_client import __version__, job_commands, result_commands, screen, sign_in_commands, submit_command
from gas_client.errors import Failed
from gas_client.session import Session, session_of

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done, 1 a job failed or the service refused, 2 usage, 3 not allowed, 4 unreachable.",
)
for commands in (sign_in_commands, submit_command, job_commands, result_commands):
    commands.add_to(app)


def _print_version(asked: bool) -> None:
    if asked:
        screen.line(f"gas-client {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    *,
    profile: Annotated[str | None, typer.Option(help="Name of the profile; or GAS_PROFILE.")] = None,
    server: Annotated[str | None, typer.Option(help="Address of the service; or GAS_SERVER.")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Annotate VCF files with a Genomics Annotation Service."""
    session = session_of(context)
    session.profile, session.server = profile, server


@app.command()
def completion(
    shell: Annotated[str, typer.Argument(help="bash, zsh or fish; the present one by default.")] = "",
) -> None:
    """Print what makes a shell complete commands: eval "$(gas completion bash)"."""
    shell = shell or Path(os.environ.get("SHELL", "bash")).name
    if shell not in {"bash", "zsh", "fish"}:
        raise typer.BadParameter(f"There is no completion for {shell}: choose bash, zsh or fish.")
    os.environ["_GAS_COMPLETE"] = f"source_{shell}"  # what Typer's own scripts are asked for with
    try:
        app([], prog_name="gas")
    finally:
        del os.environ["_GAS_COMPLETE"]


def main(
    arguments: Sequence[str] | None = None,
    transport: httpx2.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: after the name of the command; those of the process by default.
        transport: carries the requests; the network by default.
        sleep: waits that many seconds.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(arguments, prog_name="gas", obj=Session(transport, sleep))
    except Failed as failed:
        screen.error(failed, as_json="--json" in arguments)
        return failed.code
    except KeyboardInterrupt:
        return 130
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    return 0


def run() -> None:
    """Run the command as the process's own."""
    sys.exit(main())
