"""Run a job's work in a child process that can be killed at any time: the parent's side of `child_main`.

Whatever the work does, also if it never lets go of the interpreter lock, it ends in time: the parent watches the clock,
the caller's wish to cancel, and the memory of the child and its bcftools processes, and kills them all when it must.
A crash costs one job. The child gets none of the parent's environment but a few named variables, so no secrets.

Children are forked from one process that has loaded the annotator (`annotator.formats.forks`). One child is always kept
ready, so that a small job waits neither for an import nor for a fork.
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

#: How often memory, time and cancelling are looked at.
WATCH_SECONDS = 0.05
#: Work that watches the clock itself has this long to end before it is killed.
GRACE_SECONDS = 2.0
#: How long bcftools processes may take to end after their child.
TOOL_SECONDS = 1.0
#: Longest answer of a child; a longer one is an error.
ANSWER_BYTES = 64 * 1024**2
#: Bytes of stderr that are kept, from its end.
STDERR_BYTES = 16 * 1024
#: How programs say that memory was refused to them, before they abort.
NO_MEMORY = ("memory allocation of", "MemoryError", "bad_alloc", "Cannot allocate memory")

_server = ForkServer(Path(__file__).with_name("child_main.py"))
_waiting: list["_Child"] = []
_lock = Lock()


def prepare() -> None:
    """Have a child ready for the next job; if there is no fork server, start one instead, without waiting for it."""
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
    """Call a function in a child process and return what it returns, which must be JSON.

    Args:
        function: found by its name in its module; gets `arguments`, and `tell` to tell its progress with.
        folder: where the child has its temporary files; the caller removes it. If the work uses too much memory,
            log.txt in it says so.

    Raises:
        InputError, EngineError, Cancelled: see `annotate`. What else the function raises becomes an EngineError.
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
    """End the child that waits, and the process that children are forked from."""
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
    """One child process, from before it has its work to its end."""

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
        self._tools: set[int] = set()  # numbers of the bcftools processes that run
        self._text = bytearray()
        self._answer: dict[str, Any] = {}
        self.peak = 0

    def begin(self, request: bytes) -> None:
        """Give it its work."""
        assert self.process.stdin is not None  # noqa: S101 - opened by __init__
        with contextlib.suppress(BrokenPipeError):  # how it ended is seen by `watch`
            self.process.stdin.write(request)
            self.process.stdin.close()

    def watch(self, limits: Limits, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Any:
        """Wait for its answer; see `run`."""
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
        # It was ended by a signal. The kernel's own killer takes who has the most memory: a job that has little was
        # killed by somebody else. A library to which memory is refused says so and aborts.
        refused = status == -signal.SIGABRT and any(text in stderr for text in NO_MEMORY)
        if refused or (status == -signal.SIGKILL and self.peak > limits.memory_bytes / 2):
            raise too_much_memory(limits)
        end = signal.Signals(-status).name if status < 0 else f"status {status}"
        raise EngineError("crashed", f"the child process was ended by {end}: {stderr or 'it said nothing'}")

    def _stderr_text(self) -> str:
        return end_of(self._stderr, STDERR_BYTES).strip()

    def close(self) -> None:
        """Kill the child and wait for its end, and for that of its bcftools processes, which end with the child.

        They are not killed by number: the number of one that has ended may be another process's by now.
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
    """The file's own fault: another try would need as much."""
    return InputError(
        "too-much-memory",
        f"The file needs more than {human_bytes(limits.memory_bytes)} of memory, the most that a job may use.",
        "Very many or very long alleles in one record need most: split such records, or leave them out.",
    )


def private_bytes(pid: int) -> int:
    """The resident memory of a process that no file stands behind, in bytes; 0 if it has ended."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(resident) - int(shared)) * PAGE_BYTES


PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
