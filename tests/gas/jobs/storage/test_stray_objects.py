"""Promise: staff are alerted about every object in S3 that no row names, once, at a bounded cost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.utils import timezone

from archive.tasks import archive_result, scan_storage
from gas.aws import clients
from gas.jobs.lifecycle import leases
from gas.jobs.models import Purge, ResultFile, StorageScan
from gas.jobs.states import ResultState
from gas.jobs.storage import removals, stray_objects
from gas.users.models import User
from tests.support.glacier_standin import StandIn
from tests.support.results import make_result

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]


@pytest.fixture(autouse=True)
def _every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """No round is skipped for having been taken just now."""
    monkeypatch.setattr("gas.rounds.just_taken", lambda *_: False)


@pytest.fixture(autouse=True)
def old(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Every object is old enough to be reported."""
    settings.ADMINS, settings.ALERT_PERIOD_SECONDS = [("Staff", "staff@gas.example")], 0  # each alert is a mail
    monkeypatch.setattr(stray_objects, "YOUNG", -timedelta(days=1))


def put(key: str, *, bucket: str = "") -> str:
    clients.s3().put_object(Bucket=bucket or django_settings.S3_RESULTS_BUCKET, Key=key, Body=b"x")
    return key


def strays() -> list[str]:
    StorageScan.objects.all().delete()
    mail.outbox.clear()
    scan_storage.apply()
    return list(StorageScan.objects.get().stray_keys)


def test_what_rows_name_is_no_stray(
    aws: StandIn, claimed: Callable[..., leases.Claim], stranger: User, tmp_path: Any, settings: Any
) -> None:
    settings.ARCHIVE_ROUTE = "class"
    done = claimed()
    result = make_result(done, tmp_path)
    for name in ("i", "summary.json", "log.txt"):
        put(done.prefix + name)
    archived = make_result(claimed(), tmp_path)
    archive_result.apply(args=[str(archived.pk)])
    archived.refresh_from_db()
    assert archived.state == ResultState.ARCHIVED
    failed = claimed()
    put(failed.prefix + "log.txt")
    leases.fail(failed, code="c", message="m", advice="a", log_key=failed.prefix + "log.txt")
    running = claimed(owner=stranger)
    put(running.prefix + "annot.vcf.gz")
    restoring = uuid4()
    ResultFile.objects.filter(pk=result.pk).update(lease_token=restoring)
    put(f"{done.job.result_prefix}{restoring}/annot.vcf.gz")
    put(key := f"{done.job.result_prefix}{uuid4()}/annot.vcf.gz")
    removals.remove(removals.HOT, key)
    gone = f"{uuid4()}/"  # an account that is just being deleted
    put(f"uploads/{gone}{uuid4()}/input", bucket=django_settings.S3_INPUTS_BUCKET)
    put(f"results/{gone}{uuid4()}/{uuid4()}/log.txt")
    Purge.objects.create(input_prefix=f"uploads/{gone}", result_prefix=f"results/{gone}", settled_at=timezone.now())
    assert strays() == []
    assert not mail.outbox


def test_what_no_row_names_is_told_with_its_keys(
    aws: StandIn, claimed: Callable[..., leases.Claim], person: User, tmp_path: Any
) -> None:
    claim = claimed()
    result = make_result(claim, tmp_path)
    job = claim.job
    lost = [
        put(f"uploads/{person.pk}/{uuid4()}/input", bucket=django_settings.S3_INPUTS_BUCKET),  # a job after the backup
        put(f"uploads/{person.pk}/{job.pk}/other", bucket=django_settings.S3_INPUTS_BUCKET),
        put(f"results/{person.pk}/{job.pk}/{uuid4()}/annot.vcf.gz"),  # another attempt's
        put(f"results/{uuid4()}/{job.pk}/{claim.token}/annot.vcf.gz"),  # not this person's job
        put("results/nonsense"),
        put(f"archive/{person.pk}/{job.pk}/{uuid4()}"),
    ]
    assert sorted(strays()) == sorted(lost)
    (told,) = mail.outbox
    assert "6 objects that no row names" in told.subject
    assert all(key in str(told.body) for key in lost)
    assert result.key not in str(told.body)
    assert sorted(stray_objects.all_strays()) == sorted(lost)
    assert len(keys(django_settings.S3_RESULTS_BUCKET)) == 5  # nothing is deleted


def test_a_young_object_is_not_spoken_of(aws: StandIn, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stray_objects, "YOUNG", timedelta(minutes=5))
    put("results/nonsense")
    assert strays() == []


def test_the_same_is_told_once_and_the_alert_is_bounded(aws: StandIn, db: None, settings: Any) -> None:
    for number in range(30):
        put(f"results/nonsense-{number:02}")
    assert len(strays()) == 30
    assert "and 10 more" in str(mail.outbox[0].body)
    assert len(str(mail.outbox[0].body)) < 5000
    StorageScan.objects.update(started_at=timezone.now() - timedelta(hours=settings.STORAGE_SCAN_HOURS, seconds=1))
    scan_storage.apply()
    assert StorageScan.objects.count() == 2
    assert len(mail.outbox) == 1
    put("results/nonsense-new")
    StorageScan.objects.update(started_at=timezone.now() - timedelta(hours=settings.STORAGE_SCAN_HOURS, seconds=1))
    scan_storage.apply()
    assert len(mail.outbox) == 2


def test_a_scan_whose_process_was_killed_before_it_told_is_finished_by_the_next(
    aws: StandIn, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: StorageScan) -> None:
        raise SystemExit

    put("results/nonsense")
    with monkeypatch.context() as patched:
        patched.setattr(stray_objects, "_finish", killed)
        with pytest.raises(SystemExit):
            stray_objects.scan()
    assert StorageScan.objects.get().area == len(stray_objects.areas())
    ended = stray_objects.scan()
    assert ended is not None
    assert StorageScan.objects.get().finished_at is not None
    assert len(mail.outbox) == 1


def test_it_costs_so_many_pages_an_hour_and_goes_on_where_it_stopped(
    aws: StandIn, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STORAGE_SCAN_PAGES = 2
    monkeypatch.setattr(stray_objects, "PAGE", 3)
    for number in range(10):
        put(f"results/nonsense-{number:02}")
    rounds = 0
    while not StorageScan.objects.exclude(finished_at=None).exists():
        aws.calls.clear()
        scan_storage.apply()
        rounds += 1
        assert aws.count("s3.ListObjectsV2") == len(aws.calls) <= 2
    assert rounds == 3  # one page of uploads, four of results, one of the archive
    assert StorageScan.objects.get().stray_keys == [f"results/nonsense-{number:02}" for number in range(10)]
    aws.calls.clear()
    scan_storage.apply()  # not due again
    assert not aws.calls


def test_two_at_once_count_nothing_twice(aws: StandIn, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    put("results/nonsense")
    real = stray_objects.strays_in
    again = iter([True])

    def meanwhile(found: list[str]) -> list[str]:
        if next(again, False):
            scan_storage.apply()
        return real(found)

    monkeypatch.setattr(stray_objects, "strays_in", meanwhile)
    scan_storage.apply()
    assert StorageScan.objects.get().strays == 1
    assert len(mail.outbox) == 1


def test_it_can_be_switched_off(aws: StandIn, db: None, settings: Any) -> None:
    settings.STORAGE_SCAN_HOURS = 0
    scan_storage.apply()
    assert not StorageScan.objects.exists()


def keys(bucket: str) -> list[str]:
    return [item["Key"] for item in clients.s3().list_objects_v2(Bucket=bucket).get("Contents", [])]
