"""What the restore of N archived results of one person costs: the upgrade, the marking, the asking, one round of polls.

`python -m bench.restore [--counts 10 1000 10000]` runs the real code on a SQLite database and the emulated vault, in
one process, and prints for each N: the time that the upgrade itself takes, database queries, and Glacier calls.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import django
from rich.console import Console
from rich.table import Table

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.restore", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 1000, 10_000])
    counts = parser.parse_args().counts
    table = Table(title="Restoring N results of one person (vault)")
    for column in (
        "N",
        "upgrade",
        "queries to mark",
        "to ask",
        "Glacier calls",
        "queries for a poll",
        "Glacier calls ",
    ):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / str(count)}.sqlite3"
            django.setup()
            table.add_row(*measure(count, Path(folder) / f"{count}.sqlite3"))
    Console().print(table)


def measure(count: int, database: Path) -> list[str]:
    """One row of the table. Each N has a database of its own."""
    from django.core.management import call_command
    from django.db import connection, connections
    from django.test.utils import CaptureQueriesContext

    from gas.celery import app
    from gas.jobs.models import Job, ResultFile
    from gas.jobs.storage import restoration
    from gas.subscriptions.changes import set_plan
    from gas.users.models import PlanChoice, User
    from restore.tasks import poll, request_page
    from tests.support.glacier_standin import faithful_aws

    connections["default"].close()
    connections["default"].settings_dict["NAME"] = str(database)
    call_command("migrate", verbosity=0)
    app.conf.task_always_eager = False
    sent: list[str] = []
    app.send_task = lambda name, *_, **__: sent.append(name)  # type: ignore[method-assign]
    with faithful_aws() as aws:
        aws.glacier(seconds={"Expedited": 3600})
        person = User.objects.create_user("many@lab.example")
        archives = [store(number) for number in range(count)]
        jobs = Job.objects.bulk_create(
            Job(owner=person, name=f"{number}.vcf", reference="rCRS", status="COMPLETED") for number in range(count)
        )
        ResultFile.objects.bulk_create(
            ResultFile(job=job, key="k", index_key="i", size=9, state="ARCHIVED", archive_route="vault", archive_id=one)
            for job, one in zip(jobs, archives, strict=True)
        )
        began = time.perf_counter()
        set_plan(person, PlanChoice.PREMIUM)
        upgrade = time.perf_counter() - began
        with CaptureQueriesContext(connection) as marking:
            batch = restoration.restore_all(str(person.pk))
        assert batch is not None
        aws.calls.clear()
        with CaptureQueriesContext(connection) as asking:
            while page := list(restoration.to_request(batch).select_related("job")[: restoration.PAGE]):
                request_page(batch, page)
        asked = len(aws.calls)
        aws.calls.clear()
        with CaptureQueriesContext(connection) as polling:
            poll(batch)
        return [
            f"{count:,}",
            f"{upgrade * 1000:.0f} ms",
            f"{len(marking):,}",
            f"{len(asking):,}",
            f"{asked:,}",
            f"{len(polling):,}",
            f"{len(aws.calls):,}",
        ]


def store(number: int) -> str:
    """Return an archive straight in the vault."""
    from gas.aws.clients import glacier
    from gas.aws.treehash import TreeHash

    body = f"result {number}".encode()
    tree = TreeHash()
    tree.update(body)
    answer = glacier().upload_archive(vaultName="gas-archive", body=body, checksum=tree.hexdigest())
    return str(answer["archiveId"])


if __name__ == "__main__":
    main()
