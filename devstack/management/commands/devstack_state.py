"""Print what the database says of all jobs, as JSON, for demonstrations and tests."""

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count
from django.utils import timezone

from gas.jobs.models import Job, Notice


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
        }
        self.stdout.write(json.dumps(told))
