"""Promise: a file is submitted once and whole, whatever happens to the connection or to the command."""

import hashlib
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from gas.api.models import AccessToken
from gas.aws import clients
from gas.jobs.models import Job
from gas.jobs.states import JobStatus
from gas.users.models import PlanChoice, User
from tests.support.gas_command import Gas
from tests.support.jobs import SMALL_VCF

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queued")]

PART = 5 * 1024**2


class Killed(BaseException):
    """The process is ended from outside."""


@pytest.fixture
def large(tmp_path: Path, settings: Any, person: User) -> Path:
    """A file of six parts, the last of one byte."""
    User.objects.filter(pk=person.pk).update(plan=PlanChoice.PREMIUM)
    settings.UPLOAD_PART_BYTES = PART
    path = tmp_path / "large.vcf"
    path.write_bytes(b"".join(bytes([n]) * PART for n in range(5)) + b"!")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "sample.vcf"
    path.write_bytes(SMALL_VCF)
    return path


def stored(job: Job) -> bytes:
    found = clients.s3().get_object(Bucket=django_settings.S3_INPUTS_BUCKET, Key=job.input_key)
    return found["Body"].read()


def is_part(request: httpx2.Request) -> bool:
    return request.method == "PUT" and "partNumber" in request.url.params


def unfinished() -> list[Path]:
    return list(Path(os.environ["GAS_STATE_DIR"]).glob("uploads/*"))


def test_files_become_jobs(gas: Gas, small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.vcf"
    other.write_bytes(SMALL_VCF)
    code, out, err = gas("submit", small, other, small)
    assert code == 0
    assert out.split() == [str(job.pk) for job in Job.objects.order_by("created_at")]
    assert [line.split(":")[0] for line in err.splitlines()] == ["sample.vcf", "other.vcf"]
    assert [job.status for job in Job.objects.all()] == [JobStatus.PENDING] * 2
    assert stored(Job.objects.all()[0]) == SMALL_VCF
    assert unfinished() == []
    assert gas("submit", small)[0] == 0  # meant this time
    assert Job.objects.count() == 3


def test_connections_that_are_cut_send_only_what_is_missing(gas: Gas, large: Path) -> None:
    cut: dict[str, int] = {}

    def lose_requests(request: httpx2.Request) -> None:
        if is_part(request) and cut.setdefault(f"to {request.url.params['partNumber']}", 0) < 2:
            cut[f"to {request.url.params['partNumber']}"] += 1
            raise httpx2.WriteError("cut", request=request)

    def lose_answers(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        name = f"from {request.method} {request.url.path} {request.url.params.get('partNumber', '')}"
        if name not in cut:
            cut[name] = 1
            raise httpx2.ReadError("cut", request=request)
        return answer

    gas.network.before, gas.network.after = lose_requests, lose_answers
    code, _, _ = gas("submit", large, "--json")
    assert (code, Job.objects.count()) == (0, 1)
    assert sum(cut.values()) > 20
    assert hashlib.sha256(stored(Job.objects.get())).digest() == hashlib.sha256(large.read_bytes()).digest()
    assert (
        gas.network.count("PUT", "") == 6 * 3
    )  # twice lost on the way; the answer was lost once, and the part had come


@pytest.mark.parametrize("when", ["POST uploads", "PUT part", "POST confirm", "GET after confirm"])
def test_a_command_that_was_killed_is_resumed_by_the_same_command(gas: Gas, large: Path, when: str) -> None:
    parts: list[str] = []

    def kill(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        parts.extend([request.url.params["partNumber"]] if is_part(request) else [])
        path = request.url.path
        confirmed = gas.network.count("POST", "/confirm") > 0
        reached = {
            "POST uploads": path.endswith("/uploads"),
            "PUT part": len(parts) >= 3,
            "POST confirm": path.endswith("/confirm"),
            "GET after confirm": confirmed and request.method == "GET",
        }
        if reached[when]:
            raise Killed
        return answer

    gas.network.after = kill
    with pytest.raises(Killed):
        gas("submit", large, "--wait")
    assert len(unfinished()) == 1
    gas.network.after = lambda _, answer: answer
    before = gas.network.count("PUT", "")
    gas.meanwhile = lambda: Job.objects.update(status=JobStatus.CANCELLED) and None
    code, _, err = gas("submit", large, "--wait")
    assert (code, Job.objects.count()) == (1, 1)
    assert "large.vcf: cancelled" in err
    assert stored(Job.objects.get()) == large.read_bytes()
    sent_again = gas.network.count("PUT", "") - before
    assert sent_again <= {"POST uploads": 6, "PUT part": 3}.get(when, 0)
    assert unfinished() == []


def test_an_upload_that_has_ended_meanwhile_begins_again(gas: Gas, small: Path) -> None:
    def kill(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        if is_part(request):
            raise Killed
        return answer

    gas.network.after = kill
    with pytest.raises(Killed):
        gas("submit", small)
    Job.objects.get().delete()
    gas.network.after = lambda _, answer: answer
    assert gas("submit", small)[0] == 0
    assert Job.objects.get().status == JobStatus.PENDING


def test_a_part_with_other_bytes_is_sent_again(gas: Gas, large: Path) -> None:
    """As of a file that was written over within a tick of its clock."""
    when = large.stat()

    def kill(request: httpx2.Request) -> None:
        if request.url.path.endswith("/confirm"):
            raise Killed

    gas.network.before = kill
    with pytest.raises(Killed):
        gas("submit", large)
    with large.open("r+b") as file:
        file.write(b"other")
    os.utime(large, ns=(when.st_atime_ns, when.st_mtime_ns))
    gas.network.before = lambda _: None
    assert gas("submit", large)[0] == 0
    assert stored(Job.objects.get())[:5] == b"other"
    assert gas.network.count("PUT", "") == 7


def test_a_file_that_changes_under_way_is_not_submitted(gas: Gas, small: Path) -> None:
    def change(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        if is_part(request):
            small.write_bytes(SMALL_VCF + b"more")
        return answer

    gas.network.after = change
    code, _, err = gas("submit", small)
    assert code == 1
    assert "changed while it was uploaded" in err
    assert not Job.objects.exists()


def test_a_token_that_is_revoked_under_way(gas: Gas, small: Path) -> None:
    def revoke(request: httpx2.Request) -> None:
        if request.url.path.endswith("/confirm"):
            AccessToken.objects.update(revoked_at=timezone.now())

    gas.network.before = revoke
    code, _, err = gas("submit", small)
    assert (code, err) == (3, "gas: This token was revoked. Make a new one on your profile page.\n")
    gas.network.before = lambda _: None
    AccessToken.objects.update(revoked_at=None)
    assert gas("submit", small)[0] == 0
    assert (Job.objects.count(), gas.network.count("PUT", "")) == (1, 1)


def test_what_the_service_refuses_is_told_and_others_are_submitted(gas: Gas, small: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.vcf"
    empty.touch()
    code, out, err = gas("submit", empty, small)
    assert code == 1
    assert "empty.vcf: The file is empty." in err
    assert out.split() == [str(Job.objects.get().pk)]
    assert unfinished() == []
