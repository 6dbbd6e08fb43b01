"""Promise: each command says what it did, prints JSON if asked, ends with the right code, and asks nobody in a pipe."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import settings as django_settings

from gas.aws import clients
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import JobStatus
from tests.support.gas_command import Gas
from tests.support.jobs import failed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]


def result_of(job: Job) -> bytes:
    found = clients.s3().get_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=job.result.key)
    return found["Body"].read()


def body(answer: httpx2.Response) -> bytes:
    """What the storage answers, without reading it for the client."""
    assert isinstance(answer.stream, httpx2.SyncByteStream)
    return b"".join(answer.stream)


def test_jobs_are_listed_shown_cancelled_retried_and_deleted(gas: Gas, pending: Callable[..., Job]) -> None:
    job = pending(name="\x1b[2Jsample.vcf")
    code, out, _ = gas("jobs")
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["id", str(job.pk)]
    assert "\x1b" not in out
    [listed] = json.loads(gas("jobs", "--json")[1])
    assert listed == json.loads(gas("show", str(job.pk), "--json")[1])
    assert "waiting, number 1 in the queue" in gas("show", str(job.pk))[1]
    assert gas("cancel", str(job.pk))[1].endswith(": cancelled\n")
    code, _, err = gas("cancel", str(job.pk))
    assert (code, err) == (1, "gas: This job has already ended.\n")
    assert gas("retry", str(job.pk))[0] == 0
    assert gas("delete", str(job.pk), "--yes", "--json")[1:] == (
        json.dumps({"deleted": [str(job.pk)]}, indent=2) + "\n",
        "",
    )
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["delete", "0f"], "Without a terminal nobody can be asked: add --yes to delete for good."),
        (["login"], "GAS_TOKEN is set"),
        (["show", "f8b0b9e8-4e7f-4d3c-8c35-1f0a7a4f2a11"], "You have no job with this id."),
        (["jobs", "--status", "lost"], "status: "),
        (["submit", "missing.vcf"], "missing.vcf: No such file or directory."),
        (["variants", "x", "MT-ND4"], "MT-ND4 belongs to no filter."),
        (["nonsense"], "No such command"),
    ],
)
def test_what_cannot_be_done_so_is_usage(gas: Gas, arguments: list[str], sentence: str) -> None:
    code, out, err = gas(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_service_that_does_not_answer_is_tried_for_a_while(gas: Gas) -> None:
    def refuse(request: httpx2.Request) -> None:
        raise httpx2.ConnectError("refused", request=request)

    gas.network.before = refuse
    code, _, err = gas("jobs", "--json")
    assert (code, json.loads(err)["error"]["code"]) == (4, "unreachable")
    assert len(gas.pauses) == 7
    assert 20 < sum(gas.pauses) < 90


def test_a_busy_service_says_when_to_come_back(gas: Gas) -> None:
    answers = [httpx2.Response(429, headers={"Retry-After": "7"}), httpx2.Response(503), httpx2.Response(502)]
    gas.network.after = lambda _, answer: answers.pop(0) if answers else answer
    assert gas("jobs")[0] == 0
    assert gas.pauses[0] == 7
    assert len(gas.pauses) == 3


def test_a_retried_post_has_one_key(gas: Gas, claimed: Callable[..., Any]) -> None:
    job = claimed().job
    gas("cancel", str(job.pk))
    keys: list[str] = []

    def lose(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx2.ReadError("lost", request=request)
        return answer

    gas.network.after = lose
    code, out, err = gas("retry", str(job.pk))
    assert (code, err) == (0, ""), out
    assert keys == [keys[0]] * 2


def test_a_post_waits_for_its_own_earlier_try(gas: Gas, claimed: Callable[..., Any]) -> None:
    job = claimed().job
    gas("cancel", str(job.pk))
    problem = httpx2.Response(409, headers={"Retry-After": "5"}, json={"code": "in-progress"})
    answers = [problem]
    gas.network.after = lambda _, answer: answers.pop() if answers else answer
    code, out, err = gas("retry", str(job.pk))
    assert (code, err) == (0, ""), out
    assert gas.pauses[0] == 5


def test_a_job_that_failed_is_code_1_and_its_log_is_followed(gas: Gas, claimed: Callable[..., Any]) -> None:
    claim = claimed()
    code, _, err = gas("log", str(claim.job.pk))
    assert code == 1
    assert "This job has no log yet" in err
    gas.meanwhile = lambda: None if Job.objects.get().is_finished else failed(claim) and None
    code, _, err = gas("log", "-f", str(claim.job.pk))
    assert "Upload started." in err
    assert "no log" in err
    assert "failed. Line 1: no header. Add one." in gas("show", str(claim.job.pk))[1]


def test_a_download_is_resumed_and_checked(gas: Gas, job_with_table: Job, tmp_path: Path) -> None:
    job, asked = job_with_table, []
    whole = result_of(job)

    def cut(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        if request.url.host == "testserver":
            return answer
        asked.append(request.headers.get("Range"))
        short = httpx2.ByteStream(body(answer)[: len(whole) // 4])
        return httpx2.Response(answer.status_code, headers=answer.headers, stream=short)

    gas.network.after = cut
    code, _, err = gas("download", str(job.pk), "--kind", "vcf", "--folder", tmp_path / "got")
    assert (code, err.count("saved")) == (0, 1)
    [path] = (tmp_path / "got").iterdir()
    assert path.read_bytes() == whole
    assert asked[:2] == [None, f"bytes={len(whole) // 4}-"]
    before = len(asked)
    assert gas("download", str(job.pk), "--kind", "vcf", "--folder", tmp_path / "got")[0] == 0
    assert len(asked) == before  # it is here
    path.write_bytes(b"mine")
    code, _, err = gas("download", str(job.pk), "--kind", "vcf", "--folder", tmp_path / "got")
    assert (code, path.read_bytes()) == (2, b"mine")
    gas.network.after = lambda _, answer: answer
    path.with_name(f"{path.name}.{str(job.pk)[:8]}.part").write_bytes(b"x" * 100)  # of another time
    assert gas("download", str(job.pk), "--kind", "vcf", "--folder", tmp_path / "got", "--force")[0] == 0
    assert path.read_bytes() == whole


def test_other_bytes_are_never_saved(gas: Gas, job_with_table: Job, tmp_path: Path) -> None:
    def spoil(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        if request.url.host == "testserver":
            return answer
        return httpx2.Response(200, stream=httpx2.ByteStream(b"x" * len(body(answer))))

    gas.network.after = spoil
    code, _, err = gas("download", str(job_with_table.pk), "--kind", "vcf", "--folder", tmp_path / "got")
    assert code == 1
    assert "did not arrive as the service has it" in err
    assert list((tmp_path / "got").iterdir()) == []


def test_variants_are_filtered(gas: Gas, job_with_table: Job) -> None:
    job = str(job_with_table.pk)
    every = json.loads(gas("variants", job, "--json", "--columns", "type")[1])
    snvs = json.loads(gas("variants", job, "--type=snv", "--json", "--columns", "type")[1])
    assert 0 < len(snvs) < len(every)
    assert {one["type"] for one in snvs} == {"SNV"}
    code, out, _ = gas("variants", job, "--tsv", "--type", "SNV", "--columns", "pos,type", "--limit", "3")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, len(rows)) == (0, 4)
    assert {row[-1] for row in rows[1:]} == {"SNV"}
    code, _, err = gas("variants", job, "--impakt", "high")
    assert code == 2
    assert "impakt" in err
    assert "--impact\t" in gas("variants", job, "--filters")[1]


def test_a_waiting_submit_downloads_what_comes_of_it(
    gas: Gas,
    job_with_table: Job,
    tmp_path: Path,
) -> None:
    """The result is another job's, which moves to the new one while the command waits."""
    path = tmp_path / "sample.vcf"
    path.write_bytes(b"##fileformat=VCFv4.2\n")
    whole = result_of(job_with_table)

    def complete() -> None:
        job = Job.objects.latest("created_at")
        ResultFile.objects.update(job=job)
        Job.objects.filter(pk=job.pk).update(status=JobStatus.COMPLETED)

    gas.meanwhile = complete
    code, out, _ = gas("submit", path, "--wait", "--json")
    assert code == 0
    [job] = json.loads(out)
    assert job["status"] == "COMPLETED"
    assert gas("download", job["id"], "--kind", "vcf", "--folder", tmp_path / "got")[0] == 0
    assert next((tmp_path / "got").iterdir()).read_bytes() == whole


def test_a_restore_that_the_plan_does_not_allow(gas: Gas) -> None:
    code, _, err = gas("restore")
    assert code == 1
    assert err.startswith("gas: ")
    assert gas.network.count("POST", "/restores") == 1
