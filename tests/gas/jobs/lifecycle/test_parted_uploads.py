"""Promise: a large file comes in parts, each checked; it can be resumed; and parts that nobody needs are removed."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from botocore.credentials import RefreshableCredentials
from django.conf import settings
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws import presigned
from gas.aws.clients import s3
from gas.jobs.lifecycle import parts
from gas.jobs.lifecycle.parted_uploads import arrived_parts, sign_parts
from gas.jobs.lifecycle.sweep import _end_upload, sweep
from gas.jobs.lifecycle.unfinished_uploads import discard
from gas.jobs.lifecycle.uploads import (
    Resume,
    UploadRefused,
    confirm_upload,
    open_upload,
)
from gas.jobs.models import Job, PartedUpload, Purge
from gas.jobs.moves import LostRace
from gas.jobs.states import JobStatus
from gas.jobs.storage.purge import empty_folders
from gas.users.models import PlanChoice, User

pytestmark = pytest.mark.django_db

MIB = 1024**2
#: Two whole parts, and one of a single byte.
BODY = bytes(range(256)) * (10 * MIB // 256) + b"!"
PIECES = [BODY[: 5 * MIB], BODY[5 * MIB : 10 * MIB], BODY[10 * MIB :]]
CHECKSUMS = {number: hashlib.sha256(piece).hexdigest() for number, piece in enumerate(PIECES, 1)}


@pytest.fixture
def owner(person: User, settings: Any) -> User:
    settings.UPLOAD_PART_BYTES = 5 * MIB
    person.plan = PlanChoice.PREMIUM
    person.save()
    return person


def begin(owner: User, size: int = len(BODY), **more: Any) -> Job:
    return open_upload(owner, name="a.vcf", size=size, reference="rCRS", **more).job


def put(job: Job, number: int, body: bytes) -> None:
    s3().upload_part(
        Bucket=settings.S3_INPUTS_BUCKET,
        Key=job.input_key,
        UploadId=PartedUpload.objects.get(job=job).upload_id,
        PartNumber=number,
        Body=body,
    )


def put_all(job: Job) -> None:
    sign_parts(job, CHECKSUMS)
    for number, piece in enumerate(PIECES, 1):
        put(job, number, piece)


def uploads_in_s3() -> list[str]:
    return [one["Key"] for one in s3().list_multipart_uploads(Bucket=settings.S3_INPUTS_BUCKET).get("Uploads", [])]


def test_a_file_larger_than_a_part_is_sent_in_parts(
    aws: None, owner: User, browser_of: Callable[[User], Client]
) -> None:
    def ask(size: int) -> dict[str, Any]:
        body = json.dumps({"name": "a.vcf", "size": size, "reference": "rCRS"})
        return browser_of(owner).post("/jobs/uploads/", body, content_type="application/json").json()  # type: ignore[no-any-return]

    small, large = ask(5 * MIB), ask(5 * MIB + 1)
    assert (small["fields"]["Content-Type"], small["expires_in"]) == ("application/octet-stream", 3600)
    assert "parts" not in small
    assert (large["part_size"], large["count"]) == (5 * MIB, 2)
    assert large["parts"] == f"/jobs/{large['job']}/parts/"
    assert "fields" not in large


def test_parts_become_the_file_and_the_job_is_queued(aws: None, queued: None, owner: User) -> None:
    job = begin(owner)
    put_all(job)
    assert confirm_upload(job).status == JobStatus.PENDING
    assert s3().get_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key)["Body"].read() == BODY
    assert Job.objects.get().input_size == len(BODY)
    assert confirm_upload(Job.objects.get()).status == JobStatus.PENDING
    sweep()
    assert not PartedUpload.objects.exists()


def test_an_upload_is_resumed_with_the_parts_that_are_missing(aws: None, queued: None, owner: User) -> None:
    key = uuid4()
    job = begin(owner, key=key)
    sign_parts(job, CHECKSUMS)
    put(job, 1, PIECES[0])
    put(job, 3, PIECES[2])
    with pytest.raises(UploadRefused, match=r"1 of 3 parts have not arrived") as refusal:
        confirm_upload(job)
    assert refusal.value.resume == Resume.OPEN
    again = begin(owner, key=key)
    assert again.pk == job.pk
    assert [(part.number, part.size, part.sha256) for part in arrived_parts(again)] == [
        (1, 5 * MIB, CHECKSUMS[1]),
        (3, 1, CHECKSUMS[3]),
    ]
    put(job, 2, PIECES[1])
    assert confirm_upload(again).status == JobStatus.PENDING


def test_a_part_of_another_size_has_not_arrived(aws: None, owner: User) -> None:
    job = begin(owner)
    put_all(job)
    put(job, 2, PIECES[1] + b"more")
    assert [part.number for part in arrived_parts(job)] == [1, 3]
    with pytest.raises(UploadRefused, match="1 of 3"):
        confirm_upload(job)


def test_bytes_that_were_not_announced_end_the_job(aws: None, owner: User) -> None:
    job = begin(owner)
    put_all(job)
    put(job, 2, bytes(5 * MIB))
    with pytest.raises(UploadRefused, match="not the file that was sent"):
        confirm_upload(job)
    job.refresh_from_db()
    assert (job.status, job.failure_code) == (JobStatus.FAILED, "input-damaged")
    with pytest.raises(UploadRefused, match="Upload it again") as again:
        arrived_parts(job)
    assert again.value.resume == Resume.NEW


def test_an_address_takes_the_announced_bytes_for_as_long_as_a_form(aws: None, owner: User) -> None:
    [address] = sign_parts(begin(owner), {2: CHECKSUMS[2]})
    query = parse_qs(urlsplit(address.url).query)
    assert query["partNumber"] == ["2"]
    assert query["X-Amz-Expires"] == [str(settings.UPLOAD_EXPIRES_SECONDS)]
    assert query["X-Amz-SignedHeaders"] == ["content-length;host;x-amz-checksum-sha256"]
    assert set(address.headers) == {"x-amz-checksum-sha256"}


def test_no_upload_is_kept_open_for_ever(aws: None, owner: User) -> None:
    job = begin(owner)
    Job.objects.filter(pk=job.pk).update(created_at=datetime.now(UTC) - timedelta(days=29))
    job.refresh_from_db()
    sign_parts(job, CHECKSUMS)
    assert Job.objects.get().upload_expires_at == job.created_at + timedelta(days=30)


def test_an_upload_that_is_resumed_while_the_sweep_looks_at_it_goes_on(aws: None, owner: User) -> None:
    job = begin(owner)
    end_now(job)
    seen_by_the_sweep = Job.objects.get()
    sign_parts(job, CHECKSUMS)
    with pytest.raises(LostRace):
        _end_upload(datetime.now(UTC), seen_by_the_sweep)
    assert Job.objects.get().status == JobStatus.UPLOADING


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_part_that_the_file_does_not_have_is_refused(aws: None, owner: User, number: int) -> None:
    with pytest.raises(UploadRefused, match="this upload has 3"):
        sign_parts(begin(owner), {number: CHECKSUMS[1]})


@pytest.mark.parametrize(
    "asked",
    [
        None,
        [],
        {"parts": []},
        {"parts": {"number": 1, "sha256": CHECKSUMS[1]}},
        {"parts": [{"number": 1}]},
        {"parts": [{"number": True, "sha256": CHECKSUMS[1]}]},
        {"parts": [{"number": "1", "sha256": CHECKSUMS[1]}]},
        {"parts": [{"number": 1, "sha256": "00"}]},
        {"parts": [{"number": 1, "sha256": CHECKSUMS[1].upper()}]},
        {"parts": [{"number": 10**400, "sha256": CHECKSUMS[1]}]},
        {"parts": [{"number": number, "sha256": CHECKSUMS[1]} for number in range(1, 102)]},
    ],
)
def test_a_body_that_names_no_parts_is_refused(
    aws: None, owner: User, browser_of: Callable[[User], Client], asked: object
) -> None:
    address = f"/jobs/{begin(owner).pk}/parts/"
    answer = browser_of(owner).post(address, json.dumps(asked), content_type="application/json")
    assert answer.status_code in {400, 409}
    assert answer.json()["error"]
    assert not PartedUpload.objects.get().parts.exists()


def test_the_page_lists_what_has_arrived_and_asks_where_to_send_the_rest(
    aws: None, owner: User, browser_of: Callable[[User], Client]
) -> None:
    job, browser = begin(owner), browser_of(owner)
    sign_parts(job, {1: CHECKSUMS[1]})
    put(job, 1, PIECES[0])
    address = f"/jobs/{job.pk}/parts/"
    assert browser.get(address).json() == {"arrived": [{"number": 1, "size": 5 * MIB, "sha256": CHECKSUMS[1]}]}
    body = json.dumps({"parts": [{"number": 2, "sha256": CHECKSUMS[2]}]})
    [told] = browser.post(address, body, content_type="application/json").json()["addresses"]
    assert told["number"] == 2
    discard(job)
    assert browser.get(address).status_code == 404


def test_the_same_key_with_another_file_begins_another_upload(aws: None, owner: User) -> None:
    key = uuid4()
    begin(owner, key=key)
    with pytest.raises(UploadRefused, match="another file") as refusal:
        begin(owner, size=len(BODY) + 1, key=key)
    assert refusal.value.resume == Resume.NEW


def test_what_is_not_sent_in_parts_has_none(aws: None, owner: User) -> None:
    job = begin(owner, size=100)
    with pytest.raises(UploadRefused, match="not sent in parts"):
        arrived_parts(job)


def test_a_program_may_send_a_small_file_in_parts(aws: None, queued: None, owner: User) -> None:
    job = begin(owner, size=1, in_parts=True)
    sign_parts(job, {1: CHECKSUMS[3]})
    put(job, 1, PIECES[2])
    assert confirm_upload(job).status == JobStatus.PENDING


def test_a_refused_upload_leaves_nothing_in_s3(aws: None, owner: User, settings: Any) -> None:
    settings.MAX_ACTIVE_JOBS = 1
    begin(owner, size=100)
    with pytest.raises(UploadRefused):
        begin(owner)
    assert uploads_in_s3() == []


def end_now(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(upload_expires_at=datetime.now(UTC) - timedelta(hours=1))


def test_an_upload_that_nobody_finishes_ends_and_its_parts_go(aws: None, owner: User) -> None:
    job = begin(owner)
    sign_parts(job, {1: CHECKSUMS[1]})
    put(job, 1, PIECES[0])
    left = Job.objects.get().upload_expires_at - datetime.now(UTC)  # type: ignore[operator]
    assert timedelta(days=2, hours=23) < left < timedelta(days=3, minutes=1)
    sweep()
    assert uploads_in_s3() == [job.input_key]
    end_now(job)
    sweep()
    assert Job.objects.get().status == JobStatus.CANCELLED
    assert uploads_in_s3() == []
    assert not PartedUpload.objects.exists()


def test_an_upload_that_arrived_is_confirmed_though_its_page_is_gone(aws: None, queued: None, owner: User) -> None:
    job = begin(owner)
    put_all(job)
    end_now(job)
    sweep()
    assert Job.objects.get().status == JobStatus.PENDING


def test_deleting_an_upload_removes_its_parts(
    aws: None, owner: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = begin(owner)
    sign_parts(job, {1: CHECKSUMS[1]})
    put(job, 1, PIECES[0])
    discard(job)
    empty_folders(Purge.objects.get().pk)
    assert uploads_in_s3() == []


@pytest.mark.parametrize(
    ("size", "size_of_part"),
    [
        (1, 16 * MIB),
        (160_000 * MIB, 16 * MIB),
        (160_000 * MIB + 1, 17 * MIB),
        (5 * 1024**4, 525 * MIB),
    ],
)
def test_no_file_has_more_than_ten_thousand_parts(size: int, size_of_part: int) -> None:
    assert parts.part_size(size) == size_of_part
    assert PartedUpload(size=size, part_size=size_of_part).count <= 10_000


@pytest.mark.parametrize(("left", "most"), [(1200, 1200), (7200, 3600)])
def test_what_is_signed_ends_with_the_credentials_that_signed_it(
    aws: None, monkeypatch: pytest.MonkeyPatch, left: int, most: int
) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=left)
    role = RefreshableCredentials("key", "secret", "token", ends, dict, "assume-role")
    monkeypatch.setattr(s3()._request_signer, "_credentials", role)  # type: ignore[attr-defined]
    signed = presigned.part_url("k", "u", 1, size=1, checksum="")
    seconds = int(parse_qs(urlsplit(signed).query)["X-Amz-Expires"][0])
    assert most - 5 <= seconds <= most
    assert most - 5 <= presigned.upload_seconds() <= most
