"""bcftools at a tenth of the time to start: forked from one process that has loaded it already.

A test that annotates a thousand small files spends nearly all its time on starting three interpreters for each. Here
the launcher runs as it always does (its limits, its process group, its exit status), only that its interpreter is a
fork. Never for tests of how bcftools is started, limited or ended.
"""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import IO, Any
from unittest.mock import patch

from annotator import bcftools

SERVER = Path(__file__).with_name("warm_server.py")


@contextmanager
def warm_tools() -> Iterator[None]:
    """Every Tool that begins within the block is forked from one warm process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            server = subprocess.Popen(
                [sys.executable, "-I", "-B", str(SERVER), str(theirs.fileno()), str(bcftools.LAUNCHER)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        lock = Lock()

        def popen(arguments: Sequence[str], **options: Any) -> "Forked":
            return Forked(ours, lock, arguments, **options)

        try:
            with patch.object(bcftools, "subprocess", SimpleNamespace(Popen=popen, DEVNULL=subprocess.DEVNULL)):
                yield
        finally:
            ours.close()  # at which the server ends
            server.wait()


class Forked:
    """What annotator.bcftools uses of subprocess.Popen."""

    def __init__(
        self,
        server: socket.socket,
        lock: Lock,
        arguments: Sequence[str],
        *,
        stdin: int | None,
        stdout: int | None,
        stderr: IO[bytes],
        cwd: Path,
        env: Mapping[str, str],
        start_new_session: bool,
        pipesize: int,
    ) -> None:
        assert start_new_session
        assert pipesize
        self.returncode: int | None = None
        self._reading = Lock()
        answer, answering = os.pipe()
        child_in, self.stdin = _end(stdin, writing=True)
        child_out, self.stdout = _end(stdout, writing=False)
        self._answer = os.fdopen(answer, "rb", buffering=0)
        request = json.dumps({"arguments": [*arguments[4:]], "cwd": str(cwd), "env": dict(env)}).encode()
        try:
            with lock:
                socket.send_fds(server, [request], [child_in, child_out, stderr.fileno(), answering])
        finally:
            for one in (child_in, child_out, answering):
                os.close(one)
        self.pid = int(self._line())

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._answer.read(1)
            if not byte:
                raise RuntimeError("the warm process has ended")
            line += byte
        return line

    def poll(self) -> int | None:
        with self._reading:
            if self.returncode is None and select.select([self._answer], [], [], 0)[0]:
                self._end()
        return self.returncode

    def wait(self) -> int:
        with self._reading:
            if self.returncode is None:
                self._end()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        self.returncode = int(self._line())
        self._answer.close()


def _end(wanted: int | None, *, writing: bool) -> tuple[int, IO[bytes] | None]:
    """A descriptor for the child, and our end of it where it is a pipe."""
    if wanted == subprocess.PIPE:
        reader, writer = os.pipe()
        return (reader, os.fdopen(writer, "wb")) if writing else (writer, os.fdopen(reader, "rb"))
    if wanted in {None, subprocess.DEVNULL}:
        return os.open(os.devnull, os.O_RDWR), None
    assert wanted is not None
    return os.dup(wanted), None
