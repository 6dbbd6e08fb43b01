"""The parent of one supervised process, which makes sure that no descendant of it is left.

Run as a script with the standard library alone: `python -I -S nanny.py -- COMMAND...`. Its standard input is a
lifeline that the supervisor holds. SIGTERM is passed on to the command; when the command ends, when the lifeline
closes (the supervisor has died, however), or on a byte through it, every descendant is killed at once. On Linux
the command is killed with the nanny too, and what its children detach comes back to the nanny.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main(command: list[str]) -> int:
    nanny = os.getpid()
    libc = ctypes.CDLL(None) if _LINUX else None
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if _LINUX else os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    if libc is not None:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def die_with_the_nanny() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != nanny:
                os._exit(1)

    # A preexec_fn is safe here: the nanny has one thread.
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=die_with_the_nanny,  # noqa: PLW1509
    )

    def pass_on(number: int, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    code: int | None = None
    while code is None:
        readable, _, _ = select.select([0, wake_read], [], [])
        if 0 in readable:
            os.read(0, 1)
            kill_all(child.pid)
            code = _reap(child.pid, block=True)
        else:
            os.read(wake_read, 4096)
            code = _reap(child.pid)
    kill_all(child.pid)
    _reap_all()
    return code


def kill_all(group: int) -> None:
    """SIGKILL to the command's group and to every descendant, until there is none."""
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        alive = _descendants(os.getpid())
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not alive:
            return
        select.select([], [], [], 0.01)  # a killed process may have had time to start another


def _descendants(root: int) -> list[int]:
    """Those that are not yet dead."""
    if not _LINUX:
        return []
    children: dict[int, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (process / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state not in {b"Z", b"X"}:
                children.setdefault(int(parent), []).append(int(process.name))
    found: list[int] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _reap(child: int, *, block: bool = False) -> int | None:
    """Wait for whatever has ended; the command's exit code (128 + signal), if it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while code is None:
            pid, status = os.waitpid(-1, 0 if block else os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
    return code if code is None or code >= 0 else 128 - code


def _reap_all() -> None:
    """Reap killed processes, so that no zombies are left."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[sys.argv.index("--") + 1 :]))
