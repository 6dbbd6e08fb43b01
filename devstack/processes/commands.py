"""A process that runs management commands for a stack, each in a fork of one Django that is already loaded.

A command costs milliseconds this way; a `manage.py` of its own spends over a second of processor time on imports.
Run as `python -m devstack.processes.commands SOCKET`, in the environment of the stack.
"""

import io
import json
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer

import django
from django.core.management import execute_from_command_line

READY = "Commands are taken"


def run(socket_path: Path, arguments: Sequence[str]) -> tuple[int, str]:
    """Have a management command run.

    Args:
        socket_path: where the process listens.
        arguments: the name of the command and its options.

    Returns:
        The exit code, and what the command printed.

    Raises:
        OSError: the process does not answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path))
        with connection.makefile("rwb") as stream:
            stream.write(json.dumps(list(arguments)).encode() + b"\n")
            stream.flush()
            line = stream.readline()
    if not line:
        return 1, "The process ended without an answer."
    code, printed = json.loads(line)
    return int(code), str(printed)


class _Handler(StreamRequestHandler):
    def handle(self) -> None:
        arguments = json.loads(self.rfile.readline())
        self.wfile.write(json.dumps(_execute(arguments)).encode() + b"\n")


def _execute(arguments: list[str]) -> tuple[int, str]:
    """Run a command in this process. Returns its exit code and what it printed."""
    printed, code = io.StringIO(), 0
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            execute_from_command_line(["manage.py", *arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc(file=printed)
            code = 1
    return code, printed.getvalue()


class _Server(ForkingMixIn, UnixStreamServer):
    """The parent opens no connection to the database or to AWS, so that no two forks share one."""

    max_children = 100
    block_on_close = False


def main() -> None:
    django.setup()
    from gas.celery import app  # noqa: PLC0415  (it reads the settings)

    app.loader.import_default_modules()
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)  # of a process that was killed
    with _Server(str(path), _Handler) as server:
        print(READY, flush=True)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
