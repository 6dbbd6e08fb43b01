"""Deleting a job deletes its objects, nobody else's, and what comes late."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws.clients import s3
from gas.aws.s3 import delete_prefix
from gas.celery import app
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, Purge
from gas.jobs.storage import purge
from gas.users.models import PlanChoice, User

pytestmark = pytest.mark.django_db


class ChangeOfMind(Exception):
    pass


def keys() -> set[str]:
    found = set()
    for bucket in (settings.S3_INPUTS_BUCKET, settings.S3_RESULTS_BUCKET):
        found |= {item["Key"] for item in s3().list_objects_v2(Bucket=bucket).get("Contents", [])}
    return found


def put_result(claim: leases.Claim) -> str:
    return put(claim.prefix + "annot.vcf.gz")


def put(key: str) -> str:
    s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=key, Body=b"bytes")
    return key


def test_a_deleted_job_leaves_no_object_and_touches_no_other(
    claimed: Callable[..., leases.Claim], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    User.objects.update(plan=PlanChoice.PREMIUM)  # who may have two running
    gone, kept = claimed(), claimed()
    put_result(gone)
    kept_keys = {put_result(kept), kept.job.input_key}
    with django_capture_on_commit_callbacks(execute=True):
        gone.job.delete()
    assert keys() == kept_keys


def test_objects_go_even_when_the_row_goes_with_its_owner(
    claimed: Callable[..., leases.Claim],
    person: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    put_result(claimed())
    with django_capture_on_commit_callbacks(execute=True):
        person.delete()
    assert keys() == set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rolled_back", [True, False])
def test_objects_stay_when_the_deletion_is_rolled_back(
    queued: None, claimed: Callable[..., leases.Claim], rolled_back: bool
) -> None:
    claim = claimed()
    stored = {put_result(claim), claim.job.input_key}
    app.conf.task_always_eager = True  # the job has been made: from here on, what is sent is done
    with suppress(ChangeOfMind), transaction.atomic():
        Job.objects.get().delete()
        assert not Job.objects.exists()
        if rolled_back:
            raise ChangeOfMind
    assert Job.objects.exists() == rolled_back
    assert Purge.objects.exists() != rolled_back
    assert keys() == (stored if rolled_back else set())


def test_what_a_worker_writes_after_the_deletion_goes_in_the_second_round(
    queued: None, claimed: Callable[..., leases.Claim]
) -> None:
    claim = claimed()
    late = put_result(claim)
    claim.job.delete()
    note = Purge.objects.get()
    purge.empty_folders(note.pk)
    assert keys() == set()
    put(late)  # the worker has not noticed yet
    note.refresh_from_db()
    assert note.emptied_at is not None
    Purge.objects.update(settled_at=timezone.now() - timedelta(seconds=1))
    purge.empty_folders(note.pk)
    assert keys() == set()
    assert not Purge.objects.exists()


def test_the_note_stays_until_nothing_can_be_uploaded_any_more(queued: None, uploaded: Callable[..., Job]) -> None:
    job = uploaded()
    job.delete()
    assert Purge.objects.get().settled_at >= job.created_at + timedelta(seconds=settings.UPLOAD_EXPIRES_SECONDS)


@pytest.mark.parametrize("prefix", ["", "/", "uploads/", "uploads/someone", "uploads//", "/someone/"])
def test_a_prefix_that_is_more_than_one_persons_folder_is_not_deleted(aws: None, prefix: str) -> None:
    with pytest.raises(ValueError, match="not a job's or"):
        delete_prefix(settings.S3_INPUTS_BUCKET, prefix)
