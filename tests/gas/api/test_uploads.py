"""Promise: a program uploads as the browser does, and a repeated request opens one upload."""

import hashlib
from typing import Any

import pytest
from django.conf import settings as django_settings

from gas.api.models import IdempotentAnswer
from gas.aws import clients
from gas.jobs.models import Job, UploadSwitch
from gas.users.models import User
from tests.support.api_program import ASKED, Program, check
from tests.support.jobs import SMALL_VCF

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws", "queued")]


def test_a_file_becomes_a_job(program: Program) -> None:
    opened = program.post("uploads", ASKED)
    assert opened.status_code == 201
    job = Job.objects.get(pk=opened.json()["job"])
    refused = check(program.post(f"uploads/{job.pk}/confirm"), 409, "upload-refused")
    assert refused["detail"] == "The file has not arrived in full."
    assert refused["resume"] == "open"
    assert opened.json()["form"]["fields"]["key"] == job.input_key
    clients.s3().put_object(Bucket=django_settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=SMALL_VCF)
    for _ in range(2):
        confirmed = program.post(f"uploads/{job.pk}/confirm")
        assert (confirmed.status_code, confirmed.json()["status"]) == (200, "PENDING")
    check(program.get(f"uploads/{job.pk}"), 409, "refused")
    assert program.post(f"jobs/{job.pk}/cancel").json()["status"] == "CANCELLED"
    assert check(program.post(f"jobs/{job.pk}/cancel"), 409, "refused")["detail"] == "This job has already ended."
    retried = [program.post(f"jobs/{job.pk}/retry", **{"Idempotency-Key": "again"}) for _ in range(2)]
    assert [answer.status_code for answer in retried] == [200, 200]
    assert retried[1].json() == retried[0].json()
    check(program.post(f"jobs/{job.pk}/retry"), 409, "refused")
    assert [one["message"] for one in program.get(f"jobs/{job.pk}/events").json()["items"]][:2] == [
        "Trying again.",
        "Cancelled.",
    ]
    assert [one["kind"] for one in program.get(f"jobs/{job.pk}/outputs").json()["items"]] == ["input"]
    download = program.get(f"jobs/{job.pk}/outputs/input").json()
    assert download["name"] == "sample.vcf"
    assert job.input_key in download["url"]
    check(program.get(f"jobs/{job.pk}/outputs/vcf"), 404, "not-found")
    check(program.get(f"jobs/{job.pk}/log"), 404, "not-found")
    assert program.send("DELETE", f"jobs/{job.pk}").status_code == 204
    check(program.get(f"jobs/{job.pk}"), 404, "not-found")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": 0}, "The file is empty."),
        ({"size": 10**15}, "the limit is"),
        ({"reference": "GRCh99"}, "There is no reference “GRCh99” here."),
    ],
)
def test_what_the_page_refuses_is_refused_in_its_words(change: dict[str, Any], sentence: str, program: Program) -> None:
    assert sentence in check(program.post("uploads", {**ASKED, **change}), 409, "upload-refused")["detail"]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {**ASKED, "size": "7"}, {**ASKED, "size": -1}, {**ASKED, "size": 1.5}, [], 7, {**ASKED, "name": None}]
)
def test_a_body_that_is_wrong(body: Any, program: Program) -> None:
    assert check(program.post("uploads", body), 422, "invalid")["errors"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"name": "\\ud800", "size": 1, "reference": "rCRS"}', b"[" * 9999]
)
def test_a_body_that_is_no_json(body: bytes, program: Program) -> None:
    assert program.post("uploads", body).status_code in {400, 422}
    assert not Job.objects.exists()


def test_closed_uploads_and_too_many(program: Program, settings: Any) -> None:
    settings.UPLOADS_PER_HOUR = 1
    program.post("uploads", ASKED)
    check(program.post("uploads", ASKED), 429, "too-many-uploads")
    UploadSwitch.objects.update(open=False, message="Back at noon.")
    assert check(program.post("uploads", ASKED), 409, "upload-refused")["detail"] == "Back at noon."


def test_a_repeated_request_gets_the_first_answer_and_another_body_is_refused(program: Program) -> None:
    key = {"Idempotency-Key": "5f0c"}
    first, again = program.post("uploads", ASKED, **key), program.post("uploads", ASKED, **key)
    assert (again.status_code, again.json()) == (201, {**first.json(), "form": None})
    assert first.json()["form"]["fields"]["policy"] not in str(IdempotentAnswer.objects.values())
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Job.objects.count() == 1
    check(program.post("uploads", {**ASKED, "name": "other.vcf"}, **key), 422, "key-reused")
    job = Job.objects.get()
    check(program.post(f"jobs/{job.pk}/retry", **key), 422, "key-reused")
    assert Job.objects.count() == 1


def test_keys_of_two_people_are_apart_and_a_refusal_is_not_kept(
    program: Program, stranger: User, program_of: Any
) -> None:
    key = {"Idempotency-Key": "5f0c"}
    check(program.post("uploads", {**ASKED, "size": 0}, **key), 409, "upload-refused")
    assert not IdempotentAnswer.objects.exists()
    assert program.post("uploads", ASKED, **key).status_code == 201
    assert program_of(stranger).post("uploads", ASKED, **key).status_code == 201
    assert Job.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "é"])
def test_a_key_that_is_none(key: str, program: Program) -> None:
    check(program.post("uploads", ASKED, **{"Idempotency-Key": key}), 422, "invalid")


def test_a_file_is_sent_in_parts_and_resumed(program: Program) -> None:
    opened = program.post("uploads", {**ASKED, "in_parts": True}).json()
    job = Job.objects.get(pk=opened["job"])
    assert (opened["form"], opened["parts"]) == (None, {"size": django_settings.UPLOAD_PART_BYTES, "count": 1})
    assert program.get(f"uploads/{job.pk}").json()["parts"] == opened["parts"]
    assert program.get(f"uploads/{job.pk}/parts").json() == {"items": []}
    part = {"number": 1, "sha256": hashlib.sha256(SMALL_VCF).hexdigest()}
    [address] = program.post(f"uploads/{job.pk}/parts", {"parts": [part]}).json()["items"]
    assert address["number"] == 1
    assert set(address["headers"]) == {"x-amz-checksum-sha256"}
    refused = check(program.post(f"uploads/{job.pk}/confirm"), 409, "upload-refused")
    assert "1 of 1 parts have not arrived" in refused["detail"]
    clients.s3().upload_part(
        Bucket=django_settings.S3_INPUTS_BUCKET,
        Key=job.input_key,
        UploadId=job.parted.upload_id,
        PartNumber=1,
        Body=SMALL_VCF,
    )
    assert program.get(f"uploads/{job.pk}/parts").json() == {"items": [{**part, "size": len(SMALL_VCF)}]}
    assert program.post(f"uploads/{job.pk}/confirm").json()["status"] == "PENDING"
    check(program.get(f"uploads/{job.pk}/parts"), 409, "upload-refused")
    check(program.send("DELETE", f"uploads/{job.pk}"), 409, "refused")


def test_an_upload_is_discarded(program: Program) -> None:
    job = program.post("uploads", ASKED).json()["job"]
    check(program.get(f"uploads/{job}/parts"), 409, "upload-refused")
    assert program.send("DELETE", f"uploads/{job}").status_code == 204
    check(program.get(f"uploads/{job}"), 404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"parts": []},
        {"parts": [{"number": 0, "sha256": "0" * 64}]},
        {"parts": [{"number": True, "sha256": "0" * 64}]},
        {"parts": [{"number": 1, "sha256": "0" * 63 + "G"}]},
        {"parts": [{"number": 1, "sha256": "0" * 64}] * 101},
    ],
)
def test_what_names_no_part_is_refused(program: Program, body: Any) -> None:
    job = program.post("uploads", {**ASKED, "in_parts": True}).json()["job"]
    assert check(program.post(f"uploads/{job}/parts", body), 422, "invalid")["errors"]
