"""Processes forked from one that has loaded what they need: the parent's side of `annotator.formats.launcher.serve`.

To start an interpreter and load bcftools takes 50 ms and more, and a small file needs three commands. So a process that
annotates keeps one that waits with both done, and each command is a fork of it: as separate from all others as if it
had been started by itself, after two or three milliseconds. Jobs are forked the same way (`annotator.run.process`).
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

#: Variables of every process that forks; and those of this process that it gets, too: none of its secrets.
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1"}
PASSED_ON = ("HOME", "NUMBA_CACHE_DIR", "POLARS_MAX_THREADS", "TMPDIR", "TZ")
#: What a pipe holds (on Linux, which has 64 KiB otherwise): so much can be written ahead while the other side is busy.
PIPE_BYTES = 1024 * 1024
#: The status of a process whose server has ended, which killed the process, too. No signal has this number.
LOST = -1000
#: Bytes of a server's stderr that are told when it fails, from its end.
STDERR_BYTES = 2000


class Forked:
    """A process with the part of subprocess.Popen that `bcftools` uses. stdin, stdout: None without PIPE."""

    def __init__(
        self,
        pid: int,
        answer: "_Answer",
        stdin: IO[bytes] | None,
        stdout: IO[bytes] | None,
        on_end: Callable[[int], None],
    ) -> None:
        """on_end: called with the number of the process when its status has been read."""
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self._answer = answer
        self._on_end = on_end
        self._reading = Lock()

    def poll(self) -> int | None:
        """Its status if it has ended, as Popen has it."""
        # The thread that waits will set it.
        if self.returncode is None and self._reading.acquire(blocking=False):
            try:
                if self.returncode is None and self._answer.is_there():
                    self._end()
            finally:
                self._reading.release()
        return self.returncode

    def pause(self, seconds: float) -> None:
        """Wait for its end, but no longer than this."""
        if self.returncode is None:
            self._answer.is_there(seconds)

    def wait(self) -> int:
        """Wait for its end; returns its status."""
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
    """What the server says of one child, line by line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = b""

    def is_there(self, seconds: float = 0) -> bool:
        """Return whether there is a line within this many seconds, or none will come."""
        if b"\n" in self._text:
            return True
        waiting = select.poll()  # select.select takes no descriptors from 1,024 on
        waiting.register(self._descriptor, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))

    def number(self, head: bytes = b"") -> int:
        """Return the next number, which follows the head. Raises OSError if the server has ended, or could not fork."""
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
    """Return all the variables of a process that forks."""
    return ENVIRONMENT | {name: os.environ[name] for name in PASSED_ON if name in os.environ}


class ForkServer:
    """A process that loads what a script needs, once, and forks for each request. Safe to share between threads.

    The process starts with the first request, or with `prepare`, and again if it has been killed. It ends when this
    process ends. A fork of this process starts one of its own.
    """

    def __init__(self, script: Path) -> None:
        """Serve with `script serve SOCKET`; see `annotator.formats.launcher.serve`."""
        self._script = script
        self._lock = Lock()
        self._server: _Server | None = None
        #: Called with the number of each new process.
        self.on_fork: Callable[[int], None] = lambda _: None
        #: Called with the number of each process whose end was seen.
        self.on_end: Callable[[int], None] = lambda _: None
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forget)

    @property
    def pid(self) -> int | None:
        """The process that forks, None while there is none."""
        server = self._server
        return None if server is None else server.process.pid

    def prepare(self) -> None:
        """Start the process, without waiting until it has loaded everything."""
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
        """Run the script with these arguments in a process that leads a session of its own.

        Args:
            arguments: what the script gets instead of `serve SOCKET`.
            folder: the process's working folder.
            environment: all of its variables.
            stdin, stdout: a descriptor, PIPE, or DEVNULL as without one.
            stderr: a descriptor.

        Raises:
            OSError: no process could be started; it says what the server wrote to stderr.
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
        # It has been killed, perhaps: another one, once.
        self.stop()
        self.prepare()
        with self._lock:
            if self._server is None:
                raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return self._server.fork(request, files)

    def stop(self) -> None:
        """End the process that forks. Its forks are killed with it."""
        with self._lock:
            if self._server is not None:
                self._server.end()
            self._server = None

    def _forget(self) -> None:
        """In a fork of this process, whose server this is not."""
        self._lock = Lock()
        if self._server is not None:
            self._server.forget()
        self._server = None


class _Server:
    """One life of a process that forks."""

    def __init__(self, script: Path) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end() or forget()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self.process = subprocess.Popen(
                # -I: no PYTHON* variables, no current folder on the path. -B: never writes bytecode.
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
        """The number of a new process, and where its status will come. Raises OSError."""
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
        """In a fork of the parent, whose server this is not."""
        self._socket.close()
        self._stderr.close()
        self.process.returncode = 0


def _end(wanted: int | None, *, writing: bool) -> tuple[int, IO[bytes] | None]:
    """A descriptor for the child, and our end of it where it is a pipe."""
    if wanted != subprocess.PIPE:
        of_nothing = wanted is None or wanted == subprocess.DEVNULL
        return (os.open(os.devnull, os.O_RDWR) if of_nothing else os.dup(wanted or 0)), None
    reader, writer = os.pipe()
    with contextlib.suppress(AttributeError, OSError):  # beyond what the system allows it stays as it is
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return (reader, os.fdopen(writer, "wb")) if writing else (writer, os.fdopen(reader, "rb"))
