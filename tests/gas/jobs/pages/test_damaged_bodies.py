"""Promise: a body from S3 or Glacier that is cut short or altered is noticed, and nothing is decided by it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from moto.s3.models import s3_backends

from annotator.tasks import annotate_job
from archive.tasks import archive_result, delete_hot_copy, remove_copy
from devstack.aws.credentials import ACCOUNT
from gas.aws import glacier_vault, s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, Removal, RestoreBatch, ResultFile, TableBuild
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import archival, restoration
from gas.subscriptions.changes import set_plan
from gas.users.models import PlanChoice, User
from restore.tasks import build_tables, poll, request_page, restore_result
from tests.support.glacier_standin import StandIn
from tests.support.jobs import age
from tests.support.results import hot, make_result, put_away

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]

DAMAGES = pytest.mark.parametrize("damage", ["cut", "spoilt"])


@pytest.fixture(autouse=True)
def staff_are_told(settings: Any) -> None:
    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0  # each alert is a mail


@pytest.fixture
def result(claimed: Callable[..., leases.Claim], tmp_path: Any) -> ResultFile:
    return make_result(claimed(), tmp_path)


def damage_next(aws: StandIn, damage: str, call: str, times: int = 1) -> None:
    getattr(aws, damage)[call] = times


def results_in_s3() -> list[str]:
    return [item.key for item in s3.list_all(django_settings.S3_RESULTS_BUCKET, "results/")]


# --- The upload, on its way to the annotator


@DAMAGES
def test_a_damaged_upload_is_not_annotated(
    aws: StandIn, pending: Callable[..., Job], settings: Any, tmp_path: Any, mailoutbox: list[Any], damage: str
) -> None:
    settings.WORK_DIR = tmp_path
    job = pending()
    damage_next(aws, damage, "s3.GetObject")
    annotate_job.apply(args=[str(job.pk)])
    job.refresh_from_db()
    assert (job.status, job.faults, job.attempts) == (JobStatus.PENDING, 1, 0)
    assert not results_in_s3()
    assert [mail.to for mail in mailoutbox] == [["staff@gas.example"]]
    age(job, sent_at=1)
    annotate_job.apply(args=[str(job.pk)])
    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETED


def test_an_upload_of_which_s3_has_no_checksum_is_compared_with_its_md5(aws: StandIn, tmp_path: Any) -> None:
    """As a browser's form brings it: boto3 sends a checksum with all that it puts."""
    bucket = django_settings.S3_INPUTS_BUCKET
    s3_backends[ACCOUNT]["aws"].put_object(bucket, "k", b"12345")
    s3.download(bucket, "k", tmp_path / "file")
    damage_next(aws, "spoilt", "s3.GetObject")
    with pytest.raises(s3.CopyDiffers, match="MD5"):
        s3.download(bucket, "k", tmp_path / "file")


def test_the_bytes_of_an_upload_are_counted(aws: StandIn, tmp_path: Any) -> None:
    bucket = django_settings.S3_RESULTS_BUCKET
    aws_s3 = s3.s3()
    aws_s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    s3.download(bucket, "k", tmp_path / "file", size=5)
    with pytest.raises(s3.CopyDiffers):
        s3.download(bucket, "k", tmp_path / "file", size=6)


@pytest.mark.parametrize(
    ("answer", "is_md5"),
    [
        ({"ETag": f'"{"0" * 32}"'}, True),
        ({"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "AES256"}, True),
        ({"ETag": f'"{"0" * 32}-2"'}, False),
        ({"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms"}, False),
        ({"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms:dsse"}, False),
        ({"ETag": f'"{"0" * 32}"', "SSECustomerAlgorithm": "AES256"}, False),
    ],
)
def test_an_etag_is_an_md5_only_where_s3_says_so(answer: dict[str, str], is_md5: bool) -> None:
    assert s3._etag_is_md5(answer) is is_md5


# --- The result, on its way to the archive


@DAMAGES
def test_a_damaged_body_is_not_archived(aws: StandIn, result: ResultFile, settings: Any, damage: str) -> None:
    settings.ARCHIVE_ROUTE = "vault"
    damage_next(aws, damage, "s3.GetObject")
    archive_result.apply(args=[str(result.pk)])
    delete_hot_copy.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert (result.state, result.faults, result.problem) == (ResultState.AVAILABLE, 1, "")
    assert hot(result)
    assert not aws.archives()
    due_now(result)
    put_away(result)
    assert result.faults == 0


@pytest.mark.parametrize("route", ["vault", "class"])
def test_a_result_that_is_damaged_in_s3_ends_in_one_alert(
    aws: StandIn, result: ResultFile, settings: Any, mailoutbox: list[Any], route: str
) -> None:
    settings.ARCHIVE_ROUTE = route
    overwrite(result.key, b"x" * result.size)
    for _ in range(settings.MAX_ATTEMPTS):
        result.refresh_from_db()
        assert result.problem == ""
        due_now(result)
        archive_result.apply(args=[str(result.pk)])
        delete_hot_copy.apply(args=[str(result.pk)])
    for _ in range(2):
        due_now(result)
        archive_result.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert (result.state, result.faults) == (ResultState.AVAILABLE, settings.MAX_ATTEMPTS)
    assert "never what this row says" in result.problem
    assert hot(result)
    remove_all()
    assert not aws.archives()
    assert not list(s3.list_all(django_settings.S3_RESULTS_BUCKET, "archive/"))
    assert [mail.subject for mail in mailoutbox if "missing or damaged" in mail.subject] != []
    assert len(mailoutbox) == 2  # the first fault, and that it was given up


def test_a_damaged_body_after_other_faults_does_not_give_up_a_sound_result(
    aws: StandIn, result: ResultFile, settings: Any
) -> None:
    settings.ARCHIVE_ROUTE = "vault"
    trouble = OSError("AWS is in trouble")
    for error in [trouble] * (settings.MAX_ATTEMPTS - 1) + [s3.CopyDiffers("cut"), trouble, s3.CopyDiffers("cut")]:
        due_now(result)
        claim = archival.claim(result.pk)
        assert claim is not None
        archival.give_back(claim, error)
    result.refresh_from_db()
    assert (result.problem, result.faults, result.damages) == ("", settings.MAX_ATTEMPTS + 2, 1)
    due_now(result)
    put_away(result)
    assert (result.faults, result.damages) == (0, 0)


def test_an_archive_that_differs_is_not_told_as_a_damaged_file(
    aws: StandIn, result: ResultFile, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARCHIVE_ROUTE = "vault"
    monkeypatch.setattr(glacier_vault, "_upload_whole", lambda *_: ({"archiveId": "a", "checksum": "other"}, "sent"))
    for _ in range(settings.MAX_ATTEMPTS):
        due_now(result)
        archive_result.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert result.state == ResultState.AVAILABLE
    assert "archive was not what was sent" in result.problem
    assert "what this row says" not in result.problem


# --- The archive, on its way back


@pytest.fixture
def batch(aws: StandIn, result: ResultFile, person: User, settings: Any) -> RestoreBatch:
    """A result whose archive can be read."""
    settings.ARCHIVE_ROUTE = "vault"
    put_away(result)
    return asked_for(aws, person)


def asked_for(aws: StandIn, person: User) -> RestoreBatch:
    set_plan(person, PlanChoice.PREMIUM)
    made = restoration.restore_all(str(person.pk))
    assert made is not None
    request_page(made, list(restoration.to_request(made).select_related("job")))
    aws.glacier(advance=60)
    return made


def try_once(batch: RestoreBatch, result: ResultFile) -> None:
    poll(batch)
    restore_result.apply(args=[str(result.pk)])
    remove_all()
    result.refresh_from_db()


@DAMAGES
def test_a_body_that_is_damaged_once_is_read_again(
    aws: StandIn, batch: RestoreBatch, result: ResultFile, damage: str
) -> None:
    damage_next(aws, damage, "glacier.GetJobOutput")
    try_once(batch, result)
    assert result.state == ResultState.AVAILABLE
    assert s3.read_sha256(django_settings.S3_RESULTS_BUCKET, result.key) == result.sha256


def test_an_archive_that_comes_back_damaged_each_time_is_given_up_and_kept(
    aws: StandIn, batch: RestoreBatch, result: ResultFile, settings: Any, mailoutbox: list[Any]
) -> None:
    damage_next(aws, "spoilt", "glacier.GetJobOutput", 1000)
    for count in range(1, settings.MAX_ATTEMPTS):
        try_once(batch, result)
        assert (result.state, result.faults) == (ResultState.RESTORING, count)
        assert not results_in_s3()
    try_once(batch, result)
    assert result.state == ResultState.ARCHIVED
    assert "not what was archived" in result.problem
    assert result.archive_id in aws.archives()
    assert not results_in_s3()
    restoration.finish(batch)
    assert [mail.subject for mail in mailoutbox if "could not be brought back" in mail.subject] != []


def test_a_damaged_archive_after_other_faults_is_not_given_up(
    batch: RestoreBatch, result: ResultFile, settings: Any
) -> None:
    trouble = OSError("AWS is in trouble")
    for error in [trouble] * (settings.MAX_ATTEMPTS - 1) + [s3.CopyDiffers("cut"), None, trouble, s3.CopyDiffers("c")]:
        claim = restoration.claim(result.pk)
        assert claim is not None
        restoration.let_go(claim, error)
    result.refresh_from_db()
    assert (result.state, result.problem, result.damages) == (ResultState.RESTORING, "", 1)


def test_an_archive_whose_body_breaks_off_is_tried_for_as_long_as_it_takes(
    aws: StandIn, batch: RestoreBatch, result: ResultFile, settings: Any
) -> None:
    damage_next(aws, "cut", "glacier.GetJobOutput", 1000)
    for count in range(1, settings.MAX_ATTEMPTS + 2):
        try_once(batch, result)
        assert (result.state, result.faults) == (ResultState.RESTORING, count)
        assert not results_in_s3()
    aws.cut.clear()
    try_once(batch, result)
    assert (result.state, result.faults) == (ResultState.AVAILABLE, 0)


def test_an_archive_that_is_damaged_in_s3_is_not_brought_back(
    aws: StandIn, result: ResultFile, person: User, settings: Any
) -> None:
    settings.ARCHIVE_ROUTE = "class"
    aws.glacier(seconds={"Expedited": 60})
    put_away(result)
    made = asked_for(aws, person)
    overwrite(result.archive_id, b"x" * result.size)
    for _ in range(settings.MAX_ATTEMPTS):
        assert result.state != ResultState.AVAILABLE
        try_once(made, result)
    assert result.state == ResultState.ARCHIVED
    assert "not what was archived" in result.problem
    assert not results_in_s3()
    assert s3.head(django_settings.S3_RESULTS_BUCKET, result.archive_id) is not None


@DAMAGES
def test_tables_are_not_made_of_a_damaged_body(aws: StandIn, result: ResultFile, damage: str) -> None:
    TableBuild.objects.create(result=result)
    damage_next(aws, damage, "s3.GetObject")
    build_tables.apply(args=[str(result.pk)])
    result.refresh_from_db()
    assert (result.tsv_size, result.parquet_size) == (None, None)
    assert TableBuild.objects.get().tries == 1


def overwrite(key: str, body: bytes) -> None:
    """The object's bytes rot; what S3 says of its class and of retrievals stays."""
    found = s3_backends[ACCOUNT]["aws"].buckets[django_settings.S3_RESULTS_BUCKET].keys[key]
    found.value = body


def due_now(result: ResultFile) -> None:
    from django.utils import timezone

    ResultFile.objects.filter(pk=result.pk, state=ResultState.AVAILABLE).update(archive_due_at=timezone.now())


def remove_all() -> None:
    for removal in Removal.objects.all():
        Removal.objects.filter(pk=removal.pk).update(due_at=removal.created_at)
        remove_copy.apply(args=[str(removal.pk)])
