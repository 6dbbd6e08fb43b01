"""What tests of several rooms of the site share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotator.tables import schema, write
from gas.aws import s3
from gas.jobs.models import Job, ResultFile
from gas.jobs.outputs import PARQUET
from gas.jobs.states import JobStatus
from tests.support import annotated_vcf


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
