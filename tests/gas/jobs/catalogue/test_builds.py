"""The upload page learns the build of a file, and a job on the wrong build stops."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysam
import pytest
from django.conf import settings as django_settings
from django.test import Client

from annotator.install.bgzip import BgzipFile
from annotator.tasks import annotate_job
from gas.aws.clients import s3
from gas.celery import app
from gas.jobs.catalogue import builds
from gas.jobs.lifecycle.uploads import confirm_upload, open_upload
from gas.jobs.models import Job
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.annotator.packs import make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def sequences(settings: Any, tmp_path: Path) -> dict[str, str]:
    """Two packs in addition to rCRS, with a contig 1 of other lengths and bases: their bases."""
    settings.REFERENCES_DIR = tmp_path / "references"
    rng = random.Random(5)  # noqa: S311
    found = {name: "".join(rng.choices("ACGT", k=size)) for name, size in (("old", 3000), ("new", 2000))}
    for name, bases in found.items():
        make_pack(settings.REFERENCES_DIR, {"1": bases}, pack_id=name, aliases={"1": ["chr1"]})
    return found


@pytest.fixture
def ask(person: User, browser_of: Callable[[User], Client]) -> Callable[..., tuple[int, dict[str, Any]]]:
    client = browser_of(person)

    def asked(*header: str, records: object = (), body: object = None) -> tuple[int, dict[str, Any]]:
        sent = {"header": header, "records": records} if body is None else body
        text = sent if isinstance(sent, str) else json.dumps(sent)
        answer = client.post("/jobs/builds/", text, content_type="application/json")
        return answer.status_code, answer.json() if answer["Content-Type"] == "application/json" else {}

    return asked


Ask = Callable[..., tuple[int, dict[str, Any]]]


def sites(bases: str, count: int) -> list[list[object]]:
    return [["chr1", pos, bases[pos - 1]] for pos in range(50, 50 + 30 * count, 30)]


def test_a_file_that_fits_is_proposed_without_a_question(ask: Ask, sequences: dict[str, str]) -> None:
    code, answer = ask("##contig=<ID=chr1,length=2000>")
    assert code == 200
    assert answer == {
        "fit": "certain",
        "reference": "new",
        "build": "new",
        "reason": "This file is on new (its contig chr1 has 2,000 bases).",
        "fits": ["new"],
        "ask": False,
    }


def test_a_build_that_is_not_installed_is_named(ask: Ask) -> None:
    _, answer = ask("##contig=<ID=1,length=249250621>")
    assert (answer["fit"], answer["build"], answer["ask"]) == ("none", "GRCh37", True)
    assert answer["reason"].endswith("(its contig 1 has 249,250,621 bases), which is not installed here.")


def test_ref_alleles_are_compared_with_the_sequences_of_this_machine(ask: Ask, sequences: dict[str, str]) -> None:
    _, answer = ask(records=sites(sequences["old"], 30))
    assert (answer["fit"], answer["reference"], answer["ask"]) == ("likely", "old", False)


def test_a_file_that_may_be_on_either_is_asked_about(ask: Ask, sequences: dict[str, str]) -> None:
    _, answer = ask("##contig=<ID=chr1>", records=[["chr1", 50, "N"]])
    assert (answer["fit"], answer["reference"], answer["ask"]) == ("unclear", "", True)


def test_a_broken_fasta_leaves_the_page_working(ask: Ask, sequences: dict[str, str], settings: Any) -> None:
    (settings.REFERENCES_DIR / "old" / "genome.fa.fai").unlink()
    code, answer = ask(records=sites(sequences["new"], 30))
    assert (code, answer["fit"]) == (200, "unclear")


@pytest.fixture
def packed(sequences: dict[str, str], settings: Any) -> Path:
    """A third pack, whose FASTA is bgzip of several blocks, as those of genomes are; the folder of it."""
    bases = "".join(random.Random(7).choices("ACGT", k=200_000))  # noqa: S311
    make_pack(settings.REFERENCES_DIR, {"1": bases}, pack_id="packed", aliases={"1": ["chr1"]})
    folder: Path = settings.REFERENCES_DIR / "packed"
    with BgzipFile(folder / "genome.fa.gz") as file:
        file.write((folder / "genome.fa").read_bytes())
    pysam.faidx(str(folder / "genome.fa.gz"))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("genome.fa", "genome.fa.gz"))
    sequences["packed"] = bases
    return folder


def test_a_packed_sequence_is_compared(ask: Ask, sequences: dict[str, str], packed: Path) -> None:
    rows = [["chr1", pos, sequences["packed"][pos - 1]] for pos in range(50, 200_000, 5000)]
    assert ask(records=rows)[1]["reference"] == "packed"


@pytest.mark.parametrize(
    ("file", "size"),
    [
        (".gzi", 0),
        (".gzi", 5),  # in the number of entries
        (".gzi", 20),  # in an entry
        (".gzi", 16),  # after the first half of an entry
        (".gzi", 24),  # behind an entry
        (".fai", 0),
        (".fai", 3),
        (".fai", 9),
        ("", 0),
        ("", 10),
        ("", 30_000),
    ],
)
def test_a_cut_sequence_or_index_is_left_out_and_told_of(
    ask: Ask, sequences: dict[str, str], packed: Path, file: str, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    cut = packed / f"genome.fa.gz{file}"
    cut.write_bytes(cut.read_bytes()[:size])
    rows = [["chr1", pos, sequences["packed"][pos - 1]] for pos in range(50, 200_000, 5000)]
    code, answer = ask(records=rows)
    # Not that the file is on another build: its sequence could not be compared.
    assert (code, answer["fit"]) == (200, "unclear")
    assert "the sequence of reference packed cannot be read" in caplog.text


def test_with_one_reference_nothing_is_asked_of_a_file_that_fits(ask: Ask) -> None:
    assert ask("##contig=<ID=chrM,length=16569>")[1]["ask"] is False
    assert ask(records=[["chrM", 11778, "G"]])[1]["ask"] is False


def test_a_whole_genome_for_its_mitochondrion_alone_is_asked_about(ask: Ask) -> None:
    _, answer = ask("##contig=<ID=chr1,length=248956422>", "##contig=<ID=chrM,length=16569>")
    assert (answer["build"], answer["reference"], answer["ask"]) == ("GRCh38", "rCRS", True)
    assert "records elsewhere will be left out" in answer["reason"]


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[" * 100_000,
        [],
        {},
        {"header": "##contig"},
        {"header": [1]},
        {"header": [], "records": {}},
        {"header": [], "records": ["1"]},
        {"header": [], "records": [["1", "50", "A"]]},
        {"header": [], "records": [["1", True, "A"]]},
        {"header": [], "records": [["1", 50.5, "A"]]},
        {"header": [], "records": [["1", 50, None]]},
        {"header": ["#"] * (builds.MAX_LINES + 1)},
    ],
)
def test_what_is_no_header_is_refused(ask: Ask, body: object) -> None:
    code, answer = ask(body=body)
    assert (code, "error" in answer) == (400, True)


@pytest.mark.parametrize(
    "body",
    [
        {"header": ["##contig=<ID=1,length=" + "9" * 500 + ">", "x" * 5000, "\ufffe\0"]},
        {"header": ["##reference=" + "\u202e<script>"], "records": [["\ufffe" * 300, 1, "A"], ["1", 10**30, "A"]]},
        {"header": [], "records": [["MT", 16570, "A" * 5000], ["MT", -1, "A"], ["", 1, ""]]},
        {"header": [], "records": [["MT", 1, "G"]] * 1000},
    ],
)
def test_nonsense_is_answered_and_does_no_harm(ask: Ask, body: object) -> None:
    code, answer = ask(body=body)
    assert code == 200
    assert answer["reference"] in {"", "rCRS"}
    assert answer["reason"].isprintable()


def test_more_than_a_header_is_refused(ask: Ask) -> None:
    assert ask("#" * builds.MAX_BODY)[0] == 413
    assert ask("#" * 4 * 1024 * 1024)[0] == 400  # Django's own limit: not even read


def test_a_person_asks_so_many_times_an_hour(
    ask: Ask, stranger: User, browser_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "PER_HOUR", 2)
    assert [ask()[0] for _ in range(3)] == [200, 200, 429]
    answer = browser_of(stranger).post("/jobs/builds/", '{"header": []}', content_type="application/json")
    assert answer.status_code == 200


def test_who_is_not_signed_in_or_comes_from_elsewhere_is_told_nothing(person: User) -> None:
    header = '{"header": ["##contig=<ID=chrM,length=16569>"]}'
    assert Client().post("/jobs/builds/", header, content_type="application/json").status_code == 302
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    assert client.post("/jobs/builds/", header, content_type="application/json").status_code == 403
    assert client.get("/jobs/builds/").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_job_on_the_wrong_build_ends_with_both_names(
    queued: None, aws: None, person: User, sequences: dict[str, str], settings: Any, tmp_path: Path
) -> None:
    settings.WORK_DIR = tmp_path
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    content = f"##fileformat=VCFv4.2\n##contig=<ID=1,length=3000>\n{columns}\n1\t50\t.\tA\tC\t.\t.\t.\n"
    job = open_upload(person, name="a.vcf", size=len(content), reference="new").job
    s3().put_object(Bucket=django_settings.S3_INPUTS_BUCKET, Key=job.input_key, Body=content.encode())
    confirm_upload(job)
    app.conf.task_always_eager = True
    annotate_job.delay(str(job.pk))
    job = Job.objects.get()
    assert (job.status, job.failure_code) == (JobStatus.FAILED, "wrong-build")
    assert job.failure_message == "This file is on old (its contig 1 has 3,000 bases); you chose new."
    assert job.failure_advice.startswith("Choose old, or lift the file over")
