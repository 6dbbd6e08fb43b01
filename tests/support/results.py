"""Results in S3 and in Glacier, moved by the tasks themselves."""

from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.utils import timezone

from archive.tasks import archive_result, delete_hot_copy
from gas.aws import s3
from gas.jobs.lifecycle import leases
from gas.jobs.models import RestoreBatch, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from restore.tasks import poll, request_page, restore_result

CONTENT = b"the annotated records" * 100


def make_result(claim: leases.Claim, tmp_path: Any) -> ResultFile:
    path = tmp_path / "annot.vcf.gz"
    path.write_bytes(CONTENT + claim.prefix.encode())
    result = ResultFile(key=claim.prefix + path.name, index_key=claim.prefix + "i", size=path.stat().st_size)
    result.sha256 = s3.upload(path, django_settings.S3_RESULTS_BUCKET, result.key)
    leases.complete(claim, result, log_key="", summary={}, preview=[])
    ResultFile.objects.filter(pk=result.pk).update(archive_due_at=timezone.now() - timedelta(seconds=1))
    result.refresh_from_db()
    return result


def hot(result: ResultFile) -> bool:
    return s3.head(django_settings.S3_RESULTS_BUCKET, result.key) is not None


def run(result: ResultFile) -> ResultFile:
    """Deliver the message, and the one that it sends."""
    archive_result.apply(args=(str(result.pk),))
    delete_hot_copy.apply(args=(str(result.pk),))
    result.refresh_from_db()
    return result


def put_away(result: ResultFile) -> ResultFile:
    run(result)
    assert result.state == ResultState.ARCHIVED
    return result


def round_of(batch: RestoreBatch) -> None:
    """One round of the chain: ask, look, bring back."""
    request_page(batch, list(restoration.to_request(batch).select_related("job")))
    poll(batch)
    for result in batch.results.exclude(restore_sent_at=None):
        restore_result.apply(args=(str(result.pk),))
