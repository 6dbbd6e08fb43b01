"""Many small jobs while workers are killed and AWS answers 503: all end COMPLETED, with one mail each.

Workers die by SIGKILL with everything below them, as on a machine that has lost its power.
"""

import random
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from annotator.samples import write_sample
from devstack.client import TERMINAL, Scientist
from devstack.provision import QUEUES
from devstack.stack import Stack, Worker
from devstack.waiting import wait_for

ANNOTATE = ("gas-annotate",)
#: Short leases and frequent sweeps, so that what a dead worker left is taken over within seconds; and as many
#: attempts as it takes, since workers die here more often in a minute than elsewhere in a year.
SETTINGS = {
    "LEASE_SECONDS": "10",
    "SWEEP_SECONDS": "5",
    "RESEND_AFTER_SECONDS": "20",
    "MAX_ATTEMPTS": "20",
    "MAX_ACTIVE_JOBS": "1000",
}
WORKERS = (
    Worker("annotate-1", ANNOTATE),
    Worker("annotate-2", ANNOTATE),
    Worker("general-1", tuple(name for name in QUEUES if name not in ANNOTATE)),
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """So many jobs of so many records each, shared out among people; pause: seconds between two kills."""

    jobs: int
    pause: tuple[float, float]
    people: int = 4
    records: int = 30
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Plan(Work):
    """seconds: how long to wait for the last job; rate: of calls to AWS that fail."""

    jobs: int = 200
    pause: tuple[float, float] = (2.0, 5.0)
    seconds: float = 900
    rate: float = 0.05
    kill_general: bool = False


@dataclass
class Outcome:
    """`problems` is empty when every promise was kept."""

    jobs: int
    statuses: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    calls: int = 0
    seconds: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def report(self) -> str:
        lines = [
            f"{self.jobs} jobs in {self.seconds:.0f} s: "
            + ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items())),
            "Killed: " + (", ".join(f"{name} {count} times" for name, count in sorted(self.kills.items())) or "none"),
            f"AWS refused {self.faults:,} of {self.calls:,} calls.",
            f"Taken over from a dead worker: {self.state.get('taken_over', '?')} jobs.",
            f"At most {self.state.get('attempts', '?')} attempts for one job.",
        ]
        return "\n".join([*lines, *(f"PROBLEM: {problem}" for problem in self.problems)])


def chaos(stack: Stack, plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run the plan on a started stack whose workers are WORKERS and whose settings are SETTINGS."""
    outcome = Outcome(plan.jobs)
    began = time.monotonic()
    people = [newcomer(stack, number) for number in range(plan.people)]
    stack.faults([{"service": "*", "rate": plan.rate, "status": 503}], seed=plan.seed)
    over = threading.Event()
    victims = [worker.name for worker in WORKERS if worker.queues == ANNOTATE or plan.kill_general]
    killer = killing(stack, victims, plan, outcome.kills, over)
    killer.start()
    try:
        jobs = _submit(people, plan, folder)
        say(f"{len(jobs)} jobs submitted after {time.monotonic() - began:.0f} s.")
        outcome.statuses = _wait(jobs, plan.seconds - (time.monotonic() - began), say)
    finally:
        over.set()
        killer.join()
    outcome.seconds = time.monotonic() - began
    counts = stack.fault_counts()
    outcome.faults, outcome.calls = sum(r["hits"] for r in counts), sum(r["seen"] for r in counts)
    stack.faults([])
    # A mail whose sender was killed is claimed for five minutes before another worker may send it.
    _check(stack, list(jobs), outcome, mail_seconds=480 if plan.kill_general else 120)
    return outcome


def newcomer(stack: Stack, number: int) -> Scientist:
    email = f"person-{number}-{secrets.token_hex(3)}@lab.example"
    scientist = Scientist(stack.web_url, email=email, password=secrets.token_urlsafe(12), mail=stack.mail)
    scientist.sign_up()
    scientist.verify()
    return scientist


def upload_shares(people: list[Scientist], plan: Work, folder: Path) -> list[list[str]]:
    """Every person uploads their share, all at the same time. Returns each one's jobs."""

    def share(number: int) -> list[str]:
        jobs = []
        for file_number in range(number, plan.jobs, len(people)):
            path = folder / f"sample-{file_number}.vcf"
            write_sample(path, records=plan.records, seed=plan.seed + file_number)
            jobs.append(people[number].upload(path))
        return jobs

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(share, range(len(people))))


def _submit(people: list[Scientist], plan: Plan, folder: Path) -> dict[str, Scientist]:
    """In the order in which they came, which is about that in which they end."""
    rounds = zip_longest(*upload_shares(people, plan, folder))
    return {job: person for jobs in rounds for job, person in zip(jobs, people, strict=True) if job}


def killing(
    stack: Stack, victims: list[str], plan: Work, kills: Counter[str], over: threading.Event
) -> threading.Thread:
    """A thread, not started, that kills one of these workers after the other until it is over."""

    def kill_at_random() -> None:
        chance = random.Random(plan.seed)
        while not over.is_set():
            victim = chance.choice(victims)
            # Only those at work: on a slow machine one might else die before it has done anything, for ever.
            while not stack.is_ready(victim) and not over.wait(0.1):
                pass
            if not over.wait(chance.uniform(*plan.pause)):
                kills[victim] += stack.kill(victim)

    return threading.Thread(target=kill_at_random, daemon=True)


def _wait(jobs: dict[str, Scientist], seconds: float, say: Callable[[str], None]) -> Counter[str]:
    statuses = dict.fromkeys(jobs, "PENDING")
    open_jobs = deque(jobs)
    told = time.monotonic()

    def all_ended() -> bool:
        nonlocal told
        # Some at a time, in turn: asking for all of them would be most of the machine's work.
        for _ in range(min(20, len(open_jobs))):
            job = open_jobs.popleft()
            statuses[job] = jobs[job].status(job)["status"]
            if statuses[job] not in TERMINAL:
                open_jobs.append(job)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(", ".join(f"{count} {status}" for status, count in sorted(Counter(statuses.values()).items())))
        return not open_jobs

    with suppress(TimeoutError):  # the counts tell
        wait_for(all_ended, max(seconds, 1), "the end of all jobs", every=0.5)
    return Counter(statuses.values())


def _check(stack: Stack, jobs: list[str], outcome: Outcome, *, mail_seconds: float) -> None:
    """What was promised of each job: COMPLETED, one mail, no lease left."""
    problems = outcome.problems
    if outcome.statuses["COMPLETED"] != len(jobs):
        problems.append(f"{len(jobs) - outcome.statuses['COMPLETED']} of {len(jobs)} jobs are not COMPLETED.")
    mails: Counter[str] = Counter()

    def all_mailed() -> bool:
        mails.clear()
        texts = [mail["text"] for mail in stack.mail()]
        mails.update({job: sum(job in text for text in texts) for job in jobs})
        return all(mails[job] >= 1 for job in jobs)

    try:
        wait_for(all_mailed, mail_seconds if not problems else 5, "a mail for each job", every=0.5)
    except TimeoutError:
        problems.append(f"{sum(mails[job] == 0 for job in jobs)} jobs have no completion mail.")
    twice = sum(mails[job] > 1 for job in jobs)
    if twice:
        problems.append(f"{twice} jobs have more than one completion mail.")
    outcome.state = stack.state()
    if outcome.state["leases"]:
        problems.append(f"{outcome.state['leases']} leases are alive though all work has ended.")
    if outcome.state["notices_unsent"]:
        problems.append(f"{outcome.state['notices_unsent']} notices are still owed.")
    for row in outcome.state["unfinished"]:
        problems.append(f"job {row['job']} is {row['status']} after {row['attempts']} attempts.")
