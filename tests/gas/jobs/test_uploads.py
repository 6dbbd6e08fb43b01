"""From a file in a browser to a job in the queue."""

import json
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws import queues
from gas.aws.clients import s3
from gas.jobs.models import Job, UploadSwitch
from gas.jobs.states import JobStatus
from gas.jobs.uploads import UploadRefused, confirm_upload, open_upload
from gas.users.models import User

pytestmark = pytest.mark.django_db


def ask(client: Client, **fields: object) -> tuple[int, dict[str, str]]:
    body = {"name": "a.vcf", "size": 100, "reference": "rCRS", **fields}
    answer = client.post("/jobs/uploads/", json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def test_an_upload_gets_a_form_whose_key_is_ours(aws: None, person: User, browser_of: Callable[[User], Client]) -> None:
    code, answer = ask(browser_of(person), name="../../etc/passwd.vcf")
    job = Job.objects.get()
    assert code == 201
    assert job.status == JobStatus.UPLOADING
    assert job.name == "passwd.vcf"
    assert answer["fields"]["key"] == f"uploads/{person.pk}/{job.pk}/input"  # type: ignore[index]
    assert answer["confirm"] == f"/jobs/{job.pk}/confirm/"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"size": 150 * 1024 + 1}, "the limit is 150.0"),
        ({"size": 0}, "empty"),
        ({"size": "many"}, "JSON object"),
        ({"reference": "hg99"}, "no reference “hg99”"),
    ],
)
def test_what_cannot_be_accepted_is_refused_before_the_upload(
    aws: None, person: User, browser_of: Callable[[User], Client], fields: dict[str, object], says: str
) -> None:
    code, answer = ask(browser_of(person), **fields)
    assert code == 400
    assert says in answer["error"]
    assert not Job.objects.exists()


def test_a_file_of_exactly_the_limit_is_accepted(aws: None, person: User) -> None:
    open_upload(person, name="a.vcf", size=settings.UPLOAD_MAX_BYTES, reference="rCRS")
    assert Job.objects.count() == 1


def test_staff_can_close_uploads_with_a_message(aws: None, person: User, browser_of: Callable[[User], Client]) -> None:
    UploadSwitch.objects.update(open=False, message="Back on Monday.")
    code, answer = ask(browser_of(person))
    assert (code, answer["error"]) == (400, "Back on Monday.")
    assert "Back on Monday." in browser_of(person).get("/jobs/new/").content.decode()


def test_confirming_queues_the_job_once_however_often_it_is_done(
    queued: None, uploaded: Callable[..., Job], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = uploaded()
    with django_capture_on_commit_callbacks(execute=True):
        first = confirm_upload(job)
        again = confirm_upload(Job.objects.get(pk=job.pk))
    assert first.status == again.status == JobStatus.PENDING
    assert queues.waiting("gas-annotate") == 1
    assert job.events.filter(to_state=JobStatus.PENDING).count() == 1


def test_two_confirmations_at_once_send_one_message(
    queued: None, uploaded: Callable[..., Job], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = uploaded()
    seen_by_both = Job.objects.get(pk=job.pk)
    with django_capture_on_commit_callbacks(execute=True):
        confirm_upload(job)
        assert confirm_upload(seen_by_both).status == JobStatus.PENDING
    assert queues.waiting("gas-annotate") == 1


def test_the_message_leaves_only_after_the_commit(
    queued: None, uploaded: Callable[..., Job], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = uploaded()
    with django_capture_on_commit_callbacks() as callbacks:
        confirm_upload(job)
        assert queues.waiting("gas-annotate") == 0
    for callback in callbacks:
        callback()
    assert queues.waiting("gas-annotate") == 1


def test_a_file_that_has_not_arrived_cannot_be_confirmed(aws: None, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=10, reference="rCRS").job
    with pytest.raises(UploadRefused, match="not arrived"):
        confirm_upload(job)
    assert Job.objects.get().status == JobStatus.UPLOADING


def test_the_size_is_what_s3_says_not_what_the_browser_said(aws: None, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=10, reference="rCRS").job
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=b"x" * (settings.UPLOAD_MAX_BYTES + 1))
    with pytest.raises(UploadRefused, match="limit is"):
        confirm_upload(job)
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert "limit is 150.0" in job.failure_message


def test_same_named_files_do_not_meet(uploaded: Callable[..., Job]) -> None:
    first, second = uploaded(name="same.vcf"), uploaded(name="same.vcf")
    assert first.input_key != second.input_key
    assert first.result_prefix != second.result_prefix
