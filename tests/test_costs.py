"""docs/costs.md tells what a job, an archive and a restore cost in AWS requests: counted here, against the emulator.

`python -m pytest tests/test_costs.py` says what differs; then update the numbers in the page by hand.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from annotator.tasks import annotate_job
from archive.tasks import archive_result, delete_hot_copy, remove_copy
from gas.aws import queues
from gas.jobs.models import Job, Notice, Removal, ResultFile
from gas.jobs.storage import restoration
from gas.jobs.tasks import send_notice
from gas.subscriptions.changes import set_plan
from gas.tasknames import QUEUES
from gas.users.models import PlanChoice, User
from restore.tasks import build_tables, finish_batch, poll, request_page, restore_result, restore_user_results
from tests.support.glacier_standin import StandIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "costs.md"
#: What S3 charges as a write; everything else there is a read, and deleting is free.
WRITES = {"s3.PutObject", "s3.CopyObject", "s3.ListObjectsV2"}
FREE = {"s3.DeleteObject", "s3.DeleteObjects", "glacier.DeleteArchive"}
RETRIEVALS = {"glacier.InitiateJob", "s3.RestoreObject"}
#: Uploads to Glacier; its lists and outputs are charged by the retrieval.
UPLOADS = {"glacier.UploadArchive"}
MAILS = {"job": 1, "restore": 1}


COLUMNS = ("S3 write", "S3 read", "Glacier upload", "retrieval", "Glacier other", "SQS")


class Meter:
    """Counts what one phase asks of each service. A message is sent, received and deleted: three requests of SQS."""

    def __init__(self, aws: StandIn) -> None:
        self._aws = aws
        self.phases: dict[str, Counter[str]] = {}

    def phase(self, name: str, work: Callable[[], None], *, uploads: int = 0) -> None:
        self._aws.calls.clear()
        before = sum(queues.waiting(queue) for queue in QUEUES)
        work()
        count: Counter[str] = Counter({"S3 write": uploads})
        for call in self._aws.calls:
            if call in FREE:
                continue
            count[kind_of(call, name)] += 1
        count["SQS"] = 3 * (sum(queues.waiting(queue) for queue in QUEUES) - before)
        self.phases[name] = count


def kind_of(call: str, phase: str) -> str:
    if call in RETRIEVALS:
        return "retrieval"
    if (phase, call) == ("archive", "s3.CopyObject"):
        return "Glacier upload"  # priced by the class that it copies to
    if call.startswith("s3."):
        return "S3 write" if call in WRITES else "S3 read"
    return "Glacier upload" if call in UPLOADS else "Glacier other"


def dollars_per_thousand(name: str, count: Counter[str]) -> str:
    prices = {
        "S3 write": settings.PRICE_S3_WRITE,
        "S3 read": settings.PRICE_S3_READ,
        "Glacier upload": settings.PRICE_GLACIER_REQUEST,
        "retrieval": settings.PRICE_EXPEDITED_REQUEST,
        "SQS": settings.PRICE_SQS_REQUEST,
    }
    each = sum(count[kind] * price for kind, price in prices.items())
    return f"{1000 * (each + MAILS.get(name, 0) * settings.PRICE_SES_MAIL):.2f}"


def run(task: Any, key: object) -> None:
    task.apply(args=[str(key)])


@pytest.mark.parametrize("route", ["vault", "class"])
def test_the_page_of_costs_is_true(
    aws: StandIn, person: User, uploaded: Callable[..., Job], settings: Any, tmp_path: Path, route: str
) -> None:
    from gas.jobs.lifecycle.uploads import confirm_upload

    settings.ARCHIVE_ROUTE, settings.WORK_DIR = route, tmp_path
    meter = Meter(aws)
    job = uploaded()

    def annotate() -> None:
        confirm_upload(job)
        run(annotate_job, job.pk)
        run(send_notice, Notice.objects.get().pk)

    meter.phase("job", annotate, uploads=1)  # the browser's POST
    result = ResultFile.objects.get()

    def archive() -> None:
        ResultFile.objects.update(archive_due_at=timezone.now())
        run(archive_result, result.pk)
        run(delete_hot_copy, result.pk)

    meter.phase("archive", archive)

    def restore() -> None:
        set_plan(person, PlanChoice.PREMIUM)
        run(restore_user_results, person.pk)
        batch = restoration.RestoreBatch.objects.get()
        request_page(batch, list(restoration.to_request(batch).select_related("job")))
        aws.glacier(advance=24 * 3600 if route == "class" else 300)
        poll(batch)
        run(restore_result, result.pk)
        run(build_tables, result.pk)
        run(finish_batch, batch.pk)
        for removal in Removal.objects.all():
            run(remove_copy, removal.pk)

    if route == "class":
        aws.glacier(seconds={"Expedited": 60})
    meter.phase("restore", restore)
    result.refresh_from_db()
    assert result.state == "AVAILABLE"
    counted = {
        f"{phase}, {route}" if phase != "job" else phase: [
            *(str(count[kind]) for kind in COLUMNS),
            dollars_per_thousand(phase, count),
        ]
        for phase, count in meter.phases.items()
    }
    written = {
        name: cells.split(" | ")
        for name, cells in re.findall(r"^\| ([a-z, ]+?) \| ([\d. |]+?) \|$", PAGE.read_text(), re.MULTILINE)
    }
    assert counted == {name: written.get(name) for name in counted}


def test_published_sources_that_are_here_cost_a_job_nothing(
    aws: StandIn, uploaded: Callable[..., Job], settings: Any, tmp_path: Path
) -> None:
    """Which versions a job uses, the database says: S3 is asked for those alone that the machine lacks, and once."""
    from annotator.reference.pack import load_reference
    from annotator.sources.fields import Wanted
    from annotator.sources.install import install
    from annotator.sources.origin import Request
    from gas.aws import clients
    from gas.jobs.catalogue import source_files
    from gas.jobs.lifecycle.uploads import confirm_upload

    settings.REFERENCES_DIR, settings.REFERENCES_S3, settings.WORK_DIR = tmp_path / "a", "packs/of/lab", tmp_path
    clients.s3().create_bucket(Bucket="packs")
    file = tmp_path / "mine.vcf"
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    declared = '##fileformat=VCFv4.2\n##INFO=<ID=S,Number=1,Type=String,Description="s">\n'
    file.write_text(f"{declared}{columns}MT\t11778\t.\tG\tA\t.\t.\tS=x\n")
    reference = load_reference("rCRS")
    install(Request("mine", "Mine", (Wanted("S", "mine_S"),), (str(file),)), reference, settings.REFERENCES_DIR)
    source_files.publish(settings.REFERENCES_DIR, reference, "mine")
    settings.REFERENCES_DIR = tmp_path / "b"
    meter = Meter(aws)
    for name in ("brings it", "has it"):
        job = uploaded()

        def annotate(job: Job = job) -> None:
            confirm_upload(job)
            run(annotate_job, job.pk)
            run(send_notice, Notice.objects.get(job=job).pk)

        meter.phase(name, annotate, uploads=1)
        job.refresh_from_db()
        assert job.summary["sources"][0]["alleles"] == 1
    cells = re.search(r"^\| job \| ([\d. |]+?) \|$", PAGE.read_text(), re.MULTILINE)
    assert cells is not None
    assert [str(meter.phases["has it"][kind]) for kind in COLUMNS] == cells[1].split(" | ")[:-1]
    # Each of its four files is looked at and read.
    assert meter.phases["brings it"] == meter.phases["has it"] + Counter({"S3 read": 8})


def test_the_prices_of_the_page_are_those_of_the_settings() -> None:
    told = dict(re.findall(r"^\| `(PRICE_\w+)` \| (\S+) \|", PAGE.read_text(), re.MULTILINE))
    assert told
    for name, price in told.items():
        assert float(price) == getattr(settings, name), name
