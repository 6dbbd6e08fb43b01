"""Run bcftools commands, each in a process of its own: the child's side of `forks` and `bcftools`.

Run as a script. `serve` is used by `annotator.run.process.child_main`, too. Usage:
launcher.py serve SOCKET                              fork for each request that comes on this descriptor
launcher.py MEMORY_BYTES CPU_SECONDS COMMAND [ARG...]   run one command here
A command streams stdin to stdout. bcftools' messages come out on stderr once it has ended, because pysam collects
them in a file under TMPDIR. Exit status: bcftools' own (modulo 256), or 70 when it could not be started.
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
    """Limit this process, then hand the arguments to bcftools."""
    memory, cpu, command, *arguments = argv
    # The limits hold for this process alone; they are set here and not in a pre-exec hook of the parent, which is
    # not safe in a program with threads.
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = load()
    if library is None:
        return CANNOT_START
    # False leaves -o to the command, None lets it stream to stdout.
    writes_file = "-o" in arguments or command == "index"
    streams = False if writes_file else None
    status, messages, _ = library._pysam_dispatch(  # noqa: SLF001
        "bcftools", command, arguments, catch_stdout=streams
    )
    sys.stderr.write(messages if isinstance(messages, str) else messages.decode("utf-8", "replace"))
    return int(status) & 0xFF


def load() -> Any:
    """The part of pysam that holds bcftools; None if it is not installed."""
    if "pysam" not in sys.modules:
        # An empty stand-in for the package: its own __init__ would load all of pysam, at three times the start-up.
        spec = importlib.util.find_spec("pysam")
        if spec is None or not spec.submodule_search_locations:
            return None
        package = types.ModuleType("pysam")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["pysam"] = package
    return importlib.import_module("pysam.libcutils")


def serve(listening: socket.socket) -> list[str] | None:
    """Fork for each request, until the other side has closed its socket or has ended; then return None.

    In each child return its arguments. A request is a line of JSON, with the arguments, the folder and the environment,
    and four files: 0, 1 and 2 of the child, and one to answer on, which gets the child's number after @ as soon as it
    leads a session, and its exit status (of a signal, its number below 0) at the end. Children are killed when this
    process ends. Processes that a child leaves behind become children of this process, which reaps them: the process
    with number 1 may not. Call it from a process without other threads.
    """
    server = os.getpid()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    for one in (woken, wake):
        os.set_blocking(one, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    running: dict[int, int] = {}  # where to answer, by child
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
            with suppress(OSError):  # where it cannot fork, it answers nothing
                child = os.fork()
                if child == 0:
                    for answer in running.values():  # an end that a child held would not be seen
                        os.close(answer)
                    return _begin(json.loads(request), files, server)
                running[child] = os.dup(files[3])
            for one in files:
                os.close(one)


def _reap(running: dict[int, int]) -> None:
    """Reap all processes that have ended, and answer for those that were asked for."""
    with suppress(ChildProcessError):  # there are no more children
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            answer = running.pop(child, None)
            if answer is None:  # a child left this process behind
                continue
            with suppress(BrokenPipeError):  # the other side does not want to know
                os.write(answer, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(answer)


def _begin(request: dict[str, Any], files: list[int], server: int) -> list[str]:
    """Make a fork what a new process would be: with these files alone, leading a session. It ends with the server."""
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
    with suppress(AttributeError):  # Linux alone has it
        ctypes.CDLL(None).prctl(option, value)


def _end(status: int) -> NoReturn:
    """Exit after flushing the buffers of Python and C.

    A regular shutdown of the forked interpreter takes longer than a small command.
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
