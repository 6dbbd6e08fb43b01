"""Measure the time of a 150 KB job on an idle stack, memory growth over many jobs, and jobs per minute.

`python -m bench.service [--jobs 200]` starts a devstack of its own and prints a table: from confirm to COMPLETED (the
row's own times, so that polling adds nothing), the memory of the web and worker processes, children included, after a
warm-up and at the end, and the rate at which the jobs of several people, all uploaded at once, get done. Memory is the
proportional set size: a page that forked processes share counts once.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from annotator.reference.sample_file import write_sample
from devstack.client import Scientist
from devstack.scenarios.chaos import newcomer
from devstack.stack import Stack

LIMIT_BYTES = 150 * 1024
#: Until each process of the pool has loaded what each kind of task needs: annotating, mailing, archiving.
WARM_UP = 60
#: Who upload at the same time: on the free plan, one job of each runs at a time.
PEOPLE = 4

#: What must hold: seconds from confirm to COMPLETED at the median, and bytes that memory may grow by.
LATENCY_SECONDS = 2.0
GROWTH_BYTES = 15e6

#: Number of jobs on a stack with the largest file of the free plan.
Measure = Callable[[Stack, Path, int], tuple[Table, bool]]


def main() -> None:
    run("bench.service", __doc__, measure, jobs=200)


def run(name: str, about: str | None, measure: Measure, *, jobs: int, **options: Any) -> NoReturn:
    """A command of its own: measures on a new devstack with these options, and exits 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog=name, description=about)
    parser.add_argument("--jobs", type=int, default=jobs)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        vcf = largest_sample(Path(folder) / "sample.vcf")
        with Stack(Path(folder) / "data", **options) as stack:
            table, holds = measure(stack, vcf, jobs)
    Console().print(table)
    sys.exit(0 if holds else 1)


def measure(stack: Stack, vcf: Path, jobs: int) -> tuple[Table, bool]:
    """One job after the other, as an idle service has them. Returns the numbers, and whether what must hold does."""
    demo = stack.accounts.demo
    seconds: list[float] = []
    with Scientist(stack.web_url, email=demo.email, password=demo.password, mail=stack.mail) as scientist:
        scientist.sign_in()
        for number in range(WARM_UP + jobs):
            if number == WARM_UP:
                before = memory(stack)
            status = scientist.wait(scientist.upload(vcf))
            assert status["status"] == "COMPLETED", status
            if number >= WARM_UP:
                begin, end = (datetime.fromisoformat(status[name]) for name in ("submitted_at", "finished_at"))
                seconds.append((end - begin).total_seconds())
        after = memory(stack)
    table = Table(title=f"{jobs} jobs of {vcf.stat().st_size:,} bytes")
    for column in ("what", "value"):
        table.add_column(column)
    table.add_row("confirm to COMPLETED, median", f"{statistics.median(seconds):.2f} s")
    table.add_row("confirm to COMPLETED, 95th percentile", f"{statistics.quantiles(seconds, n=20)[-1]:.2f} s")
    for name in before:
        growth = after[name] - before[name]
        table.add_row(f"memory of {name}", f"{before[name] / 1e6:.1f} MB, then {growth / 1e6:+.1f} MB")
    table.add_row(f"jobs in a minute, of {PEOPLE} people", f"{rate(stack, vcf, jobs):.0f}")
    grown = max(after[name] - before[name] for name in before)
    return table, statistics.median(seconds) <= LATENCY_SECONDS and grown <= GROWTH_BYTES


def rate(stack: Stack, vcf: Path, jobs: int) -> float:
    """Jobs that get done in a minute while there is always one to do: from the first start to the last end."""
    with ExitStack() as stack_of_people, ThreadPoolExecutor(PEOPLE) as pool:
        people = [stack_of_people.enter_context(newcomer(stack, number)) for number in range(PEOPLE)]

        def share(person: Scientist) -> list[dict[str, Any]]:
            return [person.wait(job, 600) for job in [person.upload(vcf) for _ in range(jobs // PEOPLE)]]

        ended = [status for statuses in pool.map(share, people) for status in statuses]
    assert all(status["status"] == "COMPLETED" for status in ended)
    begin, end = (
        edge(datetime.fromisoformat(one[name]) for one in ended)
        for edge, name in ((min, "started_at"), (max, "finished_at"))
    )
    return 60 * len(ended) / (end - begin).total_seconds()


def largest_sample(path: Path) -> Path:
    """As many records as the free plan's limit lets through."""
    records = 2000
    while True:
        write_sample(path, records=records, seed=1)
        if path.stat().st_size <= LIMIT_BYTES:
            return path
        records -= 50


def memory(stack: Stack) -> dict[str, int]:
    """Bytes of the web server and of the worker, each with its descendants."""
    return {name: sum(map(memory_of, family(stack.pid(name)))) for name in ("web", "worker-1")}


def family(pid: int) -> list[int]:
    """Return the numbers of a process and of its descendants.

    Found by the parents of all processes: not every kernel has /proc/PID/task/TID/children.
    """
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def memory_of(pid: int) -> int:
    """Return the proportional set size of a process in bytes; 0 if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
