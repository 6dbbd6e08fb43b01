"""The same file on the same pack gives the same bytes, at any time, in any process, by the service and by hand.

Only the lines that name the job differ.
"""

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pysam
import pytest
from django.conf import settings as configured

from annotator.reference.pack import Reference
from annotator.sources.manifest import Source
from annotator.tasks import annotate_job
from gas.aws.clients import s3
from gas.jobs.lifecycle.uploads import confirm_upload, open_upload
from gas.jobs.models import Job, ResultFile
from gas.users.models import User
from tests.support.generated_runs import Annotate
from tests.support.genome import Genome
from tests.support.vcfs import Recipe, generate

ROOT = Path(__file__).parents[3]
FILES = ("annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json", "log.txt")
MINE = {"job": "6f1c", "file": "mine.vcf"}


@pytest.fixture(scope="module")
def content(genome: Genome, hot: dict[str, list[int]]) -> bytes:
    """With something of everything: repairs, skipped records, samples, several alleles, an order that is none."""
    recipe = Recipe(records=300, errors=0.1, repairs=0.3, samples=1, order="shuffled", hot=hot)
    made = generate(3, genome.sequences, recipe)
    assert made.listed
    assert not made.refusal
    return made.content


def by_hand(source: Path, target: Path, packs: Path, reference: Reference, **env: str) -> list[Path]:
    """`python -m annotator`; the annotated file, its index and the log."""
    command = [sys.executable, "-m", "annotator", str(source), str(target), "--reference", reference.id]
    done = subprocess.run(
        [*command, "--references-dir", str(packs)],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [target.with_name(target.name + ending) for ending in ("", ".tbi", ".log.txt")]


def lines(packed: bytes) -> list[str]:
    return gzip.decompress(packed).decode("latin-1").splitlines()


def others(text: list[str], *words: str) -> list[str]:
    """The lines that begin with none of the words."""
    return [line for line in text if not line.startswith(words)]


def test_two_runs_of_a_job_give_the_same_bytes(run: Annotate, content: bytes, sources: list[Source]) -> None:
    one, two = (run(content, sources=sources, provenance=MINE).folder for _ in range(2))
    assert {name: (one / name).read_bytes() for name in FILES} == {name: (two / name).read_bytes() for name in FILES}


def test_another_job_of_the_same_file_differs_in_its_own_lines_alone(
    run: Annotate, content: bytes, sources: list[Source]
) -> None:
    theirs = {"job": "another, with a longer name", "file": "theirs.vcf"}
    one, two = (run(content, sources=sources, provenance=provenance) for provenance in (MINE, theirs))
    assert [line for line in one.header if line not in two.header] == ['##gas_job="6f1c"', '##gas_file="mine.vcf"']
    assert others(one.header, "##gas_job=", "##gas_file=") == others(two.header, "##gas_job=", "##gas_file=")
    assert one.records == two.records
    for name, own in (("summary.json", ()), ("log.txt", ("Job ", "File "))):
        mine, others_ = ((result.folder / name).read_text().splitlines() for result in (one, two))
        assert others(mine, *own) == others(others_, *own)
        assert len(others(mine, *own)) == len(mine) - len(own)


def test_neither_time_nor_process_nor_place_shows(
    content: bytes, sources: list[Source], packs: Path, reference: Reference, tmp_path: Path
) -> None:
    """Another hash seed gives sets another order; another zone another day."""
    found = []
    for number, env in enumerate(({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"})):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "in.vcf").write_bytes(content)
        written = by_hand(folder / "in.vcf", folder / "out.vcf.gz", packs, reference, **env)
        found.append([path.read_bytes() for path in written])
    assert found[0] == found[1]
    assert str(tmp_path).encode() not in gzip.decompress(found[0][0]) + found[0][2]


@pytest.fixture
def job(
    db: None, aws: None, person: User, packs: Path, settings: Any, tmp_path: Path, content: bytes, reference: Reference
) -> Job:
    """Confirmed, and not yet taken."""
    settings.REFERENCES_DIR, settings.WORK_DIR = packs, tmp_path
    opened = open_upload(person, name="sample.vcf", size=len(content), reference=reference.id).job
    s3().put_object(Bucket=configured.S3_INPUTS_BUCKET, Key=opened.input_key, Body=content)
    return confirm_upload(opened)


def kept(key: str) -> bytes:
    """What the service has stored."""
    found: bytes = s3().get_object(Bucket=configured.S3_RESULTS_BUCKET, Key=key)["Body"].read()
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("queued", "sources")
def test_the_service_gives_what_the_command_line_gives(
    job: Job, content: bytes, packs: Path, reference: Reference, tmp_path: Path
) -> None:
    annotate_job.apply(args=(str(job.pk),))
    job.refresh_from_db()
    assert job.status == "COMPLETED", job.failure_message
    result = ResultFile.objects.get(job=job)
    stored, stored_index = kept(result.key), kept(result.index_key)
    stored_log = kept(job.log_key).decode().splitlines()
    (tmp_path / "in.vcf").write_bytes(content)
    written = by_hand(tmp_path / "in.vcf", tmp_path / "out.vcf.gz", packs, reference)
    mine, log = written[0].read_bytes(), written[2].read_text().splitlines()

    assert others(lines(stored), "##gas_job=", "##gas_file=") == lines(mine)
    assert f'##gas_job="{job.pk}"' in lines(stored)
    assert '##gas_file="sample.vcf"' in lines(stored)
    assert any(line.startswith("##gas_source_said=") for line in lines(mine))
    assert others(stored_log, "Job ", "File ") == log
    # Indexes point into files of which one has a longer header: they must find the same records.
    (tmp_path / "stored.vcf.gz").write_bytes(stored)
    (tmp_path / "stored.vcf.gz.tbi").write_bytes(stored_index)
    with pysam.TabixFile(str(tmp_path / "stored.vcf.gz")) as one, pysam.TabixFile(str(written[0])) as two:
        assert one.contigs == two.contigs
        for contig in one.contigs:
            assert list(one.fetch(contig, 20_000)) == list(two.fetch(contig, 20_000))
