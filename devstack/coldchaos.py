"""Many results to Glacier and back while workers are killed and AWS fails: every byte is the same, nothing is left.

SQS, S3 and Glacier each refuse some of their calls all the time, and are down altogether twice: once while results
are archived, once while they come back. The workers that archive and restore die by SIGKILL.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devstack import chaos
from devstack.client import Refused, Scientist
from devstack.stack import Stack, Worker
from devstack.waiting import wait_for

COLD = ("gas-archive", "gas-restore")
SETTINGS = {**chaos.SETTINGS, "ARCHIVE_AFTER_SECONDS": "20"}
WORKERS = (
    Worker("annotate-1", ("gas-annotate",)),
    Worker("cold-1", COLD),
    Worker("cold-2", COLD),
    Worker("general-1", ("gas-default",)),
)
SERVICES = ("sqs", "s3", "glacier")


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
    """`problems` is empty when every promise was kept. `orphans`: archives that nobody knows, see `_check_archives`."""

    jobs: int
    identical: int = 0
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
            f"{self.jobs} results archived and restored in {self.seconds:.0f} s: {self.identical} identical.",
            "Killed: " + (", ".join(f"{name} {count} times" for name, count in sorted(self.kills.items())) or "none"),
            f"AWS refused {self.faults:,} of {self.calls:,} calls, outages among them: {self.outages}.",
            f"{self.paid} retrievals were paid for. {self.mails} mails told of the return.",
            f"{self.orphans} archives were left by workers that died between Glacier's answer and the commit.",
        ]
        return "\n".join([*lines, *(f"PROBLEM: {problem}" for problem in self.problems)])


def cold_chaos(stack: Stack, plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run the plan on a started stack whose workers are WORKERS and whose settings are SETTINGS."""
    outcome, began = Outcome(plan.jobs), time.monotonic()
    weather = _Weather(stack, plan, outcome)
    people = [chaos.newcomer(stack, number) for number in range(plan.people)]
    over = threading.Event()
    victims = [worker.name for worker in WORKERS if worker.queues == COLD]
    killer = chaos.killing(stack, victims, plan, outcome.kills, over)
    try:
        weather.bad()
        owned = chaos.upload_shares(people, plan, folder)
        before = _read_all(people, owned, plan)
        killer.start()
        say(f"{len(before)} jobs completed after {time.monotonic() - began:.0f} s.")
        owners = {job: person for person, jobs in zip(people, owned, strict=True) for job in jobs}
        _wait(owners, "ARCHIVED", plan, weather, say)
        for person in people:
            stack.manage("devstack_set_plan", person.email, "premium")
        _wait(owners, "AVAILABLE", plan, weather, say)
    finally:
        over.set()
        if killer.ident:
            killer.join()
        weather.fair()
    outcome.seconds = time.monotonic() - began
    with suppress(TimeoutError):  # what is missing is told below
        wait_for(lambda: _settled(stack), 120, "the end of what is on its way", every=1)
    _check(stack, people, owners, before, outcome)
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


def _read_all(people: list[Scientist], owned: list[list[str]], plan: Plan) -> dict[str, str]:
    """{job: SHA-256} of every result as soon as its job is completed: of its bytes, unless it is archived already."""

    def share(number: int) -> dict[str, str]:
        found = {}
        for job in owned[number]:
            ended = people[number].wait(job, plan.seconds)
            if ended["status"] != "COMPLETED":
                raise TimeoutError(f"job {job} ended as {ended['status']}")
            found[job] = ended["result"]["sha256"]
            with suppress(Refused):
                found[job] = hashlib.sha256(people[number].download(job)).hexdigest()
        return found

    with ThreadPoolExecutor(len(people)) as pool:
        return {job: digest for part in pool.map(share, range(len(people))) for job, digest in part.items()}


def _wait(owners: dict[str, Scientist], state: str, plan: Plan, weather: _Weather, say: Callable[[str], None]) -> None:
    """Until every result is in `state`, with an outage once a quarter of them is; the checks tell what is missing."""
    reached: set[str] = set()
    had_outage = False
    until = time.monotonic() + plan.seconds
    while len(reached) < len(owners) and time.monotonic() < until:
        for job, person in owners.items():
            if job not in reached and person.status(job)["result"]["state"] == state:
                reached.add(job)
        say(f"{len(reached)} of {len(owners)} {state}")
        if not had_outage and len(reached) >= len(owners) / 4:
            had_outage = True
            weather.outage()
        time.sleep(1)


def _settled(stack: Stack) -> bool:
    state = stack.state()
    return not state["removals"] and not state["batches_open"] and not state["notices_unsent"]


def _check(
    stack: Stack, people: list[Scientist], owners: dict[str, Scientist], before: dict[str, str], outcome: Outcome
) -> None:
    state, problems = stack.state(), outcome.problems
    results = {row["job"]: row for row in state["results"]}
    for job, person in owners.items():
        row = results[job]
        if row["state"] != "AVAILABLE":
            problems.append(f"the result of {job} is {row['state']}. {row['problem']}")
            continue
        same = hashlib.sha256(person.download(job)).hexdigest() == before[job]
        outcome.identical += same
        if not same:
            problems.append(f"the result of {job} is not what it was.")
    _check_archives(stack, results, outcome)
    hot = [key.partition("/")[2] for key in stack.objects("annot.vcf.gz") if key.endswith("/annot.vcf.gz")]
    if extra := set(hot) - {row["key"] for row in state["results"]}:
        problems.append(f"{len(extra)} hot copies are left that no result names: {sorted(extra)[:3]}.")
    for name in ("removals", "batches_open", "notices_unsent", "leases"):
        if state[name]:
            problems.append(f"{state[name]} {name.replace('_', ' ')} are left though all work has ended.")
    for person in people:
        told = sum(mail["subject"].endswith(" back") for mail in stack.mail(person.email))
        outcome.mails += told
        if told != 1:
            problems.append(f"{person.email} got {told} mails of the return of one batch.")
    glacier = stack.glacier_state()
    outcome.paid = glacier["class"]["paid"] + sum(vault["paid"] for vault in glacier["vaults"].values())


def _check_archives(stack: Stack, results: dict[str, dict[str, Any]], outcome: Outcome) -> None:
    """No result names an archive any more.

    A vault names an archive in its answer alone. A worker that is SIGKILLed before its commit leaves one that nobody
    knows until the vault's inventory, made once a day, is compared. No byte is lost by it. There can be no more of
    these than workers that were killed, times what each does at once. On the storage classes there are none.
    """
    outcome.orphans = len(stack.archives())
    named = sum(bool(row["archive_id"]) for row in results.values())
    if named:
        outcome.problems.append(f"{named} results still name an archive.")
    forgotten = sum(outcome.kills.values()) * 2 if stack.env["ARCHIVE_ROUTE"] == "vault" else 0
    if outcome.orphans > forgotten:
        outcome.problems.append(f"{outcome.orphans} archives are left, more than killed workers can have forgotten.")
