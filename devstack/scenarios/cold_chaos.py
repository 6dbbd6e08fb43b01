"""Many results to Glacier and back while workers are killed and AWS fails: every byte is the same, nothing is left.

SQS, S3 and Glacier each refuse some of their calls all the time, and are down altogether twice: once while results
are archived, once while they come back. The workers that annotate, archive and restore die by SIGKILL.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from devstack.client import Scientist
from devstack.scenarios import chaos
from devstack.scenarios.verify import Submitted, broken_archives, broken_promises, expect, observe
from devstack.stack import Stack, Worker

COLD = ("gas-archive", "gas-restore")
SETTINGS = {**chaos.SETTINGS, "ARCHIVE_AFTER_SECONDS": "20"}
WORKERS = (
    Worker("annotate-1", chaos.ANNOTATE),
    Worker("cold-1", COLD),
    Worker("cold-2", COLD),
    Worker("general-1", ("gas-default",)),
)
SERVICES = ("sqs", "s3", "glacier")
#: What the workers that are killed work on.
KILLED = (chaos.ANNOTATE, COLD)


@dataclass(frozen=True, kw_only=True)
class Plan(chaos.Work):
    """rate: of calls that fail; down: seconds of each outage; seconds: the longest wait for each half of the way."""

    jobs: int = 100
    pause: tuple[float, float] = (4.0, 8.0)
    rate: float = 0.1
    down: float = 20
    seconds: float = 900


@dataclass
class Outcome:
    """What became of the jobs.

    mails: of the return of a batch.
    orphans: archives that no row names, see `forgotten_archives` of the checks.
    paid: how many retrievals would have been paid for.
    problems: empty when every promise was kept.
    """

    jobs: int
    mails: int = 0
    orphans: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    outages: int = 0
    faults: int = 0
    calls: int = 0
    paid: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def report(self) -> str:
        lines = [
            f"{self.jobs} results archived and restored in {self.seconds:.0f} s.",
            "Killed: " + (", ".join(f"{name} {count} times" for name, count in sorted(self.kills.items())) or "none"),
            f"AWS refused {self.faults:,} of {self.calls:,} calls, outages among them: {self.outages}.",
            f"{self.paid} retrievals were paid for. {self.mails} mails about the return.",
            f"{self.orphans} archives were left by workers that died between Glacier's answer and the commit.",
        ]
        return "\n".join([*lines, *(f"PROBLEM: {problem}" for problem in self.problems)])


def cold_chaos(stack: Stack, plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run the plan on a started stack whose workers are WORKERS and whose settings are SETTINGS."""
    outcome, began = Outcome(plan.jobs), time.monotonic()
    weather = _Weather(stack, plan, outcome)
    people = [chaos.newcomer(stack, number) for number in range(plan.people)]
    over = threading.Event()
    victims = [worker.name for worker in WORKERS if worker.queues in KILLED]
    killer = chaos.killing(stack, victims, plan, outcome.kills, over)
    killer.start()
    try:
        weather.bad()
        submitted = [one for share in chaos.upload_shares(people, plan, folder) for one in share]
        say(f"{len(submitted)} jobs submitted after {time.monotonic() - began:.0f} s.")
        _wait(submitted, "ARCHIVED", plan, weather, say)
        # Archives without a row may be on their way to one; each row's must be there.
        outcome.problems += broken_archives(observe(stack, []), expect(submitted), forgotten=math.inf)
        for person in people:
            stack.manage("devstack_set_plan", person.email, "premium")
        _wait(submitted, "AVAILABLE", plan, weather, say)
    finally:
        over.set()
        killer.join()
        weather.fair()
    outcome.seconds = time.monotonic() - began
    chaos.settle(stack, submitted, 240, say)
    if plan.tamper:
        plan.tamper(stack, submitted[0].job)
    _check(stack, people, submitted, outcome)
    return outcome


class _Weather:
    """Bad: some calls fail. Foul: all do, without an answer. Counts what it has done."""

    def __init__(self, stack: Stack, plan: Plan, outcome: Outcome) -> None:
        self.stack, self.plan, self.outcome = stack, plan, outcome

    def _set(self, rules: list[dict[str, object]]) -> None:
        counts = self.stack.fault_counts()
        self.outcome.faults += sum(rule["hits"] for rule in counts)
        self.outcome.calls += sum(rule["seen"] for rule in counts)
        self.stack.faults(rules, seed=self.plan.seed)

    def fair(self) -> None:
        self._set([])

    def bad(self) -> None:
        self._set([{"service": service, "rate": self.plan.rate, "status": 503} for service in SERVICES])

    def outage(self) -> None:
        self._set([{"service": service, "mode": "drop"} for service in SERVICES])
        time.sleep(self.plan.down)
        self.outcome.outages += 1
        self.bad()


def _wait(submitted: list[Submitted], state: str, plan: Plan, weather: _Weather, say: Callable[[str], None]) -> None:
    """Until every result is in `state`, with an outage once a quarter of them is; the checks tell what is missing."""
    reached: set[str] = set()
    had_outage = False
    until = time.monotonic() + plan.seconds
    while len(reached) < len(submitted) and time.monotonic() < until:
        for one in submitted:
            if one.job not in reached and (one.person.status(one.job)["result"] or {}).get("state") == state:
                reached.add(one.job)
        say(f"{len(reached)} of {len(submitted)} {state}")
        if not had_outage and len(reached) >= len(submitted) / 4:
            had_outage = True
            weather.outage()
        time.sleep(1)


def _check(stack: Stack, people: list[Scientist], submitted: list[Submitted], outcome: Outcome) -> None:
    """Everything is back, whole, with one mail; Glacier holds only what killed workers left."""
    seen = observe(stack, submitted)
    # A vault names an archive only in its answer, which a killed worker may not have heard. A worker does two at once.
    forgotten = sum(outcome.kills.values()) * 2 if stack.env["ARCHIVE_ROUTE"] == "vault" else 0
    outcome.problems += broken_promises(
        submitted, seen, forgotten_archives=forgotten, strangers=[stack.accounts.staff.email]
    )
    outcome.problems += [
        f"the result of job {row['job']} is {row['state']}. {row['problem']}"
        for row in seen.database["results"]
        if row["state"] != "AVAILABLE"
    ]
    outcome.orphans = len(seen.archives)
    for person in people:
        told = sum(mail["subject"].endswith(" back") for mail in stack.mail(person.email))
        outcome.mails += told
        if told != 1:
            outcome.problems.append(f"{person.email} got {told} mails of the return of one batch.")
    glacier = stack.glacier_state()
    outcome.paid = glacier["class"]["paid"] + sum(vault["paid"] for vault in glacier["vaults"].values())
