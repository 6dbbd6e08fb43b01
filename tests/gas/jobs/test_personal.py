"""Promise: who downloads their data gets all of it, nobody else's, and whatever its size without filling the memory."""

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator

import pytest
from django.conf import settings
from django.test import Client

from gas.aws.clients import s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import ResultState
from gas.users import export_files
from gas.users.export import everything, stream_zip
from gas.users.models import Export, User
from tests.support.jobs import SMALL_VCF, failed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

FILES = {
    "annot.vcf.gz": b"records",
    "annot.vcf.gz.tbi": b"index",
    "log.txt": b"log",
    "summary.json": b"{}",
    "annot.tsv.gz": b"table",
    "annot.parquet": b"columns",
    "annot.stats.txt": b"numbers",
}


def completed(claim: leases.Claim) -> ResultFile:
    for name, content in FILES.items():
        s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=claim.prefix + name, Body=content)
    result = ResultFile(key=claim.prefix + "annot.vcf.gz", index_key=claim.prefix + "annot.vcf.gz.tbi", size=7)
    result.tsv_size, result.parquet_size, result.stats_size = 5, 7, 7
    leases.complete(claim, result, log_key=claim.prefix + "log.txt", summary={"records": 1}, preview=[])
    return result


def archive_of(chunks: Iterable[bytes]) -> zipfile.ZipFile:
    found = zipfile.ZipFile(io.BytesIO(b"".join(chunks)))
    assert found.testzip() is None
    return found


def download(client: Client) -> zipfile.ZipFile:
    """Ask for it, have it made, and get it from S3."""
    client.post("/profile/export/")
    export = Export.objects.get(owner=client.session["_auth_user_id"])
    export_files.build(export.pk)
    answer = client.get("/profile/export/file/")
    assert answer.status_code == 302
    assert export.key in answer["Location"]
    assert "gas-data-" in answer["Location"]
    return archive_of([s3().get_object(Bucket=settings.S3_RESULTS_BUCKET, Key=export.key)["Body"].read()])


def test_everything_of_a_person_is_in_it_and_nothing_of_anybody_elses(
    claimed: Callable[..., leases.Claim],
    pending: Callable[..., Job],
    person: User,
    stranger: User,
    browser_of: Callable[[User], Client],
) -> None:
    mine = claimed(name="my sample.vcf")
    completed(mine)
    bad = claimed(name="bad.vcf")
    failed(bad)
    completed(claimed(owner=stranger))
    waiting = pending()
    found = download(browser_of(person))
    folder = f"jobs/{mine.job.pk}/"
    assert set(found.namelist()) == {
        "account.json",
        "api-tokens.json",
        "explorer.json",
        "jobs.json",
        "plan.json",
        "shares.json",
        "webhooks.json",
        f"{folder}my sample.vcf",
        f"{folder}my sample.annot.vcf.gz",
        f"{folder}my sample.annot.vcf.gz.tbi",
        f"{folder}my sample.annot.log",
        f"{folder}my sample.annot.summary.json",
        f"{folder}my sample.annot.tsv.gz",
        f"{folder}my sample.annot.parquet",
        f"{folder}my sample.annot.stats.txt",
        f"jobs/{bad.job.pk}/bad.vcf",
        f"jobs/{waiting.pk}/sample.vcf",
    }
    assert found.read(f"{folder}my sample.annot.vcf.gz") == b"records"
    assert found.read(f"{folder}my sample.vcf") == SMALL_VCF

    jobs = {job["id"]: job for job in json.loads(found.read("jobs.json"))}
    assert set(jobs) == {str(mine.job.pk), str(bad.job.pk), str(waiting.pk)}
    assert jobs[str(mine.job.pk)]["summary"] == {"records": 1}
    assert jobs[str(mine.job.pk)]["result"]["state"] == "AVAILABLE"
    assert jobs[str(bad.job.pk)]["failure_message"] == "Line 1: no header."
    events = jobs[str(mine.job.pk)]["events"]
    assert [event["to"] for event in events if event.get("machine") == "job"] == ["PENDING", "RUNNING", "COMPLETED"]

    account = json.loads(found.read("account.json"))
    assert account["email"] == person.email
    assert account["email_addresses"] == [{"email": person.email, "verified": True, "primary": True}]
    text = json.dumps(account) + json.dumps(list(jobs.values()))
    assert person.password not in text
    assert stranger.email not in text
    assert str(stranger.pk) not in text


@pytest.mark.parametrize("state", [ResultState.ARCHIVED, ResultState.RESTORING])
def test_what_is_in_the_archive_is_listed_with_a_note(
    claimed: Callable[..., leases.Claim], person: User, browser_of: Callable[[User], Client], state: ResultState
) -> None:
    result = completed(claimed())
    ResultFile.objects.filter(pk=result.pk).update(state=state)
    found = download(browser_of(person))
    assert not [name for name in found.namelist() if name.endswith((".vcf.gz", ".tbi", ".tsv.gz", ".parquet"))]
    assert [name for name in found.namelist() if name.endswith(".stats.txt")]
    (job,) = json.loads(found.read("jobs.json"))
    assert job["result"]["state"] == state
    assert "restored" in job["result"]["note"]


def test_what_goes_away_meanwhile_is_named_and_spoils_nothing(
    claimed: Callable[..., leases.Claim], person: User, browser_of: Callable[[User], Client]
) -> None:
    result = completed(claimed())
    s3().delete_object(Bucket=settings.S3_RESULTS_BUCKET, Key=result.key)
    found = download(browser_of(person))
    (name,) = [name for name in found.namelist() if "missing" in name]
    assert name.endswith("sample.annot.vcf.gz.missing.txt")
    assert b"archived or deleted" in found.read(name)


def test_a_person_without_jobs_gets_their_account(
    aws: None, person: User, browser_of: Callable[[User], Client]
) -> None:
    found = download(browser_of(person))
    assert json.loads(found.read("jobs.json")) == []
    assert json.loads(found.read("account.json"))["plan"] == "free"


def test_a_name_cannot_lead_out_of_the_folder(
    uploaded: Callable[..., Job], person: User, browser_of: Callable[[User], Client]
) -> None:
    job = uploaded()
    Job.objects.filter(pk=job.pk).update(name="../../etc/passwd", input_etag='"x"')
    assert f"jobs/{job.pk}/passwd" in download(browser_of(person)).namelist()


def test_bytes_are_asked_for_only_when_it_is_their_turn() -> None:
    """Each piece leaves before the next is read: memory holds one, however many there are."""
    asked = 0

    def pieces() -> Iterator[bytes]:
        nonlocal asked
        for _ in range(50):
            asked += 1
            yield b"x" * 100_000

    sent = 0
    for chunk in stream_zip([("large.vcf.gz", pieces())]):
        sent += len(chunk)
        assert sent > (asked - 1) * 100_000, "it is held back"
        assert len(chunk) < 300_000
    assert asked == 50


def test_jobs_are_read_in_pages(aws: None, person: User, django_assert_max_num_queries: Callable[..., object]) -> None:
    Job.objects.bulk_create(Job(owner=person, name="a.vcf", reference="rCRS") for _ in range(150))
    with django_assert_max_num_queries(18):  # type: ignore[attr-defined]
        found = archive_of(stream_zip(everything(person)))
    assert len(json.loads(found.read("jobs.json"))) == 150
