"""Fork processes from a server process that has loaded what they need: the parent's side of `launcher.serve`.

Starting an interpreter and loading bcftools takes at least 50 ms, and a small file needs three commands. So a process
that annotates keeps a server in which both are loaded, and forks each command from it in two or three milliseconds. The
forks are as separate from each other as new processes. Jobs are forked in the same way (`annotator.run.process`).
"""

import atexit
import contextlib
import errno
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import IO

#: Variables of every forked process, and those that it gets from this process. None is secret.
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1"}
PASSED_ON = ("HOME", "NUMBA_CACHE_DIR", "POLARS_MAX_THREADS", "TMPDIR", "TZ")
#: Size of a pipe on Linux, instead of 64 KiB: bytes that can be written ahead while the other side is busy.
PIPE_BYTES = 1024 * 1024
#: Status of a process that was killed because its server ended. No signal has this number.
LOST = -1000
#: Bytes from the end of a server's stderr that are reported when it fails.
STDERR_BYTES = 2000


class Forked:
    """A process with the parts of subprocess.Popen that `bcftools` uses. stdin, stdout: None without PIPE."""

    def __init__(
        self,
        pid: int,
        answer: "_Answer",
        stdin: IO[bytes] | None,
        stdout: IO[bytes] | None,
        on_end: Callable[[int], None],
    ) -> None:
        """on_end: called with the process id after its status has been read."""
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self._answer = answer
        self._on_end = on_end
        self._reading = Lock()

    def poll(self) -> int | None:
        """Return the status as Popen does; None if the process still runs."""
        # The waiting thread will set the status.
        if self.returncode is None and self._reading.acquire(blocking=False):
            try:
                if self.returncode is None and self._answer.is_there():
                    self._end()
            finally:
                self._reading.release()
        return self.returncode

    def pause(self, seconds: float) -> None:
        """Wait until the process ends, at most this many seconds."""
        if self.returncode is None:
            self._answer.is_there(seconds)

    def wait(self) -> int:
        """Wait until the process ends, and return its status."""
        with self._reading:
            return self._end() if self.returncode is None else self.returncode

    def _end(self) -> int:
        try:
            self.returncode = self._answer.number()
        except OSError:
            self.returncode = LOST
        self._answer.close()
        self._on_end(self.pid)
        return self.returncode


class _Answer:
    """The server's messages about one child, line by line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = b""

    def is_there(self, seconds: float = 0) -> bool:
        """Wait this many seconds at most; return whether a line can be read, or none will come."""
        if b"\n" in self._text:
            return True
        waiting = select.poll()  # select.select does not support descriptors of 1,024 and above
        waiting.register(self._descriptor, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))

    def number(self, head: bytes = b"") -> int:
        """Return the next number, after a prefix. Raises OSError if the server has ended, or could not fork."""
        while b"\n" not in self._text:
            more = os.read(self._descriptor, 64)
            if not more:
                break
            self._text += more
        line, end, self._text = self._text.partition(b"\n")
        if not end or not line.startswith(head):
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return int(line[len(head) :])

    def close(self) -> None:
        os.close(self._descriptor)


def end_of(file: IO[bytes], size: int) -> str:
    """Return the last `size` bytes of a file as text."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - size))
    return file.read().decode("utf-8", "replace")


def environment() -> dict[str, str]:
    """Return all variables of a forked process."""
    return ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ}


class ForkServer:
    """A process that loads what a script needs, once, and forks for each request. Safe to share between threads.

    The server starts with the first request, or with `prepare`, and again if it was killed. It ends with this process.
    A fork of this process starts its own server.
    """

    def __init__(self, script: Path) -> None:
        """Serve with `script serve SOCKET`; see `annotator.formats.launcher.serve`."""
        self._script = script
        self._lock = Lock()
        self._server: _Server | None = None
        #: Called with the id of each new process.
        self.on_fork: Callable[[int], None] = lambda _: None
        #: Called with the id of each process whose end was seen.
        self.on_end: Callable[[int], None] = lambda _: None
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forget)

    @property
    def pid(self) -> int | None:
        """The id of the server process; None if there is none."""
        server = self._server
        return None if server is None else server.process.pid

    def prepare(self) -> None:
        """Start the server, without waiting until it has loaded everything."""
        with self._lock:
            if self._server is None:
                self._server = _Server(self._script)

    def fork(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        stdin: int | None,
        stdout: int | None,
        stderr: int,
    ) -> Forked:
        """Run the script with these arguments in a process that leads its own session.

        Args:
            arguments: the script's arguments instead of `serve SOCKET`.
            folder: the working folder of the process.
            environment: all its variables.
            stdin, stdout: a descriptor, PIPE, or DEVNULL, which None means too.
            stderr: a descriptor.

        Raises:
            OSError: no process could be started; the message quotes the server's stderr.
        """
        text = {"arguments": list(arguments), "folder": str(folder.absolute()), "environment": dict(environment)}
        request = json.dumps(text).encode() + b"\n"
        theirs_in, ours_in = _end(stdin, writing=True)
        theirs_out, ours_out = _end(stdout, writing=False)
        try:
            pid, answer = self._forked(request, [theirs_in, theirs_out, stderr])
        except BaseException:
            for one in (ours_in, ours_out):
                if one is not None:
                    one.close()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self.on_fork(pid)
        return Forked(pid, answer, ours_in, ours_out, self.on_end)

    def _forked(self, request: bytes, files: Sequence[int]) -> tuple[int, _Answer]:
        self.prepare()
        with self._lock:
            try:
                if self._server is not None:
                    return self._server.fork(request, files)
            except OSError:
                pass
        # The server may have been killed: start another one, once.
        self.stop()
        self.prepare()
        with self._lock:
            if self._server is None:
                raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return self._server.fork(request, files)

    def stop(self) -> None:
        """End the server, and with it all its forks."""
        with self._lock:
            if self._server is not None:
                self._server.end()
            self._server = None

    def _forget(self) -> None:
        """Forget the server in a fork of this process: it belongs to the parent."""
        self._lock = Lock()
        if self._server is not None:
            self._server.forget()
        self._server = None


class _Server:
    """One server process, from its start to its end."""

    def __init__(self, script: Path) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end() or forget()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self.process = subprocess.Popen(
                # -I: no PYTHON* variables, no current folder on the path. -B: no bytecode is written.
                [sys.executable, "-I", "-B", str(script), "serve", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr.fileno(),
                cwd="/",
                env=environment(),
                start_new_session=True,
            )

    def fork(self, request: bytes, files: Sequence[int]) -> tuple[int, _Answer]:
        """Return the id of a new process, and the pipe on which its status will come. Raises OSError."""
        reader, writer = os.pipe()
        answer = _Answer(reader)
        try:
            try:
                socket.send_fds(self._socket, [request], [*files, writer])
            finally:
                os.close(writer)
            return answer.number(b"@"), answer
        except OSError as error:
            answer.close()
            said = end_of(self._stderr, STDERR_BYTES).strip()
            raise OSError(
                errno.EAGAIN, f"{os.strerror(errno.EAGAIN)}: {said or 'the fork server gave no reason'}"
            ) from error
        except BaseException:
            answer.close()
            raise

    def end(self) -> None:
        self._socket.close()
        self.process.wait()
        self._stderr.close()

    def forget(self) -> None:
        """Forget the server in a fork of the parent: it belongs to the parent."""
        self._socket.close()
        self._stderr.close()
        self.process.returncode = 0


def _end(wanted: int | None, *, writing: bool) -> tuple[int, IO[bytes] | None]:
    """Return a descriptor for the child, and this process's end if it is a pipe."""
    if wanted != subprocess.PIPE:
        of_nothing = wanted is None or wanted == subprocess.DEVNULL
        return (os.open(os.devnull, os.O_RDWR) if of_nothing else os.dup(wanted or 0)), None
    reader, writer = os.pipe()
    with contextlib.suppress(AttributeError, OSError):  # above the system's limit, the size stays as it is
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return (reader, os.fdopen(writer, "wb")) if writing else (writer, os.fdopen(reader, "rb"))
