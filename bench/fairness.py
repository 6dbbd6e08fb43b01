"""How long a person's first job waits behind 50 of somebody else's, on one worker that has to do them all.

`python -m bench.fairness [--jobs 50]` starts a devstack of its own, and prints the newcomer's time from confirm to
COMPLETED compared with that of the same file on the idle stack, and with what a queue in order of arrival would have
made of it: the time that the other's jobs took until the last.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.service import run
from devstack.client import Scientist
from devstack.scenarios.chaos import newcomer
from devstack.stack import Stack, Worker
from gas.tasknames import QUEUES

#: What must hold: the newcomer waits for one job of the other's at most, and then has the worker every other turn.
RATIO = 4.0


def main() -> None:
    run("bench.fairness", __doc__, measure, jobs=50, workers=(Worker("one", QUEUES, concurrency=1),))


def measure(stack: Stack, vcf: Path, jobs: int) -> tuple[Table, bool]:
    """Returns the numbers, and whether what must hold does."""
    with newcomer(stack, 1) as many, newcomer(stack, 2) as other:
        other.wait(other.upload(vcf))  # both have been served before
        alone = seconds(other, other.upload(vcf))
        theirs = [many.upload(vcf) for _ in range(jobs)]
        waiting = sum(many.status(job)["status"] == "PENDING" for job in theirs)
        behind = seconds(other, other.upload(vcf))
        ends = [many.wait(job, 600) for job in theirs]
    last = max(_time(end, "finished_at") for end in ends) - min(_time(end, "submitted_at") for end in ends)
    table = Table(title=f"A newcomer's job behind {waiting} waiting ones of one person, on one worker")
    for column in ("what", "seconds", "ratio"):
        table.add_column(column)
    for what, value in (
        ("on the idle stack", alone),
        ("behind them", behind),
        ("all jobs of the other person, which a queue in order of arrival would do first", last.total_seconds()),
    ):
        table.add_row(what, f"{value:.2f}", f"{value / alone:.1f}")
    return table, behind <= RATIO * alone


def seconds(person: Scientist, job: str) -> float:
    """From confirm to the end, by the row's own times."""
    end = person.wait(job, 600)
    return (_time(end, "finished_at") - _time(end, "submitted_at")).total_seconds()


def _time(status: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(status[name])


if __name__ == "__main__":
    main()
