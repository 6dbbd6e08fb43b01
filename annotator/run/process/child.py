"""Run a job's work in a child process that can be killed at any time: the parent's side of `child_main`.

The work always ends in time, even if it never releases the interpreter lock. The parent watches the time, whether the
caller cancels, and the memory of the child and its bcftools processes, and kills all of them if necessary. A crash
affects only one job. The child inherits only a few named environment variables, so it gets no secrets.

Children are forked from one process that has loaded the annotator (`annotator.formats.forks`). One child is always kept
ready, so that a small job waits for neither an import nor a fork.
"""

import atexit
import contextlib
import json
import logging
import os
import pickle
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import IO, Any

from annotator.errors import Cancelled, EngineError, InputError
from annotator.formats.forks import LOST, ForkServer, end_of, environment
from annotator.preflight.reader import human_bytes
from annotator.run.annotate import LOG
from annotator.run.options import Limits, Progress
from annotator.run.outputs.run_log import Log

log = logging.getLogger(__name__)

#: Interval between checks of memory, time and cancellation.
WATCH_SECONDS = 0.05
#: Time after the limit before the work is killed: it checks the time limit itself, and can end by itself until then.
GRACE_SECONDS = 2.0
#: Time that bcftools processes have to end after the child that started them.
TOOL_SECONDS = 1.0
#: Maximum size of a child's answer; a longer one is an error.
ANSWER_BYTES = 64 * 1024**2
#: Bytes at the end of stderr that are kept.
STDERR_BYTES = 16 * 1024
#: Messages of programs that abort because they cannot allocate memory.
NO_MEMORY = ("memory allocation of", "MemoryError", "bad_alloc", "Cannot allocate memory")

_server = ForkServer(Path(__file__).with_name("child_main.py"))
_waiting: list["_Child"] = []
_lock = Lock()


def prepare() -> None:
    """Fork a child for the next job. If there is no fork server yet, start it instead, without waiting for it."""
    with _lock, contextlib.suppress(OSError):  # the next `run` tries again
        if _server.pid is None:
            _server.prepare()
        elif not _waiting:
            _waiting.append(_Child())


def run(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    folder: Path,
    limits: Limits,
    on_progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    provenance: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """Call a function in a child process.

    Args:
        function: a function that can be pickled, so a function of a module. It is called with `arguments`, and with
            `tell`, a function that reports progress.
        arguments: keyword arguments, which must be picklable.
        folder: the folder for the child's temporary files; the caller removes it. If the work uses too much memory,
            log.txt in this folder says so.
        limits: the limits of time and memory.
        on_progress: called with the progress that the function reports.
        cancelled: called often; True kills the child.
        provenance: facts for log.txt, by name.

    Returns:
        The function's result, which must be JSON.

    Raises:
        InputError, EngineError, Cancelled: see `annotate`. Other errors of the function become EngineErrors, except
            for OSErrors.
    """
    child = _take()
    try:
        child.begin(pickle.dumps((function, dict(arguments), str(folder.absolute()), limits.memory_bytes)))
        return child.watch(limits, on_progress, cancelled)
    except InputError as error:
        if error.code == "too-much-memory":
            Log(provenance).write(folder / LOG, error)
        raise
    finally:
        child.close()
        prepare()


@atexit.register
def stop() -> None:
    """End the waiting child, and the process that children are forked from."""
    with _lock:
        while _waiting:
            _waiting.pop().close()
    _server.stop()


def _take() -> "_Child":
    with _lock:
        while _waiting:
            child = _waiting.pop()
            if child.process.poll() is None:
                return child
            child.close()
    try:
        return _Child()
    except OSError as error:
        raise EngineError("no-process", f"no process could be started for the job: {error}") from error


class _Child:
    """One child process, from its start, when it has no work yet, to its end."""

    def __init__(self) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        try:
            self.process = _server.fork(
                ["work"],
                folder=Path("/"),
                environment=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr.fileno(),
            )
        except BaseException:
            self._stderr.close()
            raise
        self._tools: set[int] = set()  # process ids of the running bcftools processes
        self._text = bytearray()
        self._answer: dict[str, Any] = {}
        self.peak = 0

    def begin(self, request: bytes) -> None:
        """Send the work to the child."""
        assert self.process.stdin is not None  # noqa: S101 - opened by __init__
        with contextlib.suppress(BrokenPipeError):  # the child has ended; `watch` finds out why
            self.process.stdin.write(request)
            self.process.stdin.close()

    def watch(self, limits: Limits, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Any:
        """Wait for the child's answer; see `run`."""
        assert self.process.stdout is not None  # noqa: S101 - opened by __init__
        deadline = time.monotonic() + limits.seconds + GRACE_SECONDS
        descriptor = self.process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while True:
            if poll.poll(WATCH_SECONDS * 1000):
                data = os.read(descriptor, 1024 * 1024)
                if not data:
                    return self._judge(limits)
                for message in self._messages(data):
                    if "progress" in message:
                        on_progress(Progress(*message["progress"]))
            if cancelled():
                raise Cancelled
            if time.monotonic() > deadline:
                raise EngineError("time-limit", f"the work took longer than {limits.seconds:g} s and was killed")
            self.peak = max(self.peak, self._memory())
            if self.peak > limits.memory_bytes:
                raise too_much_memory(limits)

    def _messages(self, data: bytes) -> Iterator[dict[str, Any]]:
        self._text += data
        if len(self._text) > ANSWER_BYTES:
            raise EngineError("long-answer", "a child process says more of its work than it may")
        *lines, rest = self._text.split(b"\n")
        self._text = rest
        for line in lines:
            message: dict[str, Any] = json.loads(line)
            if "tool" in message:
                self._tools.add(message["tool"])
            elif "ended" in message:
                self._tools.discard(message["ended"])
            elif "progress" in message:
                yield message
            else:
                self._answer = message

    def _memory(self) -> int:
        return sum(private_bytes(pid) for pid in (self.process.pid, *self._tools))

    def _judge(self, limits: Limits) -> Any:
        """Return the result, or raise what the exit status means."""
        status, answer = self.process.wait(), self._answer
        stderr = self._stderr_text()
        if stderr:
            log.warning("a child process said: %s", stderr)
        if "result" in answer and status == 0:
            return answer["result"]
        if "input_error" in answer:
            raise InputError(*answer["input_error"])
        if "engine_error" in answer:
            raise EngineError(*answer["engine_error"])
        if "os_error" in answer:  # a disk that is full, for example
            raise OSError(*answer["os_error"])
        if "no_memory" in answer:
            raise too_much_memory(limits)
        if "crash" in answer:
            raise EngineError("crashed", answer["crash"])
        if status == LOST:
            raise EngineError("no-process", "the job's process was killed: the process it was forked from has ended")
        # A signal may have ended the child. The kernel's OOM killer ends the process with the most memory; a job that
        # uses little memory was killed by something else. A library that cannot allocate memory says so and aborts.
        refused = status == -signal.SIGABRT and any(text in stderr for text in NO_MEMORY)
        if refused or (status == -signal.SIGKILL and self.peak > limits.memory_bytes / 2):
            raise too_much_memory(limits)
        end = signal.Signals(-status).name if status < 0 else f"status {status}"
        raise EngineError("crashed", f"the child process was ended by {end}: {stderr or 'it said nothing'}")

    def _stderr_text(self) -> str:
        return end_of(self._stderr, STDERR_BYTES).strip()

    def close(self) -> None:
        """Kill the child, and wait until it and its bcftools processes have ended; these end with the child.

        The bcftools processes are not killed by process id: the system may have given the id of an ended process to
        another one.
        """
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + TOOL_SECONDS
        while any(map(private_bytes, self._tools)) and time.monotonic() < deadline:
            time.sleep(0.005)
        for stream in (self.process.stdin, self.process.stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def too_much_memory(limits: Limits) -> InputError:
    """Return the error for a file that needs too much memory. It is an InputError: a retry would need as much."""
    return InputError(
        "too-much-memory",
        f"The file needs more than {human_bytes(limits.memory_bytes)} of memory, the most that a job may use.",
        "Very many or very long alleles in one record need most: split such records, or leave them out.",
    )


def private_bytes(pid: int) -> int:
    """Return a process's resident memory without file-backed pages, in bytes; 0 if the process has ended."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(resident) - int(shared)) * PAGE_BYTES


PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
