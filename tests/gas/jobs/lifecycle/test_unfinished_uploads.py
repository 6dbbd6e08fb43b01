"""Promise: an upload that is interrupted is resumed as the same job, or is removed without a trace."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError
from django.conf import settings
from django.test import Client
from django.utils import timezone

from gas.aws.clients import s3
from gas.jobs.catalogue import references
from gas.jobs.lifecycle import unfinished_uploads, uploads
from gas.jobs.lifecycle.sweep import sweep
from gas.jobs.lifecycle.unfinished_uploads import QUIET, discard
from gas.jobs.lifecycle.uploads import Resume, UploadRefused, confirm_upload, open_upload
from gas.jobs.models import Job, Purge
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.support.jobs import age, failed

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(person: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(person)


def open_by(client: Client, key: str, **fields: object) -> Any:
    body = {"name": "a.vcf", "size": 100, "reference": "rCRS", **fields}
    headers = {"Idempotency-Key": key}
    return client.post("/jobs/uploads/", json.dumps(body), content_type="application/json", headers=headers)


def test_opening_twice_with_one_key_gives_one_job(aws: None, client: Client, settings: Any) -> None:
    settings.UPLOADS_PER_HOUR = settings.MAX_ACTIVE_JOBS = 1  # the second is no second upload
    key = uuid4().hex
    first, second = open_by(client, key), open_by(client, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["job"] == second.json()["job"]
    assert second.json()["fields"]["key"] == first.json()["fields"]["key"]
    assert Job.objects.count() == 1


def test_another_person_with_the_same_key_gets_a_job_of_their_own(
    aws: None, client: Client, stranger: User, browser_of: Callable[[User], Client]
) -> None:
    key = uuid4().hex
    mine, theirs = open_by(client, key).json(), open_by(browser_of(stranger), key).json()
    assert mine["job"] != theirs["job"]
    assert Job.objects.get(pk=theirs["job"]).owner == stranger


def test_a_key_that_is_no_uuid_is_refused(aws: None, client: Client) -> None:
    assert open_by(client, "x").status_code == 400
    assert not Job.objects.exists()


def test_opening_again_takes_the_reference_that_is_chosen_now(
    aws: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = uuid4().hex
    open_by(client, key)
    assert open_by(client, key, reference="hg99").status_code == 400
    monkeypatch.setattr(references, "refusal", lambda _: "")
    open_by(client, key, reference="GRCh38")
    assert Job.objects.get().reference == "GRCh38"


def test_opening_again_after_the_confirmation_leads_to_the_job(aws: None, client: Client, person: User) -> None:
    key = uuid4().hex
    job = Job.objects.get(pk=open_by(client, key).json()["job"])
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=b"x" * 100)
    confirm_upload(job)
    answer = open_by(client, key)
    assert (answer.status_code, answer.json()["url"]) == (200, job.get_absolute_url())
    assert "fields" not in answer.json()


def test_a_job_that_was_cancelled_meanwhile_asks_for_another(aws: None, client: Client) -> None:
    key = uuid4().hex
    opened = open_by(client, key).json()
    client.post(f"/jobs/{opened['job']}/cancel/")
    for answer in (open_by(client, key), client.post(opened["confirm"])):
        assert answer.status_code in {400, 409}
        assert answer.json()["resume"] == Resume.NEW


def test_a_file_that_was_refused_is_not_asked_for_again(aws: None, client: Client) -> None:
    key = uuid4().hex
    opened = open_by(client, key).json()
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=opened["fields"]["key"], Body=b"")
    for answer in (client.post(opened["confirm"]), client.post(opened["confirm"]), open_by(client, key)):
        assert answer.status_code in {400, 409}
        assert answer.json()["resume"] == Resume.NEVER
        assert "empty" in answer.json()["error"]


def test_a_fresh_form_gives_the_upload_more_time(aws: None, client: Client) -> None:
    key = uuid4().hex
    opened = open_by(client, key)
    job = Job.objects.get(pk=opened.json()["job"])
    age(job, upload_expires_at=3600)
    open_by(client, key)
    sweep()
    job.refresh_from_db()
    assert job.status == JobStatus.UPLOADING
    expires = job.upload_expires_at
    assert expires
    age(job, upload_expires_at=61)
    sweep()
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    job.delete()
    assert Purge.objects.get().settled_at >= timezone.now()  # what the form brings later is removed, too


def test_the_files_of_a_removed_upload_are_removed_until_its_last_form_has_expired(aws: None, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=1, reference="rCRS").job
    later = timezone.now() + timedelta(days=1)
    Job.objects.update(upload_expires_at=later)
    Job.objects.get(pk=job.pk).delete()
    assert Purge.objects.get().settled_at == later


def test_an_upload_of_the_release_before_ends_too(aws: None, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=1, reference="rCRS").job
    Job.objects.update(upload_expires_at=None)
    age(job, created_at=settings.UPLOAD_EXPIRES_SECONDS + 120)
    sweep()
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_the_jobs_page_finishes_an_upload_whose_file_has_arrived(
    queued: None, client: Client, uploaded: Callable[..., Job]
) -> None:
    job = uploaded()
    assert "Check whether it has arrived" in client.get(job.get_absolute_url()).content.decode()
    page = client.post(f"/jobs/{job.pk}/finish/", follow=True).content.decode()
    assert "in the queue" in page
    assert Job.objects.get().status == JobStatus.PENDING


def test_and_says_what_to_do_about_one_whose_file_has_not(aws: None, client: Client, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=1, reference="rCRS").job
    page = client.post(f"/jobs/{job.pk}/finish/", follow=True).content.decode()
    assert "The file has not arrived in full. Remove this upload, and upload the file again." in page
    assert Job.objects.get().status == JobStatus.UPLOADING


def test_an_unfinished_upload_is_removed_with_one_click(aws: None, client: Client, person: User) -> None:
    job = open_upload(person, name="a.vcf", size=1, reference="rCRS").job
    for address in ("/jobs/", job.get_absolute_url()):
        page = client.get(address).content.decode()
        assert f"/jobs/{job.pk}/discard/" in page
        assert f"/jobs/{job.pk}/delete/" not in page
    assert client.post(f"/jobs/{job.pk}/discard/").status_code == 302
    assert not Job.objects.exists()


def test_one_whose_file_is_confirmed_is_not(queued: None, client: Client, pending: Callable[..., Job]) -> None:
    job = pending()
    assert "/discard/" not in client.get("/jobs/").content.decode()
    client.post(f"/jobs/{job.pk}/discard/")
    assert client.post(f"/jobs/{job.pk}/discard/", headers={"Accept": "application/json"}).status_code == 409
    assert Job.objects.exists()


def test_the_row_decides_whether_an_upload_has_finished_not_the_copy_of_it(
    queued: None, uploaded: Callable[..., Job]
) -> None:
    seen_before = uploaded()
    confirm_upload(Job.objects.get(pk=seen_before.pk))
    assert not discard(seen_before)
    assert Job.objects.get().status == JobStatus.PENDING


def test_dead_uploads_are_cleared_at_once_and_nothing_else(
    queued: None,
    client: Client,
    person: User,
    stranger: User,
    claimed: Callable[..., Any],
) -> None:
    broken = failed(claimed())

    def upload(owner: User = person) -> Job:
        return open_upload(owner, name="a.vcf", size=1, reference="rCRS").job

    fresh, dead, never_finished, theirs = upload(), upload(), upload(), upload(stranger)
    for job in (dead, theirs):
        age(job, created_at=QUIET.total_seconds() + 1)
    client.post(f"/jobs/{never_finished.pk}/cancel/")
    assert "2 uploads have not finished." in client.get("/jobs/").content.decode()
    page = client.post("/jobs/uploads/clear/", follow=True).content.decode()
    assert "2 unfinished uploads removed." in page
    assert "Clear unfinished uploads" not in page
    assert set(Job.objects.values_list("pk", flat=True)) == {broken.pk, fresh.pk, theirs.pk}


def break_s3(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """S3 answers no HEAD. Returns the keys that it was asked for."""
    asked: list[str] = []

    def fail(_: str, key: str) -> None:
        asked.append(key)
        raise EndpointConnectionError(endpoint_url="http://s3")

    monkeypatch.setattr(uploads.s3, "head", fail)
    return asked


def test_clearing_keeps_files_that_have_arrived(
    queued: None, client: Client, person: User, uploaded: Callable[..., Job]
) -> None:
    arrived, empty = uploaded(), uploaded()
    s3().put_object(Bucket=settings.S3_INPUTS_BUCKET, Key=empty.input_key, Body=b"")
    dead = open_upload(person, name="a.vcf", size=1, reference="rCRS").job
    for job in (arrived, empty, dead):
        age(job, created_at=QUIET.total_seconds() + 1)
    page = client.post("/jobs/uploads/clear/", follow=True).content.decode()
    assert "1 unfinished upload removed." in page
    assert "2 files had arrived; nothing of these was removed." in page
    assert dict(Job.objects.values_list("pk", "status")) == {arrived.pk: JobStatus.PENDING, empty.pk: JobStatus.FAILED}


def test_one_request_looks_for_a_bounded_number_of_files(
    aws: None, client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished_uploads, "CLEAR_AT_ONCE", 2)
    for _ in range(3):
        age(open_upload(person, name="a.vcf", size=1, reference="rCRS").job, created_at=QUIET.total_seconds() + 1)
    page = client.post("/jobs/uploads/clear/", follow=True).content.decode()
    assert "2 unfinished uploads removed." in page
    assert "1 unfinished upload left. Clear again." in page


def test_nothing_is_removed_while_s3_does_not_say_what_has_arrived(
    aws: None, client: Client, uploaded: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [uploaded(), uploaded()]
    for job in jobs:
        age(job, created_at=QUIET.total_seconds() + 1)
    asked = break_s3(monkeypatch)
    page = client.post("/jobs/uploads/clear/", follow=True).content.decode()
    assert "2 unfinished uploads left. Clear again." in page
    assert len(asked) == 1
    page = client.post(f"/jobs/{jobs[0].pk}/discard/", follow=True).content.decode()
    assert "The storage does not answer at the moment." in page
    assert Job.objects.count() == 2


def test_removing_one_whose_file_has_arrived_confirms_it(
    queued: None, client: Client, uploaded: Callable[..., Job]
) -> None:
    job = uploaded()
    page = client.post(f"/jobs/{job.pk}/discard/", follow=True).content.decode()
    assert "The file of this job has arrived, so it was not removed." in page
    assert Job.objects.get().status == JobStatus.PENDING


def test_the_upload_page_removes_a_file_that_it_has_just_sent(
    aws: None, client: Client, uploaded: Callable[..., Job]
) -> None:
    job = uploaded()
    assert client.post(f"/jobs/{job.pk}/discard/", headers={"Accept": "application/json"}).status_code == 204
    assert not Job.objects.exists()


def test_a_refusal_says_where_another_try_begins(aws: None, person: User) -> None:
    with pytest.raises(UploadRefused) as refused:
        open_upload(person, name="a.vcf", size=10**9, reference="rCRS")
    assert refused.value.resume == Resume.NEVER
    with pytest.raises(UploadRefused) as refused:
        open_upload(person, name="a.vcf", size=1, reference="hg99")
    assert refused.value.resume == Resume.OPEN


def test_opening_twice_at_once_gives_one_job(aws: None, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other request makes its job after this one has looked for it."""
    key = uuid4()
    count = uploads._count
    others: list[Job] = []

    def other_request(owner: User) -> None:
        count(owner)
        monkeypatch.setattr(uploads, "_count", count)
        others.append(open_upload(owner, name="a.vcf", size=1, reference="rCRS", key=key).job)

    monkeypatch.setattr(uploads, "_count", other_request)
    ticket = open_upload(person, name="a.vcf", size=1, reference="rCRS", key=key)
    assert [ticket.job] == others
    assert ticket.form
    assert Job.objects.count() == 1
