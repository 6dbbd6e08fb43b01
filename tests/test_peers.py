"""What services of this kind were seen to get wrong, each a test named after the mistake."""

import ast
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from archive.tasks import archive_result, delete_hot_copy
from devstack.aws import provision
from gas.aws import queues
from gas.aws.clients import s3, sqs
from gas.celery import app
from gas.jobs.file_names import download_name
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.sweep import sweep
from gas.jobs.lifecycle.uploads import confirm_upload
from gas.jobs.mails.notices import send as send_notice
from gas.jobs.models import Job, Notice, RestoreBatch, ResultFile
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import archival, restoration
from gas.subscriptions.changes import set_plan
from gas.users.models import PlanChoice, User
from restore.tasks import poll, request_page, restore_result
from tests.support.glacier_standin import StandIn
from tests.support.jobs import age
from tests.support.results import hot, make_result

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

ROOT = Path(__file__).parent.parent
PROGRAM = [path for room in ("gas", "archive", "restore", "annotator") for path in (ROOT / room).rglob("*.py")]


@pytest.fixture
def due(claimed: Callable[..., leases.Claim], tmp_path: Any) -> ResultFile:
    """A free person's result in S3, due to be archived."""
    return make_result(claimed(), tmp_path)


@pytest.fixture
def archived(aws: StandIn, due: ResultFile) -> ResultFile:
    archive_result.apply(args=[str(due.pk)])
    delete_hot_copy.apply(args=[str(due.pk)])
    due.refresh_from_db()
    assert due.state == ResultState.ARCHIVED
    return due


def upgrade(person: User) -> RestoreBatch | None:
    set_plan(person, PlanChoice.PREMIUM)
    return restoration.restore_all(str(person.pk))


def ask(batch: RestoreBatch) -> None:
    request_page(batch, list(restoration.to_request(batch).select_related("job")))


# --- Archiving


def test_an_archive_step_that_swallows_an_error_does_not_delete_the_only_copy(aws: StandIn, due: ResultFile) -> None:
    aws.faults({"service": "glacier", "rate": 1.0, "status": 400, "code": "ServiceUnavailableException"})
    archive_result.apply(args=[str(due.pk)])
    delete_hot_copy.apply(args=[str(due.pk)])
    assert hot(due)


def test_a_failed_archive_request_is_not_dropped_in_a_finally(aws: StandIn, due: ResultFile) -> None:
    aws.faults({"service": "glacier", "rate": 1.0, "status": 400, "code": "ServiceUnavailableException"})
    archive_result.apply(args=[str(due.pk)])
    assert queues.waiting("gas-archive") == 2  # of its completion, and the next try
    assert not app.conf.task_acks_on_failure
    assert app.conf.task_acks_late


def test_a_failed_restore_request_is_not_dropped_in_a_finally(aws: StandIn, archived: ResultFile, person: User) -> None:
    batch = upgrade(person)
    assert batch is not None
    ask(batch)
    aws.glacier(advance=60)
    poll(batch)
    aws.faults({"service": "glacier", "rate": 1.0, "status": 400, "code": "ServiceUnavailableException"})
    restore_result.apply(args=[str(archived.pk)])
    aws.faults()
    poll(batch)
    restore_result.apply(args=[str(archived.pk)])
    archived.refresh_from_db()
    assert archived.state == ResultState.AVAILABLE
    assert hot(archived)


def test_a_timer_does_not_die_with_the_box(due: ResultFile) -> None:
    """The countdown is a column and a message that waits in SQS. Without the message, the column is enough."""
    sqs().purge_queue(QueueUrl=f"{django_settings.SQS_QUEUE_URL_BASE}gas-archive")
    late = timezone.now() - timedelta(seconds=2 * django_settings.SWEEP_SECONDS)
    ResultFile.objects.update(archive_due_at=late)
    sweep()
    assert queues.waiting("gas-archive") == 1
    ends_a_query = ROOT / "gas" / "explorer" / "database.py"  # its query ends with the process, too
    for path in set(PROGRAM) - {ends_a_query}:
        assert "threading.Timer" not in path.read_text(), path


def test_no_size_or_checksum_goes_unverified_before_a_delete(aws: StandIn, due: ResultFile) -> None:
    aws.glacier(damage=1)
    s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=due.key, Body=b"#" * due.size)
    archive_result.apply(args=[str(due.pk)])
    delete_hot_copy.apply(args=[str(due.pk)])
    due.refresh_from_db()
    assert due.state == ResultState.AVAILABLE
    assert hot(due)


def test_an_archiving_mark_with_no_owner_does_not_stay_for_ever(due: ResultFile) -> None:
    assert archival.claim(due.pk) is not None  # and its worker dies
    ResultFile.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    before = queues.waiting("gas-archive")
    sweep()
    assert queues.waiting("gas-archive") > before
    archive_result.apply(args=[str(due.pk)])
    due.refresh_from_db()
    assert due.state == ResultState.ARCHIVED


# --- Plans


def test_an_upgrade_race_does_not_strand_a_premium_persons_file(
    aws: StandIn, due: ResultFile, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role is read as free → the upgrade finds nothing to restore → the archival completes."""
    from gas.aws.glacier_vault import VaultArchive

    store = VaultArchive.store

    def upgraded_meanwhile(self: VaultArchive, **what: Any) -> Any:
        assert upgrade(person) is None
        return store(self, **what)

    monkeypatch.setattr(VaultArchive, "store", upgraded_meanwhile)
    archive_result.apply(args=[str(due.pk)])
    delete_hot_copy.apply(args=[str(due.pk)])
    due.refresh_from_db()
    assert due.state == ResultState.AVAILABLE
    assert hot(due)


def test_an_upgrade_whose_message_is_lost_is_found_by_the_sweep(archived: ResultFile, person: User) -> None:
    set_plan(person, PlanChoice.PREMIUM)
    sqs().purge_queue(QueueUrl=f"{django_settings.SQS_QUEUE_URL_BASE}gas-restore")
    sweep()
    assert queues.waiting("gas-restore") == 1


def test_no_role_comes_in_a_message(due: ResultFile, person: User) -> None:
    """What the message was sent for hours ago does not matter: the plan is read when it comes."""
    set_plan(person, PlanChoice.PREMIUM)
    archive_result.apply(args=[str(due.pk)])
    due.refresh_from_db()
    assert due.state == ResultState.AVAILABLE
    for task in (archive_result, restore_result):
        assert "role" not in str(task.run.__code__.co_varnames)


def test_no_role_changes_by_a_get(person: User, browser_of: Callable[[User], Client]) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    browser = browser_of(User.objects.get(pk=person.pk))
    query = {"action": "grant", "_selected_action": person.pk, "until": "2099-01-01", "reason": "me", "index": 0}
    browser.get(reverse("admin:users_user_changelist"), query)
    person.refresh_from_db()
    assert person.plan == PlanChoice.FREE


# --- Restoring


def test_the_24_hour_expiry_of_retrieved_output_is_handled(aws: StandIn, archived: ResultFile, person: User) -> None:
    batch = upgrade(person)
    assert batch is not None
    ask(batch)
    aws.glacier(advance=60)
    aws.glacier(advance=40 * 3600)
    for _ in range(2):
        poll(batch)
        ask(batch)
        aws.glacier(advance=60)
    poll(batch)
    restore_result.apply(args=[str(archived.pk)])
    archived.refresh_from_db()
    assert archived.state == ResultState.AVAILABLE
    assert hot(archived)


def test_no_full_scan_to_find_one_archive(archived: ResultFile, person: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        delete_hot_copy.apply(args=[str(archived.pk)])
    assert 0 < len(queries) <= 3  # the row, the database's time, the row again
    with connection.cursor() as cursor:
        indexed = connection.introspection.get_constraints(cursor, ResultFile._meta.db_table).values()
    assert ["batch_id", "state"] in [one["columns"] for one in indexed]


# --- Messages and workers


def test_there_is_a_dead_letter_queue_for_each_queue(aws: StandIn) -> None:
    from gas.tasknames import QUEUES

    for queue in QUEUES:
        provision._queue(sqs(), queue, 60)
        url = sqs().get_queue_url(QueueName=queue)["QueueUrl"]
        policy = sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
        assert json.loads(policy["RedrivePolicy"])["deadLetterTargetArn"].endswith(f"{queue}-dead")


def test_no_message_is_deleted_before_its_work_is_done(claimed: Callable[..., leases.Claim]) -> None:
    """A crash does not leave RUNNING for ever, whatever became of the message."""
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    job = claimed().job
    age(job, lease_expires_at=1)
    sweep()
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING


def test_there_is_a_failed_state_with_a_reason(
    claimed: Callable[..., leases.Claim], browser_of: Callable[[User], Client], person: User
) -> None:
    claim = claimed()
    leases.fail(claim, code="no-header", message="Line 1: no header.", advice="Add one.")
    page = browser_of(person).get(claim.job.get_absolute_url()).content.decode()
    assert "Line 1: no header." in page
    assert "Add one." in page


def test_no_constant_id_drops_a_second_submission(uploaded: Callable[..., Job]) -> None:
    confirm_upload(uploaded())
    confirm_upload(uploaded())
    assert queues.waiting("gas-annotate") == 2


def test_no_message_body_is_evaluated() -> None:
    for path in PROGRAM:
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
        assert not names & {"eval", "exec"}, path
    assert app.conf.accept_content == ["json"]


# --- Jobs and pages


def test_same_named_files_do_not_overwrite_each_other(claimed: Callable[..., leases.Claim], tmp_path: Any) -> None:
    results = [make_result(claimed(name="same.vcf"), tmp_path) for _ in range(2)]
    assert results[0].key != results[1].key
    assert all(hot(result) for result in results)
    assert not any("same" in result.key for result in results)


def test_no_rstrip_eats_letters_of_a_name() -> None:
    assert download_name("fcv.vcf", ".annot.vcf.gz") == "fcv.annot.vcf.gz"


def test_a_refresh_does_not_reset_the_job_or_its_archive(
    archived: ResultFile, person: User, browser_of: Callable[[User], Client]
) -> None:
    """The peer's "Create job" was a GET. Here it is a POST, and confirming it again does nothing."""
    browser, job = browser_of(person), archived.job
    confirm = reverse("jobs:confirm", args=[job.pk])
    assert browser.get(confirm).status_code == 405
    assert browser.get(reverse("jobs:uploads")).status_code == 405
    browser.post(confirm)
    job.refresh_from_db()
    archive_id = archived.archive_id
    archived.refresh_from_db()
    assert (job.status, archived.state, archived.archive_id) == (JobStatus.COMPLETED, ResultState.ARCHIVED, archive_id)


def test_lists_are_paginated(person: User, browser_of: Callable[[User], Client]) -> None:
    Job.objects.bulk_create(Job(owner=person, name=f"{n}.vcf", reference="rCRS") for n in range(60))
    answer = browser_of(person).get(reverse("jobs:list"))
    assert len(answer.context["page_obj"]) < 60
    assert answer.context["page_obj"].paginator.count == 60


def test_no_bucket_key_or_log_is_taken_from_the_address(
    due: ResultFile, person: User, browser_of: Callable[[User], Client]
) -> None:
    secret = f"results/{person.pk}/other/log.txt"
    s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=secret, Body=b"another's secret")
    wanted = {"key": secret, "log_key": secret, "bucket": "elsewhere", "name": secret}
    browser = browser_of(person)
    assert b"another's secret" not in browser.get(reverse("jobs:log", args=[due.job_id]), wanted).content
    answer = browser.get(reverse("jobs:download", args=[due.job_id, "vcf"]), wanted)
    assert due.key in answer["Location"]
    assert "other" not in answer["Location"]
    assert "elsewhere" not in answer["Location"]


def test_people_are_told_when_the_restore_is_done(
    aws: StandIn, archived: ResultFile, person: User, mailoutbox: list[Any]
) -> None:
    batch = upgrade(person)
    assert batch is not None
    ask(batch)
    aws.glacier(advance=60)
    poll(batch)
    restore_result.apply(args=[str(archived.pk)])
    restoration.finish(batch)
    send_notice(Notice.objects.get(kind=Notice.Kind.RESTORED).pk)
    assert [mail.to for mail in mailoutbox] == [[person.email]]
