"""What a worker hands over is bounded again in front of the row, and so are the page and the mail made of it."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery.signals import after_setup_logger
from django.conf import settings
from django.core import mail
from django.test import Client

from annotator import bounds
from annotator.reference.pack import load_reference
from annotator.run.annotate import annotate
from gas.jobs.lifecycle import leases
from gas.jobs.mails import notices
from gas.jobs.models import Job, JobEvent, ResultFile
from gas.logs import MESSAGE_CHARACTERS, LineFormatter
from gas.users.models import User
from tests.support import attacks

pytestmark = pytest.mark.django_db

PAGE_BYTES = 1024 * 1024
MAIL_BYTES = 64 * 1024


def complete(claim: leases.Claim, summary: dict[str, Any], preview: list[Any]) -> Job:
    result = ResultFile(key=claim.prefix + "a", index_key=claim.prefix + "b", size=1, sha256="0" * 64)
    leases.complete(claim, result, log_key="", summary=summary, preview=preview)
    return Job.objects.get(pk=claim.job.pk)


def page_and_mail(job: Job, client: Client) -> tuple[int, int]:
    """Bytes of the job's page, and of the mail about it."""
    page = client.get(job.get_absolute_url())
    assert page.status_code == 200
    notices.send(job.notices.get().pk)
    return len(page.content), len(mail.outbox[-1].message().as_bytes())


@pytest.mark.parametrize(
    ("name", "scale"), [("repairs-many", 25_000), ("alts-long", 400_000), ("skipped-many", 5000), ("alts-1000", 0)]
)
def test_the_worst_files_make_small_rows_pages_and_mails(
    name: str, scale: int, claimed: Callable[..., leases.Claim], browser_of: Callable[[User], Client], tmp_path: Path
) -> None:
    source = attacks.write(name, tmp_path, *([scale] if scale else []))
    report = annotate(source, tmp_path, reference=load_reference("rCRS"))
    User.objects.update(mail_details=True)
    claim = claimed()
    job = complete(claim, report.summary, report.preview)
    assert job.summary == report.summary, "the annotator's own bounds are tighter than the last guard"
    assert job.preview == report.preview
    page, mailed = page_and_mail(job, browser_of(claim.job.owner))
    assert page <= PAGE_BYTES
    assert mailed <= MAIL_BYTES


def test_a_summary_of_any_size_makes_a_small_row(claimed: Callable[..., leases.Claim]) -> None:
    """Whatever a later change of the annotator lets through."""
    huge = {"records": {"in": 1, "out": 1, "skipped": 0}, "repairs": ["x\x00" * 1_000_000] * 20}
    job = complete(claimed(), huge, [{"ref": "A" * 5_000_000, "pos": n} for n in range(100)])
    assert len(json.dumps(job.summary)) <= bounds.SUMMARY_BYTES
    assert len(json.dumps(job.preview)) <= bounds.PREVIEW_BYTES
    assert "\x00" not in str(job.summary)


def test_a_failure_of_any_length_makes_a_small_row_and_event(
    claimed: Callable[..., leases.Claim], browser_of: Callable[[User], Client]
) -> None:
    claim = claimed()
    leases.fail(claim, code="bad", message="Line 1: \x00\x1b[2J" + "m" * 1_000_000, advice="a" * 1_000_000)
    job = Job.objects.get(pk=claim.job.pk)
    for text in (job.failure_message, job.failure_advice, JobEvent.objects.get(to_state="FAILED").message):
        assert len(text) <= bounds.SENTENCE + bounds.ROOM
        assert text.isprintable()
    page, mailed = page_and_mail(job, browser_of(claim.job.owner))
    assert page <= PAGE_BYTES
    assert mailed <= MAIL_BYTES


def test_a_log_line_is_one_line_and_steers_no_terminal() -> None:
    formatter = LineFormatter("{levelname} {name} {message}", style="{")
    error = ValueError("first\x1b[2J\nERROR root forged")
    record = logging.getLogger("x").makeRecord(
        "gas", logging.ERROR, "f", 1, "job %s\nERROR root forged \x1b[31m", ("a\r\x9b",), (type(error), error, None)
    )
    first, *rest = formatter.format(record).split("\n")
    assert first == "ERROR gas job a\\r\\x9b\\nERROR root forged \\x1b[31m"
    assert all(line.startswith("  ") for line in rest)
    assert all(line.isprintable() for line in rest)
    assert any("ValueError: first\\x1b[2J" in line for line in rest)
    long = logging.makeLogRecord({"msg": "y" * 1_000_000, "levelname": "INFO", "name": "n"})
    assert len(formatter.format(long)) < MESSAGE_CHARACTERS + 100


def test_the_service_and_its_workers_log_in_that_form() -> None:
    logger = logging.Logger("a worker's root")  # noqa: LOG001 - one that no other test has
    logger.addHandler(logging.StreamHandler())
    after_setup_logger.send(sender=None, logger=logger, loglevel="INFO", logfile=None, format="%(message)s")
    assert isinstance(logger.handlers[0].formatter, LineFormatter)
    assert settings.LOGGING["formatters"]["line"]["()"] == "gas.logs.LineFormatter"
