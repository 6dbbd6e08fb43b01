"""Print what the database says of all jobs and results, as JSON, for demonstrations and tests."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count
from django.utils import timezone

from gas.jobs.models import Job, Notice, Removal, RestoreBatch, ResultFile


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = Job.objects.all()
        rows = jobs.values_list("status").annotate(count=Count("pk"))
        told = {
            "statuses": dict(rows),
            "leases": jobs.filter(lease_expires_at__gt=timezone.now()).count(),
            "attempts": max(jobs.values_list("attempts", flat=True), default=0),
            "taken_over": jobs.filter(attempts__gt=1).count(),
            "notices_unsent": Notice.objects.filter(sent_at=None).count(),
            "unfinished": [
                {"job": str(job.pk), "status": job.status, "attempts": job.attempts, "stage": job.stage}
                for job in jobs.exclude(status="COMPLETED")[:20]
            ],
            "results": [
                {
                    "job": str(result.job_id),
                    "state": result.state,
                    "key": result.key,
                    "sha256": result.sha256,
                    "route": result.archive_route,
                    "archive_id": result.archive_id,
                    "hot_deleted": result.hot_deleted_at is not None,
                    "leased": result.lease_token is not None,
                    "problem": result.problem,
                }
                for result in ResultFile.objects.order_by("pk")
            ],
            "removals": Removal.objects.count(),
            "batches_open": RestoreBatch.objects.filter(finished_at=None).count(),
            "batches": RestoreBatch.objects.count(),
        }
        self.stdout.write(json.dumps(told))
