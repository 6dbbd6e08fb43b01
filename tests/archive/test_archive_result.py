"""Archiving: each task decides from the current rows, verifies before it deletes, and spares premium people."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from archive.tasks import delete_hot_copy
from gas.aws.clients import s3 as s3_client
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import ResultState
from gas.subscriptions.changes import set_plan
from gas.users.models import PlanChoice, User
from tests.support.glacier_standin import StandIn
from tests.support.results import hot, make_result, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]


@pytest.fixture
def result(claimed: Callable[..., leases.Claim], tmp_path: Any) -> ResultFile:
    """A free person's result in S3, due to be archived."""
    return make_result(claimed(), tmp_path)


def test_a_new_result_of_a_free_person_is_due_after_the_set_time(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    result = ResultFile(key="k", index_key="i", size=1, sha256="0" * 64)
    leases.complete(claim, result, log_key="", summary={}, preview=[])
    result.refresh_from_db()
    assert result.archive_due_at is not None
    wait = (result.archive_due_at - timezone.now()).total_seconds()
    assert wait == pytest.approx(django_settings.ARCHIVE_AFTER_SECONDS, abs=5)


def test_a_due_result_goes_to_glacier_and_leaves_s3(aws: StandIn, result: ResultFile) -> None:
    run(result)
    assert result.state == ResultState.ARCHIVED
    assert list(aws.archives()) == [result.archive_id]
    assert not hot(result)
    assert result.hot_deleted_at
    assert result.archive_tree_hash
    states = list(result.job.events.filter(machine="result").values_list("to_state", flat=True))
    assert states == ["ARCHIVING", "ARCHIVED"]


def test_a_message_that_comes_again_archives_nothing_twice(aws: StandIn, result: ResultFile) -> None:
    run(result)
    run(result)
    assert len(aws.archives()) == 1


def test_a_result_that_is_not_due_stays(aws: StandIn, result: ResultFile) -> None:
    ResultFile.objects.update(archive_due_at=timezone.now() + timedelta(seconds=60))
    assert run(result).state == ResultState.AVAILABLE
    assert not aws.archives()


def test_a_premium_persons_result_is_never_archived(aws: StandIn, result: ResultFile, person: User) -> None:
    set_plan(person, PlanChoice.PREMIUM)
    assert run(result).state == ResultState.AVAILABLE
    assert result.archive_due_at is None
    assert hot(result)
    assert not aws.archives()


def test_an_upgrade_while_the_bytes_are_on_their_way_keeps_the_hot_copy(
    aws: StandIn, result: ResultFile, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gas.aws.glacier_vault import VaultArchive

    store = VaultArchive.store

    def upgrade_meanwhile(self: VaultArchive, **what: Any) -> Any:
        kept = store(self, **what)
        set_plan(person, PlanChoice.PREMIUM)
        return kept

    monkeypatch.setattr(VaultArchive, "store", upgrade_meanwhile)
    run(result)
    assert result.state == ResultState.AVAILABLE
    assert hot(result)


def test_when_the_archive_fails_the_hot_copy_stays_and_it_is_tried_again(aws: StandIn, result: ResultFile) -> None:
    aws.faults({"service": "glacier", "rate": 1.0, "status": 400, "code": "ServiceUnavailableException"})
    run(result)
    assert result.state == ResultState.AVAILABLE
    assert result.archive_due_at is not None
    assert hot(result)
    aws.faults()
    ResultFile.objects.update(archive_due_at=timezone.now())
    assert run(result).state == ResultState.ARCHIVED


def test_a_damaged_hot_copy_is_not_archived_and_not_deleted(aws: StandIn, result: ResultFile) -> None:
    s3_client().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=result.key, Body=b"x" * result.size)
    run(result)
    assert result.state == ResultState.AVAILABLE
    assert hot(result)
    assert not aws.archives()


def test_the_hot_copy_is_not_deleted_before_the_archive_is_committed(result: ResultFile) -> None:
    delete_hot_copy.apply(args=[str(result.pk)])
    assert hot(result)


def test_deleting_an_archived_job_deletes_its_archive(aws: StandIn, result: ResultFile) -> None:
    from archive.tasks import remove_copy
    from gas.jobs.models import Removal

    run(result)
    Job.objects.get(pk=result.job_id).delete()
    remove_copy.apply(args=[str(Removal.objects.get().pk)])
    assert not aws.archives()
    assert not Removal.objects.exists()
