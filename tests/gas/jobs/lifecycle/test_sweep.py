"""Promise: every row that is not at rest has a live message or a live lease, or the sweep has it moving again."""

from collections.abc import Callable
from datetime import timedelta

import boto3
import pytest
from django.conf import settings
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws import clients, queues, s3
from gas.jobs.lifecycle import leases
from gas.jobs.lifecycle.actions import retry_refusal
from gas.jobs.lifecycle.sweep import sweep
from gas.jobs.lifecycle.uploads import open_upload
from gas.jobs.models import Job, Notice, Purge
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.support.jobs import age, failed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

Callbacks = DjangoCaptureOnCommitCallbacks


def swept(capture: Callbacks) -> dict[str, int]:
    with capture(execute=True):
        return sweep()


def test_a_job_whose_message_was_lost_gets_another(
    pending: Callable[..., Job], django_capture_on_commit_callbacks: Callbacks
) -> None:
    job = pending()
    age(job, sent_at=settings.RESEND_AFTER_SECONDS + 1)
    assert swept(django_capture_on_commit_callbacks)["messages"] == 1
    assert queues.waiting("gas-annotate") == 1
    assert swept(django_capture_on_commit_callbacks)["messages"] == 0  # not again at once


def test_a_job_whose_message_is_young_is_left_alone(
    pending: Callable[..., Job], django_capture_on_commit_callbacks: Callbacks
) -> None:
    pending()
    assert swept(django_capture_on_commit_callbacks)["messages"] == 0


def test_a_long_queue_is_not_made_longer(
    pending: Callable[..., Job], django_capture_on_commit_callbacks: Callbacks
) -> None:
    for _ in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            job = pending()
        age(job, sent_at=settings.RESEND_AFTER_SECONDS + 1)
    assert queues.waiting("gas-annotate") == 3
    assert swept(django_capture_on_commit_callbacks)["messages"] == 0


def test_a_job_of_a_dead_worker_goes_back_to_the_queue(
    claimed: Callable[..., leases.Claim], django_capture_on_commit_callbacks: Callbacks
) -> None:
    claim = claimed()
    age(claim.job, lease_expires_at=1)
    assert swept(django_capture_on_commit_callbacks)["leases"] == 1
    job = Job.objects.get()
    assert (job.status, job.lease_token) == (JobStatus.PENDING, None)
    assert queues.waiting("gas-annotate") == 1


def test_a_job_that_keeps_killing_its_worker_ends(
    claimed: Callable[..., leases.Claim], django_capture_on_commit_callbacks: Callbacks
) -> None:
    claim = claimed()
    Job.objects.update(attempts=settings.MAX_ATTEMPTS)
    age(claim.job, lease_expires_at=1)
    swept(django_capture_on_commit_callbacks)
    assert Job.objects.get().failure_code == "our-fault"


def test_a_worker_that_is_alive_keeps_its_job(
    claimed: Callable[..., leases.Claim], django_capture_on_commit_callbacks: Callbacks
) -> None:
    claimed()
    assert swept(django_capture_on_commit_callbacks)["leases"] == 0


def test_an_upload_that_never_came_is_ended(
    aws: None, person: User, django_capture_on_commit_callbacks: Callbacks
) -> None:
    job = open_upload(person, name="a.vcf", size=5, reference="rCRS").job
    age(job, upload_expires_at=120)
    assert swept(django_capture_on_commit_callbacks)["uploads"] == 1
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert retry_refusal(job)


def test_an_upload_that_came_but_was_never_confirmed_goes_on(
    uploaded: Callable[..., Job], django_capture_on_commit_callbacks: Callbacks
) -> None:
    job = uploaded()
    age(job, upload_expires_at=120)
    swept(django_capture_on_commit_callbacks)
    assert Job.objects.get().status == JobStatus.PENDING


def test_a_mail_whose_message_was_lost_is_sent(
    claimed: Callable[..., leases.Claim], django_capture_on_commit_callbacks: Callbacks
) -> None:
    failed(claimed())
    Notice.objects.update(due_at=timezone.now() - timedelta(seconds=settings.RESEND_AFTER_SECONDS + 1))
    assert swept(django_capture_on_commit_callbacks)["notices"] == 1
    assert swept(django_capture_on_commit_callbacks)["notices"] == 0  # not again at once
    assert queues.waiting("gas-default") == 1
    assert not mail.outbox  # the sweep sends the message; a worker sends the mail


def test_objects_of_a_deleted_job_are_emptied_again_once_nothing_can_come_any_more(
    pending: Callable[..., Job], django_capture_on_commit_callbacks: Callbacks
) -> None:
    pending().delete()
    Purge.objects.update(emptied_at=timezone.now())
    assert swept(django_capture_on_commit_callbacks)["purges"] == 0
    long_ago = timezone.now() - timedelta(seconds=settings.RESEND_AFTER_SECONDS + 1)
    Purge.objects.update(settled_at=long_ago, sent_at=long_ago)
    assert swept(django_capture_on_commit_callbacks)["purges"] == 1
    assert swept(django_capture_on_commit_callbacks)["purges"] == 0  # not again at once


def test_trouble_with_one_kind_does_not_stop_the_others(
    pending: Callable[..., Job],
    claimed: Callable[..., leases.Claim],
    stranger: User,
    django_capture_on_commit_callbacks: Callbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The queue that is asked for its length is gone: messages cannot be judged, leases can."""
    age(claimed().job, lease_expires_at=1)
    age(pending(owner=stranger), sent_at=settings.RESEND_AFTER_SECONDS + 1)
    sqs = boto3.client("sqs", region_name=settings.AWS_REGION)
    sqs.delete_queue(QueueUrl=settings.SQS_QUEUE_URL_BASE + "gas-annotate")
    clients.sqs.cache_clear()
    moved = sweep()
    assert moved["leases"] == 1
    assert "messages" not in moved
    assert "in trouble: messages" in caplog.text


def test_one_row_in_trouble_does_not_hold_up_those_behind_it(
    uploaded: Callable[..., Job],
    django_capture_on_commit_callbacks: Callbacks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, fine = uploaded(), uploaded()
    age(broken, upload_expires_at=200)
    age(fine, upload_expires_at=120)
    head = s3.head

    def forbidden(bucket: str, key: str) -> s3.ObjectInfo | None:
        if key == broken.input_key:
            raise PermissionError("403")
        return head(bucket, key)

    monkeypatch.setattr(s3, "head", forbidden)
    assert swept(django_capture_on_commit_callbacks)["uploads"] == 1
    fine.refresh_from_db()
    assert fine.status == JobStatus.PENDING
    assert str(broken.pk) in caplog.text or broken.name in caplog.text
