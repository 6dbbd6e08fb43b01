"""Hostile files on the running service, alone and ten at once, and a job whose process hangs or crashes.

Each job must end in seconds with a result or a sentence, within its memory, while another person's job is done as
usual. Cancelling must end the work at once, also if its process does not answer any more. Nothing may be left behind.
"""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotator.reference.sample_file import write_sample
from devstack.aws.provision import QUEUES
from devstack.client import Refused, Scientist
from devstack.scenarios.chaos import newcomer
from devstack.stack import Stack, Worker
from devstack.waiting import wait_for

ANNOTATE = ("gas-annotate",)
WORKERS = (
    Worker("annotate", ANNOTATE),
    Worker("general", tuple(name for name in QUEUES if name not in ANNOTATE)),
)
#: Somewhat larger uploads than the free plan takes, so that more of them can be tried.
SETTINGS = {
    "ANNOTATE_MEMORY_BYTES": str(512 * 1024**2),
    "UPLOAD_MAX_BYTES": str(1024**2),
    "ARCHIVE_AFTER_SECONDS": "86400",
    "SWEEP_SECONDS": "5",
}
#: Seconds: the longest for an attack, for another person's job meanwhile, and until a cancelled job's process is gone.
ATTACK_SECONDS, NEIGHBOUR_SECONDS, CANCEL_SECONDS = 30.0, 10.0, 5.0
AT_ONCE = 10
#: People who attack at the same time, more than the worker has processes.
ATTACKERS = 4
WATCH_SECONDS = 0.05
LEFT_OUT = re.compile(r"The tables are left out[^.]*\.")
#: The worker looks at memory 20 times a second: a process may take a little more before it is seen.
MEMORY_SLACK = 1.2


@dataclass(frozen=True)
class Row:
    """What became of one file. seconds: from the confirmed upload to its end; memory: of all its job's processes."""

    name: str
    size: int
    how: str
    status: str
    told: str
    seconds: float
    memory: int


@dataclass
class Outcome:
    """`problems` is empty when every promise was kept."""

    rows: list[Row] = field(default_factory=list)
    neighbours: list[float] = field(default_factory=list)
    cancels: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def report(self) -> str:
        width = max((len(row.name) for row in self.rows), default=0)
        lines = [
            f"{row.name:<{width}}  {row.size:>9,} B  {row.how:<6} {row.status:<9} {row.seconds:5.1f} s "
            f"{row.memory / 1024**2:5.0f} MB  {row.told}"
            for row in self.rows
        ]
        lines.append(f"Another person's jobs meanwhile: {', '.join(f'{one:.1f} s' for one in self.neighbours)}.")
        lines.append(
            f"Processes of cancelled jobs were gone after {', '.join(f'{one:.1f} s' for one in self.cancels)}."
        )
        return "\n".join([*lines, *(f"PROBLEM: {problem}" for problem in self.problems)])


def attack(
    stack: Stack,
    files: dict[str, Path],
    slow: Path,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
    *,
    worker: str = WORKERS[0].name,
    people: int = ATTACKERS,
) -> Outcome:
    """Attack a started stack.

    Args:
        files: by name.
        slow: a file that takes more than ten seconds, to cancel and to crash.
        folder: for files that are made here.
        worker: the one that annotates.
        people: who attack at the same time.
    """
    outcome, starts = Outcome(), stack.starts(worker)
    sample = folder / "sample.vcf"
    write_sample(sample, records=1200)
    attackers = [newcomer(stack, number) for number in range(people)]
    neighbour = newcomer(stack, people)
    neighbour.wait(neighbour.upload(sample))  # so that everything is loaded
    with _watching(stack, worker) as jobs:
        for name, path in files.items():
            _alone(outcome, attackers[0], name, path, jobs)
            say(f"{name}: {outcome.rows[-1].status} after {outcome.rows[-1].seconds:.1f} s")
        slowest = sorted(outcome.rows, key=lambda row: row.seconds, reverse=True)[:AT_ONCE]
        say(f"{len(slowest)} at once ...")
        _at_once(outcome, attackers, {row.name: files[row.name] for row in slowest}, neighbour, sample, jobs)
        say("Cancelling, hanging and crashing ...")
        _cancel(outcome, attackers[0], slow, jobs, hang=False)
        _cancel(outcome, attackers[0], slow, jobs, hang=True)
        _crash(outcome, attackers[0], slow, jobs)
        outcome.neighbours.append(_timed(neighbour, sample))
    if stack.starts(worker) > starts:
        outcome.problems.append("The worker was started again.")
    _check(stack, outcome, jobs.memory)
    return outcome


def _timed(person: Scientist, path: Path) -> float:
    job = person.upload(path)
    began = time.monotonic()
    ended = person.wait(job, 4 * NEIGHBOUR_SECONDS)
    return time.monotonic() - began if ended["status"] == "COMPLETED" else float("inf")


def _alone(outcome: Outcome, person: Scientist, name: str, path: Path, jobs: "_Jobs") -> None:
    jobs.highest = 0
    began = time.monotonic()
    try:
        job = person.upload(path)
        ended = person.wait(job, 10 * ATTACK_SECONDS)
        if found := LEFT_OUT.search(person.page(f"/jobs/{job}/")):
            ended["left_out"] = found[0]
    except Refused as refused:
        ended = {"status": "REFUSED", "failure": {"message": str(refused)}}
    outcome.rows.append(_row(name, path, "alone", ended, time.monotonic() - began, jobs.highest))


def _row(name: str, path: Path, how: str, ended: dict[str, Any], seconds: float, memory: int) -> Row:
    told = " ".join(str((ended.get("failure") or {}).get("message", "")).split()) or ended.get("left_out", "")
    return Row(name, path.stat().st_size, how, ended["status"], told[:90], seconds, memory)


def _at_once(
    outcome: Outcome,
    people: list[Scientist],
    files: dict[str, Path],
    neighbour: Scientist,
    sample: Path,
    jobs: "_Jobs",
) -> None:
    jobs.highest = 0
    began = time.monotonic()
    started = []
    for number, (name, path) in enumerate(files.items()):
        with suppress(Refused):
            person = people[number % len(people)]
            started.append((name, path, person, person.upload(path)))
    outcome.neighbours.append(_timed(neighbour, sample))
    for name, path, person, job in started:
        ended = person.wait(job, 10 * ATTACK_SECONDS)
        outcome.rows.append(_row(name, path, "ten", ended, time.monotonic() - began, jobs.highest))


def _cancel(outcome: Outcome, person: Scientist, path: Path, jobs: "_Jobs", *, hang: bool) -> None:
    """Cancel a job at work; with `hang`, its process is stopped before, so that it can do nothing itself."""
    job = person.upload(path)
    process = wait_for(jobs.busy, ATTACK_SECONDS, "a process at work")
    if hang:
        os.kill(process, signal.SIGSTOP)
    began = time.monotonic()
    person.cancel(job)
    with suppress(TimeoutError):  # the time tells
        wait_for(lambda: not _stat(process), 4 * CANCEL_SECONDS, "the end of the process", every=WATCH_SECONDS)
    outcome.cancels.append(time.monotonic() - began)
    if (status := person.wait(job, CANCEL_SECONDS)["status"]) != "CANCELLED":
        outcome.problems.append(f"A job that was cancelled is {status}.")


def _crash(outcome: Outcome, person: Scientist, path: Path, jobs: "_Jobs") -> None:
    """End a job's process by a signal: the job is tried again."""
    job = person.upload(path)
    os.kill(wait_for(jobs.busy, ATTACK_SECONDS, "a process at work"), signal.SIGSEGV)
    try:
        wait_for(lambda: person.status(job)["status"] == "PENDING", CANCEL_SECONDS, "the job's next try")
        os.kill(wait_for(jobs.busy, ATTACK_SECONDS, "the next try's process"), 0)
    except TimeoutError as error:
        outcome.problems.append(f"After a crash: {error}.")
    person.cancel(job)


def _check(stack: Stack, outcome: Outcome, memory: int) -> None:
    problems = outcome.problems
    for row in outcome.rows:
        if row.seconds > ATTACK_SECONDS:
            problems.append(f"{row.name} ({row.how}) took {row.seconds:.0f} s.")
        if row.status not in {"COMPLETED", "FAILED", "REFUSED"} or (row.status == "FAILED" and not row.told):
            problems.append(f"{row.name} ({row.how}) is {row.status}.")
        if "on our side" in row.told:
            problems.append(f"{row.name} ({row.how}) ends as an internal error.")
    problems += [f"Another person's job took {one:.0f} s." for one in outcome.neighbours if one > NEIGHBOUR_SECONDS]
    problems += [
        f"A cancelled job's process was there for {one:.0f} s." for one in outcome.cancels if one > CANCEL_SECONDS
    ]
    limit = int(stack.env.get("ANNOTATE_MEMORY_BYTES", 1024**3))
    if memory > limit * MEMORY_SLACK:
        problems.append(f"The processes of a job had {memory / 1024**2:.0f} MB, of {limit / 1024**2:.0f} MB.")
    work = stack.data.path / "work"
    try:
        wait_for(lambda: not list(work.glob("*")), CANCEL_SECONDS, "an empty work folder")
    except TimeoutError:
        problems.append(f"Left in the work folder: {', '.join(path.name for path in work.glob('*'))}.")


# --- Processes


class _Jobs:
    """The processes of the worker that do a job's work, looked at all the time."""

    def __init__(self) -> None:
        self.highest = self.memory = 0  # of one job's processes together, in bytes: since it was set to 0, and ever
        self._ticks: dict[int, int] = {}  # of processor time, by process

    def look(self, worker: int) -> None:
        stats = {int(path.name): _stat(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
        parents = {pid: int(stat[1]) for pid, stat in stats.items() if stat}
        servers = {pid for pid in _descendants(worker, parents) if "child_main.py" in _command(pid)}
        ticks = {}
        for pid in servers:
            if parents.get(pid) in servers:  # forked by the other one
                ticks[pid] = int(stats[pid][11]) + int(stats[pid][12])
                total = sum(map(_private, _descendants(pid, parents)))
                self.highest, self.memory = max(self.highest, total), max(self.memory, total)
        self._ticks = ticks

    def busy(self) -> int:
        """Return the busy process; 0 if none is. An idle one has taken less than half a second."""
        found = max(self._ticks, key=lambda pid: self._ticks[pid], default=0)
        return found if self._ticks.get(found, 0) > os.sysconf("SC_CLK_TCK") else 0


@contextmanager
def _watching(stack: Stack, worker: str) -> Iterator[_Jobs]:
    jobs, over = _Jobs(), threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            if pid := stack.pid(worker):
                jobs.look(pid)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield jobs
    finally:
        over.set()
        watcher.join()


def _stat(pid: int) -> list[str]:
    """Its state, its parent and so on, as proc(5) has them after the name; nothing if it has ended."""
    try:
        found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if found[0] == "Z" else found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _descendants(pid: int, parents: dict[int, int]) -> list[int]:
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _private(pid: int) -> int:
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
