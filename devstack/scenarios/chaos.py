"""Many small jobs while workers are killed and AWS answers 503.

When the storm is over every result, object, archive and mail is compared with what was submitted (see verify.py).
Workers die by SIGKILL with everything below them, as on a machine that has lost its power.
"""

import random
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from annotator.reference.sample_file import write_sample
from devstack.aws.provision import QUEUES
from devstack.client import TERMINAL, Scientist
from devstack.scenarios.verify import Submitted, broken_promises, observe
from devstack.stack import Stack, Worker
from devstack.waiting import wait_for

ANNOTATE = ("gas-annotate",)
#: Short leases and frequent sweeps, so that what a dead worker left is taken over within seconds; and as many
#: attempts as it takes, since workers die here more often in a minute than elsewhere in a year. No result is archived:
#: that is the other storm.
SETTINGS = {
    "LEASE_SECONDS": "10",
    "SWEEP_SECONDS": "5",
    "RESEND_AFTER_SECONDS": "20",
    "MAX_ATTEMPTS": "20",
    "MAX_ACTIVE_JOBS": "1000",
    "ARCHIVE_AFTER_SECONDS": "86400",
}
WORKERS = (
    Worker("annotate-1", ANNOTATE),
    Worker("annotate-2", ANNOTATE),
    Worker("general-1", tuple(name for name in QUEUES if name not in ANNOTATE)),
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Jobs to submit while workers are killed.

    jobs: how many, shared out among the people.
    pause: the shortest and the longest time between two kills, in seconds.
    people: how many.
    records: of each file.
    seed: of the files and of the kills.
    tamper: damages one job when all work has ended, before the checks, to see that they report it.
    """

    jobs: int
    pause: tuple[float, float]
    people: int = 4
    records: int = 30
    seed: int = 1
    tamper: Callable[[Stack, str], None] | None = None


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
        submitted = _submit(people, plan, folder)
        say(f"{len(submitted)} jobs submitted after {time.monotonic() - began:.0f} s.")
        outcome.statuses = _wait(submitted, plan.seconds - (time.monotonic() - began), say)
    finally:
        over.set()
        killer.join()
    outcome.seconds = time.monotonic() - began
    counts = stack.fault_counts()
    outcome.faults, outcome.calls = sum(r["hits"] for r in counts), sum(r["seen"] for r in counts)
    stack.faults([])
    # A mail whose sender was killed is claimed for a minute before another worker may send it.
    settle(stack, submitted, 480 if plan.kill_general else 240, say)
    if plan.tamper:
        plan.tamper(stack, submitted[0].job)
    say("Checking every result, object, archive and mail ...")
    seen = observe(stack, submitted)
    outcome.state = seen.database
    outcome.problems = broken_promises(
        submitted, seen, mails_may_repeat=plan.kill_general, strangers=[stack.accounts.staff.email]
    )
    return outcome


def settle(stack: Stack, submitted: Sequence[Submitted], seconds: float, say: Callable[[str], None]) -> None:
    """Wait until all that is owed is done; whatever is not is told by the checks."""
    owed = ("leases", "notices_unsent", "removals", "batches_open", "purges", "table_builds")

    def settled() -> bool:
        state = stack.state()
        mails = "".join(mail["text"] for mail in stack.mail())
        return not any(state[name] for name in owed) and all(one.job in mails for one in submitted)

    try:
        wait_for(settled, seconds, "the end of what is owed", every=1)
    except TimeoutError as error:
        say(str(error))


def newcomer(stack: Stack, number: int) -> Scientist:
    email = f"person-{number}-{secrets.token_hex(3)}@lab.example"
    scientist = Scientist(stack.web_url, email=email, password=secrets.token_urlsafe(12), mail=stack.mail)
    scientist.sign_up()
    scientist.verify()
    return scientist


def upload_shares(people: list[Scientist], plan: Work, folder: Path) -> list[list[Submitted]]:
    """Upload every person's share at the same time. Returns the jobs of each."""

    def share(number: int) -> list[Submitted]:
        person, submitted = people[number], []
        for file_number in range(number, plan.jobs, len(people)):
            path = folder / f"sample-{file_number}.vcf"
            write_sample(path, records=plan.records, seed=plan.seed + file_number)
            submitted.append(Submitted(person.upload(path), person, path))
        return submitted

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(share, range(len(people))))


def _submit(people: list[Scientist], plan: Plan, folder: Path) -> list[Submitted]:
    """In the order in which they came, which is about that in which they end."""
    rounds = zip_longest(*upload_shares(people, plan, folder))
    return [one for jobs in rounds for one in jobs if one]


def killing(
    stack: Stack, victims: list[str], plan: Work, kills: Counter[str], over: threading.Event
) -> threading.Thread:
    """Return a thread, not started, that kills one of these workers after the other until it is over."""

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


def _wait(submitted: Sequence[Submitted], seconds: float, say: Callable[[str], None]) -> Counter[str]:
    statuses = {one.job: "PENDING" for one in submitted}
    waiting = deque(submitted)
    told = time.monotonic()

    def all_ended() -> bool:
        nonlocal told
        # Some at a time, in turn: asking for all of them would be most of the machine's work.
        for _ in range(min(20, len(waiting))):
            one = waiting.popleft()
            statuses[one.job] = one.person.status(one.job)["status"]
            if statuses[one.job] not in TERMINAL:
                waiting.append(one)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(", ".join(f"{count} {status}" for status, count in sorted(Counter(statuses.values()).items())))
        return not waiting

    with suppress(TimeoutError):  # the counts tell
        wait_for(all_ended, max(seconds, 1), "the end of all jobs", every=0.5)
    return Counter(statuses.values())
