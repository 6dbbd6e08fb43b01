"""A result's file of random variants in a family, open; and a plain reader's view of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict

from annotator.tables import schema, write
from gas.aws import s3
from gas.explorer import database as databases
from gas.explorer import native
from gas.explorer.database import Database
from gas.explorer.files import LocalFile
from gas.explorer.filters import State, form_for
from gas.jobs.models import Job, ResultFile
from gas.jobs.outputs import PARQUET
from gas.jobs.states import JobStatus
from tests.support import annotated_vcf
from tests.support.annotated_vcf import Allele


@dataclass(frozen=True)
class Explored:
    """vcf: the annotated file. database: its table, open. alleles: what is in it."""

    vcf: Path
    database: Database
    alleles: list[Allele]

    def state(self, query: str) -> State:
        """Return what an address asks for."""
        form = form_for(self.database.columns, QueryDict(query))
        assert form.is_valid(), form.errors
        return form.state()


def open_parquet(parquet: Path) -> Database:
    """Open a table as the service does, with the file of rows next to it."""
    rows = parquet.with_suffix(native.ENDING)
    if not rows.exists():
        native.make(parquet, rows, memory_bytes=256 * 1024**2, temporary=parquet.parent)
    return Database(LocalFile(parquet, parquet.open("rb")), LocalFile(rows, rows.open("rb")))


@pytest.fixture(scope="session")
def explore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Explored]]:
    """Makes a file of random variants, with its table open."""
    opened: list[Database] = []

    def make(records: int, seed: int, **options: tuple[str, ...]) -> Explored:
        folder = tmp_path_factory.mktemp("explored")
        path = folder / "annot.vcf.gz"
        annotated_vcf.write(path, records, seed, **options)
        parquet = write(path, folder).parquet
        opened.append(open_parquet(parquet))
        return Explored(path, opened[-1], annotated_vcf.read(path))

    yield make
    for one in opened:
        one.close()
    databases.close_all()


@pytest.fixture(scope="session")
def explored(explore: Callable[..., Explored]) -> Explored:
    return explore(700, 14)


@pytest.fixture
def job_with_table(pending: Callable[..., Job], settings: Any, tmp_path: Path) -> Job:
    """A completed job whose table of 50 records, of three samples, is in S3."""
    settings.EXPLORER_CACHE_DIR = tmp_path / "copies"
    job = pending()
    Job.objects.filter(pk=job.pk).update(status=JobStatus.COMPLETED)
    annotated_vcf.write(tmp_path / "annot.vcf.gz", 50, 1)
    parquet = write(tmp_path / "annot.vcf.gz", tmp_path).parquet
    result = ResultFile(job=job, key=f"{job.result_prefix}a/annot.vcf.gz", index_key="i/annot.vcf.gz.tbi")
    result.parquet_version = schema.VERSION
    result.sha256 = s3.upload(tmp_path / "annot.vcf.gz", settings.S3_RESULTS_BUCKET, result.key)
    result.parquet_sha256 = s3.upload(parquet, settings.S3_RESULTS_BUCKET, result.key_of(PARQUET))
    result.size, result.parquet_size = (tmp_path / "annot.vcf.gz").stat().st_size, parquet.stat().st_size
    result.tsv_size = result.stats_size = 1
    result.save()
    return Job.objects.get(pk=job.pk)
