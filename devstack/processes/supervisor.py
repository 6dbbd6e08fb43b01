"""Processes of one machine: started and waited for, restarted when they die, stopped together.

Each runs under a nanny (see nanny.py), so that nothing outlives the supervisor, even one that was SIGKILLed.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_NANNY = str(Path(__file__).with_name("nanny.py"))
_TICK_SECONDS = 0.05
#: A process that lived shorter than this died young: each time in a row doubles the pause before the next.
YOUNG_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0


class NotReady(Exception):
    """A process ended or dawdled before it was ready. The message ends with the tail of its log."""


@dataclass(frozen=True)
class Program:
    """One process to keep running.

    ready: told the log since the process began; True once it can be used. Asked many times, so it must be quick.
    tier: higher tiers stop first; within a tier all stop at the same time.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str]
    cwd: Path
    ready: Callable[[str], bool] = lambda _: True
    ready_seconds: float = 60.0
    stop_seconds: float = 10.0
    tier: int = 0


class Supervisor:
    """on_exit: called with a program and its exit code when it ends by itself; says whether to start it again."""

    def __init__(self, on_exit: Callable[[Program, int], bool] = lambda _program, _code: True) -> None:
        self._runners: dict[str, _Runner] = {}
        self._on_exit = on_exit

    def start(self, *programs: Program) -> None:
        """Start them, without waiting until they are ready."""
        for program in programs:
            runner = _Runner(program, self._on_exit)
            self._runners[program.name] = runner
            runner.start()

    def wait_ready(self, *names: str) -> None:
        """Until these (all, if none is named) are ready.

        Raises:
            NotReady: one ended by itself meanwhile, or took longer than its ready_seconds.
        """
        for name in names or tuple(self._runners):
            self._runners[name].wait_ready()

    def is_ready(self, name: str) -> bool:
        return self._runners[name].check_ready()

    @property
    def names(self) -> list[str]:
        return list(self._runners)

    def pid(self, name: str) -> int:
        """Of the nanny, which is the parent of the process itself; 0 between two lives."""
        return self._runners[name].pid

    def starts(self, name: str) -> int:
        """Return how often it has been started."""
        return self._runners[name].starts

    def kill(self, name: str) -> bool:
        """SIGKILL, to it and all its descendants, as if its machine had gone. It is started again at once.

        False if it was not running.
        """
        return self._runners[name].kill()

    def stop(self) -> None:
        """Tier by tier: SIGTERM, wait, SIGKILL. Returns when nothing is left. Safe to repeat."""
        for runner in self._runners.values():
            runner.stopping.set()
        for tier in sorted({runner.program.tier for runner in self._runners.values()}, reverse=True):
            runners = [runner for runner in self._runners.values() if runner.program.tier == tier]
            for runner in runners:
                runner.signal(signal.SIGTERM)
            for runner in runners:
                runner.join(runner.program.stop_seconds)
                if runner.is_alive():
                    runner.kill()
                runner.join()


class _Runner(threading.Thread):
    """The lives of one program, one after the other."""

    def __init__(self, program: Program, on_exit: Callable[[Program, int], bool]) -> None:
        super().__init__(name=f"supervise-{program.name}", daemon=True)
        self.program, self.on_exit = program, on_exit
        self.stopping = threading.Event()
        self.starts = 0
        self.failures = 0
        self._lock = threading.Lock()
        self._nanny: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._is_ready = False
        self._log_from = 0

    @property
    def pid(self) -> int:
        nanny = self._nanny
        return nanny.pid if nanny is not None and nanny.returncode is None else 0

    def run(self) -> None:
        young_deaths = 0
        while not self.stopping.is_set():
            began = time.monotonic()
            nanny = self._spawn()
            code = nanny.wait()
            with self._lock, suppress(OSError):
                nanny.stdin.close()  # type: ignore[union-attr]
            if self.stopping.is_set():
                return
            killed, self._killed = self._killed, False
            if killed:
                young_deaths, pause = 0, 0.0
            else:
                self.failures += 1
                self._note(f"{self.program.name} ended with code {code}")
                if not self.on_exit(self.program, code):
                    return
                young_deaths = young_deaths + 1 if time.monotonic() - began < YOUNG_SECONDS else 0
                pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**young_deaths)
            self.stopping.wait(pause)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._lock:
            self._is_ready = False
            self.program.log.parent.mkdir(parents=True, exist_ok=True)
            self._note(f"{self.program.name} starts: {' '.join(self.program.command)}")
            with self.program.log.open("ab") as log:
                self._log_from = log.tell()
                self._nanny = subprocess.Popen(
                    [sys.executable, "-I", "-S", _NANNY, "--", *self.program.command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=dict(self.program.env),
                    cwd=self.program.cwd,
                    start_new_session=True,  # Ctrl-C is for the supervisor, which then stops all in order
                )
            self.starts += 1
            # stop() may have looked for something to signal just before there was anything.
            if self.stopping.is_set():
                self._nanny.terminate()
            return self._nanny

    def _note(self, text: str) -> None:
        with suppress(OSError), self.program.log.open("a") as log:
            log.write(f"--- {datetime.now(UTC):%H:%M:%S} {text}\n")

    def signal(self, number: int) -> None:
        with self._lock:
            if self._nanny is not None and self._nanny.poll() is None:
                self._nanny.send_signal(number)

    def kill(self) -> bool:
        with self._lock:
            if self._nanny is None or self._nanny.poll() is not None:
                return False
            self._killed = True
            with suppress(OSError):
                os.write(self._nanny.stdin.fileno(), b"K")  # type: ignore[union-attr]
            return True

    def wait_ready(self) -> None:
        deadline = time.monotonic() + self.program.ready_seconds
        failures = self.failures
        while not self.check_ready():
            if self.failures > failures or not self.is_alive():
                raise NotReady(f"{self.program.name} ended before it was ready.\n{self._tail()}")
            if time.monotonic() > deadline:
                raise NotReady(
                    f"{self.program.name} was not ready after {self.program.ready_seconds:.0f} s.\n{self._tail()}"
                )
            self.stopping.wait(_TICK_SECONDS)

    def check_ready(self) -> bool:
        if not self.pid or self._killed:
            return False
        if not self._is_ready:
            self._is_ready = self.program.ready(self._log_text())
        return self._is_ready

    def _log_text(self) -> str:
        try:
            with self.program.log.open("rb") as log:
                log.seek(self._log_from)
                return log.read(1_000_000).decode(errors="replace")
        except OSError:
            return ""

    def _tail(self) -> str:
        return "\n".join(self._log_text().splitlines()[-25:])
