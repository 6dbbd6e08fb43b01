"""A job that has a result and its table."""

from pathlib import Path

from django.conf import settings

from annotator.tables import schema, write
from gas.aws import s3
from gas.jobs.models import Job, ResultFile
from gas.jobs.outputs import PARQUET
from gas.jobs.states import JobStatus
from tests.support import annotated_vcf


def give_table(job: Job, folder: Path) -> Job:
    """Complete the job with a table of 50 records, of three samples, in S3."""
    Job.objects.filter(pk=job.pk).update(status=JobStatus.COMPLETED)
    annotated_vcf.write(folder / "annot.vcf.gz", 50, 1)
    parquet = write(folder / "annot.vcf.gz", folder).parquet
    result = ResultFile(job=job, key=f"{job.result_prefix}a/annot.vcf.gz", index_key="i/annot.vcf.gz.tbi")
    result.parquet_version = schema.VERSION
    result.sha256 = s3.upload(folder / "annot.vcf.gz", settings.S3_RESULTS_BUCKET, result.key)
    result.parquet_sha256 = s3.upload(parquet, settings.S3_RESULTS_BUCKET, result.key_of(PARQUET))
    result.size, result.parquet_size = (folder / "annot.vcf.gz").stat().st_size, parquet.stat().st_size
    result.tsv_size = result.stats_size = 1
    result.save()
    return Job.objects.get(pk=job.pk)
