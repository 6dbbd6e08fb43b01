"""Promise: an htsget ticket for a region gives the records that bcftools finds there, as a whole bgzip file."""

import base64
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pysam
import pytest
from django.conf import settings

from gas.aws.clients import s3
from gas.ga4gh import htsget, slices
from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support.api_program import Program, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("aws")]

LENGTHS = {"chr1": 3_000_000, "chr2": 40_000, "chrM": 16_569}
HEADER = "##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={name},length={size}>\n" for name, size in LENGTHS.items())
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write_vcf(path: Path, records: int) -> None:
    """Records at random places, some long deletions among them; their text is too random to be packed small."""
    chance = random.Random(records)  # noqa: S311
    lines = []
    for name, size in LENGTHS.items():
        for pos in sorted(chance.randint(1, size - 5000) for _ in range(records)):
            ref = "A" * chance.choice([1, 1, 1, 2, 4000])
            lines.append(f"{name}\t{pos}\t{chance.getrandbits(128):x}\t{ref}\tC\t.\t.\tX={chance.getrandbits(400):x}\n")
    plain = path.with_suffix("")
    plain.write_text(HEADER + COLUMNS + "".join(lines))
    pysam.tabix_compress(str(plain), str(path), force=True)
    pysam.tabix_index(str(path), preset="vcf", force=True)


@pytest.fixture(scope="module", params=[0, 3000], ids=["empty", "large"])
def vcf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("htsget") / "annot.vcf.gz"
    write_vcf(path, request.param)
    return path


@pytest.fixture
def job(claimed: Callable[..., leases.Claim], vcf: Path) -> Job:
    job = claimed().job
    folder = f"results/{job.owner_id}/{job.pk}/a/"
    for path in (vcf, vcf.with_name("annot.vcf.gz.tbi")):
        s3().put_object(Bucket=settings.S3_RESULTS_BUCKET, Key=folder + path.name, Body=path.read_bytes())
    ResultFile.objects.create(
        job=job,
        key=f"{folder}annot.vcf.gz",
        index_key=f"{folder}annot.vcf.gz.tbi",
        size=vcf.stat().st_size,
        sha256="0" * 64,
    )
    return job


@pytest.fixture
def program(person: User) -> Program:
    return Program(make_token(person))


def ask(program: Program, job: Job, query: str = "") -> Any:
    return program.get(f"/ga4gh/htsget/v1/variants/{job.pk}{query}")


def put_together(answer: Any, job: Job) -> bytes:
    """What a client makes of a ticket."""
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("application/vnd.ga4gh.htsget.v1.3.0+json")
    ticket = answer.json()["htsget"]
    assert ticket["format"] == "VCF"
    data = b""
    for piece in ticket["urls"]:
        if piece["url"].startswith("data:"):
            data += base64.b64decode(piece["url"].partition(";base64,")[2], validate=True)
            continue
        assert urlsplit(piece["url"]).path.endswith(job.result.key)
        part = {"Range": piece["headers"]["Range"]} if "headers" in piece else {}
        stored = s3().get_object(Bucket=settings.S3_RESULTS_BUCKET, Key=job.result.key, **part)
        data += stored["Body"].read()
    return data


def records(path: Path, region: str) -> list[str]:
    command = ["bcftools", "view", "--no-header", "--regions-overlap", "1", "--regions", region, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def regions(count: int) -> list[tuple[str, int, int]]:
    chance = random.Random(7)  # noqa: S311
    found = [("chr1", 0, 3_000_000), ("chrM", 0, 1), ("chr2", 16_384, 32_768), ("chr1", 5, 5)]
    for _ in range(count):
        name = chance.choice(list(LENGTHS))
        start = chance.randrange(LENGTHS[name])
        found.append((name, start, start + chance.choice([1, 100, 20_000, 500_000])))
    return found


with_records = pytest.mark.parametrize("vcf", [3000], indirect=True, ids=["large"])


@with_records
def test_a_region_has_the_records_that_bcftools_finds(program: Program, job: Job, vcf: Path, tmp_path: Path) -> None:
    for name, start, end in regions(25):
        file = tmp_path / "region.vcf.gz"
        file.write_bytes(put_together(ask(program, job, f"?referenceName={name}&start={start}&end={end}"), job))
        pysam.tabix_index(str(file), preset="vcf", force=True)
        place = f"{name}:{start + 1}-{end}"
        if start == end:
            assert pysam.VariantFile(str(file)).header.contigs.keys() == list(LENGTHS)
        else:
            assert records(file, place) == records(vcf, place), place


def test_without_a_region_it_is_the_whole_file(program: Program, job: Job, vcf: Path, tmp_path: Path) -> None:
    file = tmp_path / "whole.vcf.gz"
    file.write_bytes(put_together(ask(program, job), job))
    with pysam.BGZFile(str(file)) as got, pysam.BGZFile(str(vcf)) as stored:
        assert got.read() == stored.read()
    assert file.read_bytes().endswith(slices.END_OF_FILE.data)


def test_the_header_alone(program: Program, job: Job, tmp_path: Path) -> None:
    answer = ask(program, job, "?class=header&format=VCF")
    assert {piece["class"] for piece in answer.json()["htsget"]["urls"]} == {"header"}
    file = tmp_path / "header.vcf.gz"
    file.write_bytes(put_together(answer, job))
    with pysam.BGZFile(str(file)) as got:
        assert got.read().decode() == HEADER + COLUMNS


@with_records
def test_regions_in_a_body_bring_no_record_twice(program: Program, job: Job, vcf: Path, tmp_path: Path) -> None:
    wanted = [
        {"referenceName": "chr2", "start": 0, "end": 20_000},
        {"referenceName": "chr1", "start": 100_000, "end": 900_000},
        {"referenceName": "chr1", "start": 200_000, "end": 1_000_000},
    ]
    answer = program.post(f"/ga4gh/htsget/v1/variants/{job.pk}", {"format": "VCF", "regions": wanted})
    file = tmp_path / "regions.vcf.gz"
    file.write_bytes(put_together(answer, job))
    with pysam.BGZFile(str(file)) as got:
        lines = [line for line in got.read().decode().splitlines() if not line.startswith("#")]
    assert len(lines) == len(set(lines))
    pysam.tabix_index(str(file), preset="vcf", force=True)
    assert records(file, "chr1:100001-1000000") == records(vcf, "chr1:100001-1000000")


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("?format=BCF", 400, "UnsupportedFormat"),
        ("?start=1", 400, "InvalidInput"),
        ("?referenceName=chr1&start=-1", 400, "InvalidInput"),
        ("?referenceName=chr1&start=x", 400, "InvalidInput"),
        ("?referenceName=chr1&start=2&end=1", 400, "InvalidRange"),
        ("?referenceName=chrX", 404, "NotFound"),
        ("?class=body", 400, "InvalidInput"),
    ],
)
def test_errors_are_those_of_htsget(program: Program, job: Job, query: str, status: int, error: str) -> None:
    answer = ask(program, job, query)
    assert (answer.status_code, answer.json()["htsget"]["error"]) == (status, error)
    assert answer.json()["htsget"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"regions": 1}', json.dumps({"regions": [{}] * 101}).encode()])
def test_a_body_that_is_no_question_is_refused(program: Program, job: Job, body: bytes) -> None:
    answer = program.post(f"/ga4gh/htsget/v1/variants/{job.pk}", body)
    assert (answer.status_code, answer.json()["htsget"]["error"]) == (400, "InvalidInput")


def test_only_the_owner_with_the_scope_gets_a_ticket(job: Job, person: User, stranger: User) -> None:
    nobody, lacks, other = (
        ask(program, job)
        for program in (Program(), Program(make_token(person, "jobs:read")), Program(make_token(stranger)))
    )
    assert (nobody.status_code, nobody.json()["htsget"]["error"]) == (401, "InvalidAuthentication")
    assert (lacks.status_code, lacks.json()["htsget"]["error"]) == (403, "PermissionDenied")
    assert (other.status_code, other.json()["htsget"]["error"]) == (404, "NotFound")


@with_records
def test_what_is_scattered_over_too_many_places_is_refused(
    program: Program, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(htsget, "MOST_CHUNKS", 1)
    ends = [{"referenceName": name, "start": 0, "end": 100_000} for name in ("chr1", "chrM")]
    answer = program.post(f"/ga4gh/htsget/v1/variants/{job.pk}", {"regions": ends})
    assert (answer.status_code, answer.json()["htsget"]["error"]) == (413, "PayloadTooLarge")


@with_records
def test_a_ticket_reads_two_blocks_for_each_place(program: Program, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    block = slices.IndexedFile._block
    monkeypatch.setattr(slices.IndexedFile, "_block", lambda file, at: read.append(at) or block(file, at))
    put_together(ask(program, job), job)
    assert read == []
    put_together(ask(program, job, "?referenceName=chr1"), job)
    assert len(read) <= 3


def test_an_index_that_is_missing_is_no_crash(program: Program, job: Job) -> None:
    s3().delete_object(Bucket=settings.S3_RESULTS_BUCKET, Key=job.result.index_key)
    answer = ask(program, job, "?referenceName=chr1")
    assert (answer.status_code, answer.json()["htsget"]["error"]) == (404, "NotFound")
    body = b'{"regions": [' + b" " * 3_000_000 + b"]}"
    answer = program.post(f"/ga4gh/htsget/v1/variants/{job.pk}", body)
    assert (answer.status_code, answer.json()["htsget"]["error"]) == (413, "PayloadTooLarge")


def test_an_archived_result_has_no_ticket(program: Program, job: Job) -> None:
    ResultFile.objects.update(state="ARCHIVED")
    answer = ask(program, job)
    assert (answer.status_code, answer.json()["htsget"]["error"]) == (404, "NotFound")
