"""Run each bcftools command in its own process: the child's side of `forks` and `bcftools`.

This is a script; `annotator.run.process.child_main` uses `serve`, too. Usage:
launcher.py serve SOCKET                              fork for each request on this descriptor
launcher.py MEMORY_BYTES CPU_SECONDS COMMAND [ARG...]   run one command in this process
A command streams stdin to stdout. bcftools' messages appear on stderr after it has ended, because pysam collects them
in a file under TMPDIR. Exit status: bcftools' own (modulo 256), or 70 if it could not be started.
"""

import ctypes
import importlib
import importlib.util
import json
import os
import resource
import select
import signal
import socket
import sys
import types
from contextlib import suppress
from typing import Any, NoReturn

CANNOT_START = 70
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # Linux, <sys/prctl.h>
REQUEST_BYTES = 64 * 1024


def main(argv: list[str]) -> int:
    """Set limits on this process, then run bcftools with the arguments."""
    memory, cpu, command, *arguments = argv
    # The limits are for this process only. They are set here, because a pre-exec hook in the parent is not safe in a
    # program with threads.
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = load()
    if library is None:
        return CANNOT_START
    # False: the command handles -o. None: it streams to stdout.
    writes_file = "-o" in arguments or command == "index"
    streams = False if writes_file else None
    status, messages, _ = library._pysam_dispatch(  # noqa: SLF001
        "bcftools", command, arguments, catch_stdout=streams
    )
    sys.stderr.write(messages if isinstance(messages, str) else messages.decode("utf-8", "replace"))
    return int(status) & 0xFF


def load() -> Any:
    """Return the part of pysam that has bcftools; None if pysam is not installed."""
    if "pysam" not in sys.modules:
        # An empty stand-in for the package: pysam's own __init__ would load all of pysam, in three times the time.
        spec = importlib.util.find_spec("pysam")
        if spec is None or not spec.submodule_search_locations:
            return None
        package = types.ModuleType("pysam")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["pysam"] = package
    return importlib.import_module("pysam.libcutils")


def serve(listening: socket.socket) -> list[str] | None:
    """Fork for each request. In the parent, return None after the other side has closed its socket or has ended.

    In each child, return the child's arguments.

    A request is a line of JSON with the arguments, the folder and the environment, and four files: 0, 1 and 2 of the
    child, and one for answers. The first answer is the child's id after @, as soon as it leads a session; the second is
    its exit status, negative for a signal, when it has ended. Children are killed when this process ends. Orphans of a
    child become children of this process, which reaps them, because the process with id 1 may not. Call this from a
    process without other threads.
    """
    server = os.getpid()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    for one in (woken, wake):
        os.set_blocking(one, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    running: dict[int, int] = {}  # where to answer, by child id
    while True:
        ready, _, _ = select.select([listening.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(running)
        if listening.fileno() in ready:
            request, files, _, _ = socket.recv_fds(listening, REQUEST_BYTES, 4)
            while request and not request.endswith(b"\n"):
                request += listening.recv(REQUEST_BYTES) or b"\n"
            if len(files) < 4:
                return None
            with suppress(OSError):  # if it cannot fork, it does not answer
                child = os.fork()
                if child == 0:
                    for answer in running.values():  # otherwise the reader would not see the end of an answer
                        os.close(answer)
                    return _begin(json.loads(request), files, server)
                running[child] = os.dup(files[3])
            for one in files:
                os.close(one)


def _reap(running: dict[int, int]) -> None:
    """Reap all processes that have ended, and send the status of those that were requested."""
    with suppress(ChildProcessError):  # there are no more children
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            answer = running.pop(child, None)
            if answer is None:  # an orphan of a child
                continue
            with suppress(BrokenPipeError):  # the other side no longer reads
                os.write(answer, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(answer)


def _begin(request: dict[str, Any], files: list[int], server: int) -> list[str]:
    """Turn a fork into a new process: it has only these files, leads a session, and is killed when the server ends."""
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(CANNOT_START)
    os.write(files[3], b"@%d\n" % os.getpid())
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, one in enumerate(files[:3]):
        os.dup2(one, number)
    os.closerange(3, max(files) + 1)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    return list(request["arguments"])


def _prctl(option: int, value: int) -> None:
    with suppress(AttributeError):  # exists only on Linux
        ctypes.CDLL(None).prctl(option, value)


def _end(status: int) -> NoReturn:
    """Exit after flushing the buffers of Python and C.

    A regular shutdown of the forked interpreter would take longer than a small command.
    """
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
    os._exit(status)


if __name__ == "__main__":
    command: list[str] | None = sys.argv[1:]
    if sys.argv[1:2] == ["serve"]:
        load()
        command = serve(socket.socket(fileno=int(sys.argv[2])))
        if command is None:
            os._exit(0)
    if command is None or len(command) < 3:
        sys.exit(CANNOT_START)
    _end(main(command))
