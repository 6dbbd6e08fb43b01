"""Promise: other tools find a person's files by DRS, with checksums, wherever the bytes are."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from gas.aws.clients import s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support.api_program import Program, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws")]

BODY = b"a result"
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def job(claimed: Callable[..., leases.Claim]) -> Job:
    job = claimed().job
    folder = f"results/{job.owner_id}/{job.pk}/a/"
    for name in ("annot.vcf.gz", "annot.vcf.gz.tbi"):
        s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=folder + name, Body=BODY, Metadata={"sha256": SHA256})
    ResultFile.objects.create(
        job=job, key=f"{folder}annot.vcf.gz", index_key=f"{folder}annot.vcf.gz.tbi", size=len(BODY), sha256=SHA256
    )
    return job


@pytest.fixture
def program(person: User) -> Program:
    return Program(make_token(person))


def ask(program: Program, job: Job, kind: str = "vcf", more: str = "") -> Any:
    return program.get(f"/ga4gh/drs/v1/objects/{job.pk}.{kind}{more}")


@pytest.mark.parametrize("kind", ["vcf", "index"])
def test_a_file_is_an_object_with_its_checksum(program: Program, job: Job, kind: str) -> None:
    told = ask(program, job, kind).json()
    assert told["id"] == f"{job.pk}.{kind}"
    assert told["self_uri"] == f"drs://{settings.SITE_URL.partition('://')[2]}/{told['id']}"
    assert told["size"] == len(BODY)
    assert told["checksums"] == [{"type": "sha-256", "checksum": SHA256}]
    assert told["access_methods"] == [{"type": "https", "access_id": "https", "available": True}]
    url = ask(program, job, kind, "/access/https").json()["url"]
    assert "X-Amz-Signature" in url
    assert "annot.vcf.gz" in url


def test_an_upload_has_the_checksum_that_s3_has(program: Program, job: Job) -> None:
    etag = s3().head_object(Bucket=settings.S3_INPUTS_BUCKET, Key=job.input_key)["ETag"].strip('"')
    assert ask(program, job, "input").json()["checksums"] == [{"type": "etag", "checksum": etag}]


def test_an_archived_result_says_so_and_is_announced_while_it_is_restored(program: Program, job: Job) -> None:
    ResultFile.objects.update(state="ARCHIVED")
    told = ask(program, job).json()
    assert told["access_methods"][0]["available"] is False
    assert told["checksums"] == [{"type": "sha-256", "checksum": SHA256}]
    refused = ask(program, job, more="/access/https")
    assert (refused.status_code, refused.json()["status_code"]) == (404, 404)
    assert "restore" in refused.json()["msg"]
    ResultFile.objects.update(state="RESTORING")
    coming = ask(program, job, more="/access/https")
    assert (coming.status_code, coming.content) == (202, b"")
    assert int(coming["Retry-After"]) > 0
    assert ask(program, job, "index").status_code == 404


def test_what_is_not_there_is_not_found(program: Program, job: Job) -> None:
    for kind, more in [("tsv", ""), ("nothing", ""), ("vcf", "/access/s3")]:
        answer = ask(program, job, kind, more)
        assert (answer.status_code, answer.json()["status_code"]) == (404, 404)


def test_only_the_owner_with_the_scope_sees_an_object(job: Job, person: User, stranger: User) -> None:
    askers = [Program(), Program(make_token(person, "jobs:read")), Program(make_token(stranger))]
    for more in ("", "/access/https"):
        assert [ask(asker, job, more=more).status_code for asker in askers] == [401, 403, 404]
    assert ask(askers[0], job).json()["msg"]


@pytest.mark.parametrize(
    ("path", "artifact", "member"), [("drs/v1", "drs", "drs"), ("htsget/v1/variants", "htsget", "htsget")]
)
def test_service_info_is_open_to_everybody(client: Client, path: str, artifact: str, member: str) -> None:
    told = client.get(f"/ga4gh/{path}/service-info").json()
    assert told["type"]["group"] == "org.ga4gh"
    assert told["type"]["artifact"] == artifact
    assert {"id", "name", "organization", "version", member} <= set(told)
    assert {"name", "url"} <= set(told["organization"])
