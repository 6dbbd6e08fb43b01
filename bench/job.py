"""Compare a whole job, from S3 to S3, with the library alone on the same file; and count its calls to AWS.

`python -m bench.job [--variants 1000000] [--runs 3] [--folder DIR]` makes the chromosome of bench.chromosome with one
source (kept for bench.annotation, which shares it), and starts a devstack without workers. In one process it then runs
in turn the library on the file on disk, and the task that a worker runs: claim, fetch from S3, annotate, store in S3,
complete. S3 is the emulator on this machine: its time, and that of the disk, stand for AWS's. Requests are counted
where they leave the process.
"""

import argparse
import gzip
import logging
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
from rich.console import Console
from rich.table import Table

from bench import annotation
from bench.service import family, memory_of
from devstack.stack import Stack
from tests.support.asked import Asked

#: The bar: the largest allowed ratio of the whole job's time to the library's.
RATIO = 1.5


@dataclass(frozen=True)
class Run:
    """Seconds of the library alone, and of the whole job: in total, before, in and after the library.

    memory: the highest proportional set size of this process and its children during the job, in bytes.
    """

    library: float
    before: float
    inner: float
    after: float
    memory: int
    requests: Counter[str]

    @property
    def job(self) -> float:
        return self.before + self.inner + self.after


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.job", description=__doc__)
    parser.add_argument("--variants", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="kept, so that the next run finds it")
    options = parser.parse_args()
    folder = annotation.prepare(options.folder / str(options.variants), options.variants).absolute()
    asked = Asked()
    env = {"REFERENCES_DIR": str(folder / "packs")}
    with tempfile.TemporaryDirectory() as data, Stack(Path(data) / "data", workers=(), env=env) as stack:
        found = list(measure(stack, folder / "person.vcf.gz", options.runs, asked))
    Console().print(times(found, options.variants))
    Console().print(counts(found))
    sys.exit(0 if median(found, lambda one: one.job / one.library) <= RATIO else 1)


def measure(stack: Stack, vcf: Path, runs: int, asked: Asked) -> Iterator[Run]:
    """This process as a worker of the stack, one run after the other."""
    os.environ.update(stack.env)
    import django

    django.setup()
    from annotator.tasks import annotate_job
    from gas.celery import app
    from gas.jobs.lifecycle.uploads import confirm_upload, open_upload
    from gas.jobs.models import Notice
    from gas.jobs.tasks import send_notice
    from gas.subscriptions.changes import set_plan
    from gas.users.models import PlanChoice, User

    app.loader.import_default_modules()
    person = User.objects.get(email=stack.accounts.demo.email)
    set_plan(person, PlanChoice.PREMIUM)  # whose files may be as large as these
    person.refresh_from_db()
    logging.disable(logging.INFO)
    stacks = set(family(os.getpid())) - {os.getpid()}
    first = start_of(vcf, stack.data.path / "first.vcf")
    for number in range(runs + 1):
        path = vcf if number else first  # one small file, so that everything has been loaded
        library = alone(path, stack.data.path / "work")
        opened = open_upload(person, name=path.name, size=path.stat().st_size, reference=annotation.PACK)
        assert opened.form
        send(opened.form, path)
        asked.calls.clear()
        job = confirm_upload(opened.job)
        with highest(stacks) as memory, inside() as moments:
            began = time.perf_counter()
            annotate_job.apply(args=(str(job.pk),), throw=True)
            ended = time.perf_counter()
        job.refresh_from_db()
        assert job.status == "COMPLETED", f"{job.failure_code or job.status}: {job.failure_message}"
        for notice in Notice.objects.filter(job=job):
            send_notice.apply(args=(str(notice.pk),), throw=True)
        begin, end = moments
        if number:
            yield Run(library, begin - began, end - begin, ended - end, memory[0], Counter(asked.calls))


def start_of(vcf: Path, target: Path) -> Path:
    """Return the header and the first records."""
    with gzip.open(vcf, "rt") as lines:
        target.write_text("".join(islice(lines, 1000)))
    return target


def alone(vcf: Path, folder: Path) -> float:
    """Seconds of the library, on the same pack with the same source."""
    from django.conf import settings

    from annotator.reference.pack import load_reference
    from annotator.run.annotate import annotate
    from annotator.sources.manifest import installed_sources

    packs = settings.REFERENCES_DIR
    assert packs is not None
    with tempfile.TemporaryDirectory(dir=folder) as out:
        begin = time.perf_counter()
        annotate(
            vcf,
            Path(out),
            reference=load_reference(annotation.PACK, packs),
            sources=installed_sources(packs, annotation.PACK),
        )
        return time.perf_counter() - begin


def send(form: dict[str, Any], path: Path) -> None:
    """The browser's part."""
    with requests.Session() as session, path.open("rb") as file:
        session.trust_env = False
        answer = session.post(form["url"], data=form["fields"], files={"file": file}, timeout=600)
    answer.raise_for_status()


@contextmanager
def inside() -> Iterator[list[float]]:
    """When the task calls the library, and when it has its answer."""
    from annotator import tasks
    from annotator.run.annotate import annotate

    moments: list[float] = []

    def timed(*arguments: Any, **options: Any) -> Any:
        moments.append(time.perf_counter())
        try:
            return annotate(*arguments, **options)
        finally:
            moments.append(time.perf_counter())

    with patch.object(tasks, "annotate", timed):
        yield moments


@contextmanager
def highest(others: Container[int]) -> Iterator[list[int]]:
    """The most bytes of this process and its children but the others, looked at twenty times a second."""
    found, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            found[0] = max(found[0], sum(memory_of(pid) for pid in family(os.getpid()) if pid not in others))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def median(found: list[Run], value: Callable[[Run], float]) -> float:
    return statistics.median(value(one) for one in found)


def times(found: list[Run], variants: int) -> Table:
    table = Table(
        title=f"A job of {variants:,} variants with one source, median of {len(found)}, {os.cpu_count()} cores"
    )
    for column in ("what", "wall, s", "/ library"):
        table.add_column(column, justify="left" if column == "what" else "right")
    rows: dict[str, Callable[[Run], float]] = {
        "the library, file to file": lambda one: one.library,
        "the whole job, S3 to S3": lambda one: one.job,
        "  claim and fetch": lambda one: one.before,
        "  the library in the job": lambda one: one.inner,
        "  store and complete": lambda one: one.after,
    }
    for what, value in rows.items():
        ratio = median(found, lambda one, value=value: value(one) / one.library)  # type: ignore[misc]
        table.add_row(what, f"{median(found, value):.2f}", f"{ratio:.2f}")
    table.add_row("memory of the worker's process tree", f"{max(one.memory for one in found) / 1e6:.0f} MB", "")
    return table


def counts(found: list[Run]) -> Table:
    """Of one job, from its confirmation to the mail; the browser's own upload is one more of S3."""
    table = Table(title="Requests to AWS for one such job")
    table.add_column("operation")
    table.add_column("requests", justify="right")
    last = found[-1].requests
    for call, count in sorted(last.items()):
        table.add_row(call, str(count))
    sent = last["sqs.SendMessage"]
    for call in ("sqs.ReceiveMessage", "sqs.DeleteMessage"):
        table.add_row(f"{call}, of the messages sent", str(sent))
    table.add_row("all", str(last.total() + 2 * sent))
    return table


if __name__ == "__main__":
    main()
