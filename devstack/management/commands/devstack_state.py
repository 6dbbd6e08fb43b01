"""Print what the database says of all jobs and results, as JSON, for demonstrations and tests."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db.models import Count

from gas import clock
from gas.jobs.models import Job, Notice, Purge, Removal, RestoreBatch, ResultFile, TableBuild
from gas.jobs.outputs import RESULT_OUTPUTS, Storage
from gas.jobs.states import ResultState


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = Job.objects.all()
        now, lease = clock.now(), timedelta(seconds=settings.LEASE_SECONDS)
        rows = jobs.values_list("status").annotate(count=Count("pk"))
        told = {
            "statuses": dict(rows),
            "leases": jobs.filter(lease_expires_at__gt=now).count(),
            "attempts": max(jobs.values_list("attempts", flat=True), default=0),
            "taken_over": jobs.filter(attempts__gt=1).count(),
            "notices_unsent": Notice.objects.filter(sent_at=None).count(),
            "unfinished": [
                {"job": str(job.pk), "status": job.status, "attempts": job.attempts, "stage": job.stage}
                for job in jobs.exclude(status="COMPLETED")[:20]
            ],
            "jobs": [
                {"job": str(job.pk), "status": job.status, "attempts": job.attempts, "owner": job.owner.email}
                for job in jobs.select_related("owner")
            ],
            "objects": [
                {"job": str(job.pk), "object": name}
                for job in jobs.select_related("result", "owner")
                for name in objects_of(job)
            ],
            "results": [
                {
                    "job": str(result.job_id),
                    "state": result.state,
                    "key": result.key,
                    "sha256": result.sha256,
                    "route": result.archive_route,
                    "archive_id": result.archive_id,
                    "tree_hash": result.archive_tree_hash,
                    "hot_deleted": result.hot_deleted_at is not None,
                    "leased": result.lease_token is not None,
                    "problem": result.problem,
                }
                for result in ResultFile.objects.order_by("pk")
            ],
            # Not those of folders that are empty, and are only looked at again in half an hour.
            "removals": Removal.objects.filter(due_at__lt=now + 2 * lease).count(),
            "batches_open": RestoreBatch.objects.filter(finished_at=None).count(),
            "batches": RestoreBatch.objects.count(),
            "purges": Purge.objects.count(),
            # Not those whose maker was killed: they are made again when its time limit has passed.
            "table_builds": TableBuild.objects.filter(due_at__lt=now + 2 * lease).count(),
            "half_made": [
                f"{settings.S3_RESULTS_BUCKET}/{key}"
                for build in TableBuild.objects.select_related("result")
                for key in build.result.rebuilt_keys
            ],
        }
        self.stdout.write(json.dumps(told))


def objects_of(job: Job) -> list[str]:
    """Every object in S3 that the rows of the job name, as bucket/key, other than archives."""
    keys = [job.log_key] if job.log_key else []
    result = getattr(job, "result", None)
    if result is not None:
        in_s3 = result.state in {ResultState.AVAILABLE, ResultState.ARCHIVING}
        for output in RESULT_OUTPUTS:
            exists = result.size_of(output) is not None or not output.optional
            if exists and (in_s3 or output.storage is Storage.KEPT):
                keys.append(result.key_of(output))
    uploaded = [f"{settings.S3_INPUTS_BUCKET}/{job.input_key}"] if job.input_etag else []
    return [*uploaded, *(f"{settings.S3_RESULTS_BUCKET}/{key}" for key in keys)]
