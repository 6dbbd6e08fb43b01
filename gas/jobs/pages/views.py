"""The pages of jobs, for their owners; some of them for visitors, too. Every change is a POST."""

import logging
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gas.jobs.lifecycle import actions
from gas.jobs.lifecycle.unfinished_uploads import unfinished
from gas.jobs.lifecycle.uploads import closed_message
from gas.jobs.models import Job, ResultFile
from gas.jobs.pages import context
from gas.jobs.pages.access import open_to_visitors, own_job, readable_job, visit_of
from gas.jobs.pages.answers import act
from gas.jobs.pages.forms import JobFilterForm
from gas.jobs.queue import turns
from gas.jobs.queue.enqueue import refusal_reason
from gas.jobs.states import JobStatus
from gas.jobs.storage import downloads, result_status
from gas.users.requests import PersonRequest

logger = logging.getLogger(__name__)

PAGE_SIZE = 25
#: Seconds between refreshes of the list while a job is active.
LIST_PACE = 2
#: The text for each reason why a download is not possible now.
LEVELS = {
    downloads.Reason.MISSING: messages.ERROR,
    downloads.Reason.ELSEWHERE: messages.WARNING,
    downloads.Reason.BEING_MADE: messages.INFO,
}
#: The status that makes htmx stop polling.
STOP_POLLING = 286


@login_required
@require_GET
@never_cache
def job_list(request: PersonRequest) -> HttpResponse:
    """The person's jobs, paged and filtered by name and status. While a job is active, htmx requests the list alone."""
    filters = JobFilterForm(request.GET)
    mine = Job.objects.filter(owner=request.user).defer("preview")
    page = Paginator(filters.filtered(mine.select_related("result__batch")), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    paces = []
    positions = turns.positions(page)
    for job in page:
        job.queue_position = positions.get(job.pk)
        paces.append(LIST_PACE if job.is_active else result_status.pace(getattr(job, "result", None)))
    pace = min((pace for pace in paces if pace is not None), default=None)
    values = {
        "page_obj": page,
        **filters.values(),
        "statuses": [*JobStatus.choices, *context.STORAGE_FILTERS],
        "archived": context.archived(request.user),
        "leaving": context.leaving(request.user),
        "counts": context.status_counts(request.user),
        "unfinished": unfinished(request.user).count(),
        "pace": pace,
    }
    if request.htmx:
        return render(request, "jobs/_list.html", values, status=200 if pace is not None else STOP_POLLING)
    return render(request, "jobs/list.html", values)


@login_required
@require_GET
def new(request: PersonRequest) -> HttpResponse:
    """The upload page: the limits first, then the uploader."""
    values = {
        **context.limits(request.user),
        "uploads_url": reverse("jobs:uploads"),
        "builds_url": reverse("jobs:builds"),
        "uploads_closed_message": closed_message(),
        "full": refusal_reason(request.user),
    }
    return render(request, "jobs/new.html", values)


@open_to_visitors
@require_GET
@never_cache
def detail(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Show a job."""
    return render(request, "jobs/detail.html", context.detail(readable_job(request, job_id), visit_of(request)))


@open_to_visitors
@require_GET
@never_cache
def live(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """The changing part of a job's page, which htmx requests until the job has ended."""
    values = context.detail(readable_job(request, job_id), visit_of(request))
    return render(request, "jobs/_live.html", values, status=200 if values["live"] else STOP_POLLING)


@login_required
@require_GET
@never_cache
def status(request: PersonRequest, job_id: UUID) -> JsonResponse:
    """The job's state as JSON, for programs."""
    job = own_job(request, job_id)
    result = ResultFile.objects.filter(job=job).first()
    failure = {"code": job.failure_code, "message": job.failure_message, "advice": job.failure_advice}
    return JsonResponse(
        {
            "job": job.pk,
            "name": job.name,
            "status": job.status,
            "stage": job.stage,
            "records_done": job.records_done,
            "queue_position": context.queue_position(job),
            "submitted_at": job.submitted_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
            "failure": failure if job.status == JobStatus.FAILED else None,
            "result": {
                "state": result.state,
                "size": result.size,
                "sha256": result.sha256,
                "archive_due_at": result.archive_due_at,
                "retrieval_tier": result.retrieval_tier,
            }
            if result
            else None,
        }
    )


@login_required
@require_GET
@never_cache
def log(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Show the first 256 KiB of the log, and link to the rest."""
    job = own_job(request, job_id)
    found = downloads.read_log(job)
    if found is None:
        raise Http404
    text, truncated = found
    return render(request, "jobs/log.html", {"job": job, "log_text": text, "truncated": truncated})


@open_to_visitors
@require_GET
@never_cache
def download(request: PersonRequest, job_id: UUID, kind: str) -> HttpResponse:
    """Redirect the browser to a presigned address of one of the job's own objects."""
    job = readable_job(request, job_id)
    if not context.may_download(kind, visit_of(request)):
        raise Http404
    try:
        found = downloads.find(job, kind)
    except downloads.NotDownloadable as why:  # an old link, which was valid once
        messages.add_message(request, LEVELS[why.reason], str(why))
        return redirect(job)
    if found is None:
        raise Http404
    return redirect(downloads.address(found))


@login_required
@require_POST
def cancel(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Cancel a job."""
    job = own_job(request, job_id)
    return act(request, job, "The job is cancelled.", lambda: actions.cancel(job, actor=request.user))


@login_required
@require_POST
def retry(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Put a job into the queue again."""
    job = own_job(request, job_id)
    return act(request, job, "The job is in the queue again.", lambda: actions.retry(job, actor=request.user))


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Ask for confirmation (GET), then delete the job and its files for good (POST)."""
    job = own_job(request, job_id)
    if request.method == "GET":
        return render(request, "jobs/confirm_delete.html", {"job": job})
    with transaction.atomic():
        job.delete()
    messages.success(request, f"“{job.name}” and its files are deleted.")
    return redirect("jobs:list")
