"""From a file in a browser to a job in the queue."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws import queues
from gas.aws.clients import s3
from gas.jobs.lifecycle.uploads import UploadRefused, confirm_upload, open_upload
from gas.jobs.models import Job, UploadSwitch
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.support.production import REQUIRED, load

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
        ({"size": 150 * 1024 + 1}, "has 153,601 bytes; the limit is 153,600 bytes"),
        ({"size": 2_000_000}, "has 1.9 MB; the limit is 150 KB"),
        ({"size": 10**400}, "JSON object"),
        ({"size": 1e999}, "JSON object"),
        ({"size": True}, "JSON object"),
        ({"size": -1}, "JSON object"),
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
    UploadSwitch.objects.update_or_create(defaults={"open": False, "message": "Back on Monday."})
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
    assert "limit is 153,600 bytes" in job.failure_message
    assert "bgzip" in job.failure_advice


def test_same_named_files_do_not_meet(uploaded: Callable[..., Job]) -> None:
    first, second = uploaded(name="same.vcf"), uploaded(name="same.vcf")
    assert first.input_key != second.input_key
    assert first.result_prefix != second.result_prefix


def test_an_empty_file_is_told_apart_from_one_that_has_not_arrived(aws: None, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=10, reference="rCRS").job
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=b"")
    with pytest.raises(UploadRefused, match="empty"):
        confirm_upload(job)
    job.refresh_from_db()
    assert "meant to upload" in job.failure_advice


def test_two_confirmations_of_a_refused_file_at_once_are_both_refused(aws: None, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=10, reference="rCRS").job
    seen_by_both = Job.objects.get(pk=job.pk)
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=b"")
    for row in (job, seen_by_both):
        with pytest.raises(UploadRefused):
            confirm_upload(row)
    assert Job.objects.get().status == JobStatus.FAILED


def test_one_person_cannot_fill_the_queue(aws: None, person: User, stranger: User, settings: Any) -> None:
    settings.MAX_ACTIVE_JOBS = 2
    for _ in range(2):
        open_upload(person, name="a.vcf", size=10, reference="rCRS")
    with pytest.raises(UploadRefused, match="2 jobs on their way"):
        open_upload(person, name="a.vcf", size=10, reference="rCRS")
    open_upload(stranger, name="a.vcf", size=10, reference="rCRS")


def test_a_body_that_is_nested_without_end_is_refused(person: User, browser_of: Callable[[User], Client]) -> None:
    body = '{"name":' * 100_000
    assert browser_of(person).post("/jobs/uploads/", body, content_type="application/json").status_code == 400


@pytest.mark.once
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_pages_policy_lets_uploads_and_the_genome_view_reach_the_buckets(region: str) -> None:
    """With real AWS there is no endpoint setting: what boto3 signs must be what the policy names."""
    program = (
        "import django; django.setup()\n"
        "from django.conf import settings; from gas.aws.presigned import download_url, upload_form\n"
        "print(upload_form('k', max_bytes=1)['url'])\n"
        "print(download_url(settings.S3_RESULTS_BUCKET, 'k', filename='k'))\n"
        "print(download_url(settings.REFERENCES_S3.partition('/')[0], 'k', filename='k'))\n"
        "print(*settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['connect-src'])"
    )
    env = {**REQUIRED, "AWS_REGION": region, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    env |= {"REFERENCES_S3": "gas-packs/packs", "REFERENCES_DIR": "references"}
    *urls, policy = load(env, "-c", program).stdout.splitlines()
    origins = {f"https://{urlsplit(url).netloc}" for url in urls}
    assert len(origins) == 3
    assert origins <= set(policy.split())


def test_a_person_begins_so_many_uploads_an_hour_and_deleting_makes_no_room(
    aws: None, person: User, stranger: User, browser_of: Callable[[User], Client], settings: Any
) -> None:
    settings.UPLOADS_PER_HOUR = 3
    browser = browser_of(person)
    assert [ask(browser)[0] for _ in range(3)] == [201] * 3
    Job.objects.all().delete()
    code, answer = ask(browser)
    assert (code, "3 uploads" in answer["error"]) == (429, True)
    assert ask(browser_of(stranger))[0] == 201
