"""The template context of the pages about jobs."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Sum
from django.urls import reverse

from gas.jobs.catalogue import references
from gas.jobs.file_names import ACCEPTED
from gas.jobs.lifecycle import actions
from gas.jobs.lifecycle.failures import failure_of
from gas.jobs.models import Job, JobEvent, ResultFile
from gas.jobs.output_files import files_of
from gas.jobs.outputs import RESULT_OUTPUTS
from gas.jobs.pages.access import Visit
from gas.jobs.queue import turns
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import result_status
from gas.subscriptions.changes import left_premium_at
from gas.subscriptions.plans import PLANS, plan_of
from gas.users.models import PlanChoice, User

#: The stages of a running job in order, with the labels that its owner sees.
STAGES = {
    "fetch": "Fetch the file",
    "preflight": "Check the records",
    "annotate": "Annotate",
    "index": "Index",
    "summary": "Summarise",
    "store": "Store the result",
}


#: Filters by the state of the result, in addition to the statuses of jobs.
STORAGE_FILTERS = [(state.value, state.label) for state in (ResultState.ARCHIVED, ResultState.RESTORING)]


def archived(owner: User) -> dict[str, Any] | None:
    """Return the archived results and what restoring them takes; None if there are none. See result_status.estimate.

    `can_upgrade` is whether there is a plan that restores them. A premium person has archived results only if a restore
    was given up, or until the restore begins.
    """
    found = result_status.estimate(ResultFile.objects.filter(job__owner=owner, state=ResultState.ARCHIVED))
    return {**found, "can_upgrade": plan_of(owner).archives} if found["count"] else None


def leaving(owner: User) -> dict[str, Any] | None:
    """Return the results kept for the notice period after Premium: {"count", "size", "due"}; None if there are none.

    `due` is when the first of them is archived.
    """
    left = left_premium_at(owner) if plan_of(owner).archives else None
    if left is None:
        return None
    kept = ResultFile.objects.filter(job__owner=owner, state=ResultState.AVAILABLE, created_at__lt=left)
    found = kept.exclude(archive_due_at=None).aggregate(count=Count("pk"), size=Sum("size"), due=Min("archive_due_at"))
    return found if found["count"] else None


def limits(owner: User | None = None) -> dict[str, Any]:
    """Return the upload limits of the owner's plan, or of the plan of a new account.

    `larger_bytes` is the size that an upgrade would allow; None on the largest plan.
    """
    plan, larger = plan_of(owner) if owner else PLANS[PlanChoice.FREE], PLANS[PlanChoice.PREMIUM]
    return {
        "max_bytes": plan.max_upload_bytes,
        "endings": ACCEPTED,
        "larger_bytes": larger.max_upload_bytes if plan.max_upload_bytes < larger.max_upload_bytes else None,
        "expires_seconds": settings.UPLOAD_EXPIRES_SECONDS,
        "references": references.choices(),
        "default_reference": settings.DEFAULT_REFERENCE,
    }


def queue_position(job: Job) -> int | None:
    """Return 1 for the next job, 2 for the one after it; None if the job does not wait or is too far back."""
    return turns.positions([job]).get(job.pk)


def progress(job: Job) -> dict[str, Any]:
    """Return the stages of a job, each done, active or to come.

    Returns:
        {"stage", "stages": [{"name", "label", "state"}], "records"}
    """
    names = list(STAGES)
    current = names.index(job.stage) if job.stage in names else -1
    return {
        "stage": STAGES.get(job.stage, ""),
        "records": job.records_done,
        "stages": [
            {
                "name": name,
                "label": STAGES[name],
                "state": "done" if i < current else "active" if i == current else "todo",
            }
            for i, name in enumerate(names)
        ],
    }


def status_counts(owner: User) -> dict[str, int]:
    """Return the number of the owner's jobs in each status."""
    jobs = Job.objects.filter(owner=owner).order_by().values_list("status").annotate(Count("pk"))
    results = ResultFile.objects.filter(job__owner=owner).order_by().values_list("state").annotate(Count("pk"))
    states = {state: count for state, count in results if state in dict(STORAGE_FILTERS)}
    return {**dict.fromkeys(JobStatus.values, 0), **dict(jobs), **states}


def detail(job: Job, visit: Visit | None = None) -> dict[str, Any]:
    """Return the context of the page of one job, for its owner or for a visitor."""
    result = ResultFile.objects.select_related("batch").filter(job=job).first()
    pace = 1 if job.is_active else result_status.pace(result)
    events = list(job.events.all())
    return {
        "job": job,
        "events": events,
        "queue_position": queue_position(job),
        "progress": progress(job),
        "result": result,
        "summary": job.summary,
        "preview": job.preview,
        "downloads": [one for one in downloads(job, result) if may_download(one["kind"], visit)],
        "storage": result_status.progress(result) if result else None,
        "back_at": back_at(events) if result and result_status.is_back(result) else None,
        "can_upgrade": plan_of(job.owner).archives,
        "pace": pace,
        "live": pace is not None,
        "can_cancel": job.can_cancel and job.status != JobStatus.UPLOADING,
        "can_retry": not actions.retry_refusal(job),
        "failure": failure_of(job.failure_code),
        "can_delete": not job.is_unfinished_upload,
    }


def back_at(events: list[JobEvent]) -> datetime | None:
    """Return when the result was last restored from the archive."""
    moves = (event.at for event in reversed(events) if event.from_state == ResultState.RESTORING)
    return next(moves, None)


def may_download(kind: str, visit: Visit | None) -> bool:
    """Return whether a file may be downloaded: all by the owner, those of the result by visitors if they may at all."""
    return visit is None or (visit.downloads and any(output.kind == kind for output in RESULT_OUTPUTS))


def downloads(job: Job, result: ResultFile | None) -> list[dict[str, Any]]:
    """Return what can be downloaded now: [{"kind", "label", "url", "size"}], sizes in bytes or None."""
    return [
        {
            "kind": one.kind,
            "label": one.label,
            "url": reverse("jobs:download", args=[job.pk, one.kind]),
            "size": one.size,
        }
        for one in files_of(job, result)
    ]
