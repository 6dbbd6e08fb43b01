"""The views that the upload page calls, and the views for unfinished uploads."""

import logging
from dataclasses import asdict
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from gas.aws.clients import AWSError
from gas.jobs.catalogue import builds
from gas.jobs.lifecycle import actions
from gas.jobs.lifecycle.parted_uploads import arrived_parts, sign_parts
from gas.jobs.lifecycle.unfinished_uploads import clear, discard, discard_unless_arrived
from gas.jobs.lifecycle.uploads import (
    TooMany,
    UploadRefused,
    confirm_upload,
    open_upload,
)
from gas.jobs.models import Job
from gas.jobs.pages.access import own_job
from gas.jobs.pages.answers import STORAGE_SILENT, act
from gas.jobs.pages.forms import PartsForm, UploadForm
from gas.users.requests import PersonRequest, json_body

logger = logging.getLogger(__name__)


@login_required
@require_POST
def uploads(request: PersonRequest) -> JsonResponse:
    """Open an upload: {"name", "size", "reference"} → 201 {"job", "confirm", "discard"} and how to send the file.

    A small file gets the form {"url", "fields"}, valid for "expires_in" seconds; a large file {"parts", "part_size",
    "count"}, where "parts" is the URL of the view `parts`.

    The header Idempotency-Key, a UUID chosen by the browser, identifies the upload. A second request with the same key
    returns the same job and a fresh form, or, if its file is confirmed, 200 {"job", "status", "url"} as `confirm` does.

    Errors: 400, 409 or 429 with {"error", "resume"}, see `uploads.Resume`.
    """
    try:
        asked = UploadForm({**json_body(request), "idempotency_key": request.headers.get("Idempotency-Key")})
    except (ValueError, TypeError):
        asked = UploadForm({})
    if not asked.is_valid():
        return JsonResponse({"error": "Send a JSON object with name, size and reference."}, status=400)
    key = asked.cleaned_data.pop("idempotency_key")
    try:
        ticket = open_upload(request.user, **asked.cleaned_data, key=key)
    except UploadRefused as refusal:
        return _refused(refusal, status=400)
    addresses = {name: reverse(f"jobs:{name}", args=[ticket.job.pk]) for name in ("confirm", "discard", "parts")}
    answer = {"job": ticket.job.pk, "confirm": addresses["confirm"], "discard": addresses["discard"]}
    if ticket.parted:
        upload = ticket.parted
        answer |= {"parts": addresses["parts"], "part_size": upload.part_size, "count": upload.count}
    elif ticket.form:
        answer |= {"expires_in": ticket.expires_in, **ticket.form}
    else:
        return _confirmed(ticket.job)
    return JsonResponse(answer, status=201)


@login_required
@require_http_methods(["GET", "POST"])
def parts(request: PersonRequest, job_id: UUID) -> JsonResponse:
    """The parts of an upload. GET: the parts that have arrived. POST: the addresses to send parts to.

    GET → {"arrived": [{"number", "size", "sha256"}]}.
    POST {"parts": [{"number", "sha256"}]} → {"addresses": [{"number", "url", "headers"}]}: each takes an HTTP PUT of
    the part's bytes, with these headers.

    400 {"error"}, 409 {"error", "resume"}.
    """
    job = own_job(request, job_id)
    try:
        if request.method == "GET":
            return JsonResponse({"arrived": [asdict(part) for part in arrived_parts(job)]})
        asked = PartsForm({**json_body(request)})
        if not asked.is_valid():
            return JsonResponse({"error": "Send a JSON object with parts."}, status=400)
        return JsonResponse({"addresses": [asdict(one) for one in sign_parts(job, asked.cleaned_data["parts"])]})
    except UploadRefused as refusal:
        return _refused(refusal, status=409)
    except (ValueError, TypeError):
        return JsonResponse({"error": "Send a JSON object with parts."}, status=400)


def _confirmed(job: Job) -> JsonResponse:
    return JsonResponse({"job": job.pk, "status": job.status, "url": job.get_absolute_url()})


def _refused(refusal: UploadRefused, *, status: int) -> JsonResponse:
    if isinstance(refusal, TooMany):
        status = 429
    return JsonResponse({"error": str(refusal), "resume": refusal.resume}, status=status)


@login_required
@require_POST
def build(request: PersonRequest) -> JsonResponse:
    """Propose the reference that fits a file, from its header and first records; see `builds.proposal`.

    Errors: 400, 413 or 429 with {"error"}. The upload page then continues without a proposal.
    """
    if len(request.body) > builds.MAX_BODY:
        return JsonResponse({"error": "This is more than a header."}, status=413)
    if builds.too_many(request.user):
        return JsonResponse({"error": f"You have asked {builds.PER_HOUR} times within the hour."}, status=429)
    try:
        return JsonResponse(builds.proposal(json_body(request)))
    except (ValueError, builds.Unreadable):
        return JsonResponse({"error": "Send a JSON object with header and records."}, status=400)


@login_required
@require_POST
def confirm(request: PersonRequest, job_id: UUID) -> JsonResponse:
    """Queue the job whose file is in S3. Safe to repeat. → {"job", "status", "url"}; 409 {"error", "resume"}."""
    try:
        job = confirm_upload(own_job(request, job_id))
    except UploadRefused as refusal:
        return _refused(refusal, status=409)
    return _confirmed(job)


@login_required
@require_POST
def finish(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Confirm an upload whose upload page is closed, if its file has arrived."""
    job = own_job(request, job_id)
    return act(request, job, "The file has arrived, and the job is in the queue.", lambda: _finish(job))


def _finish(job: Job) -> None:
    try:
        confirm_upload(job)
    except UploadRefused as refusal:
        advice = "" if refusal.advice else " Remove this upload, and upload the file again."
        raise actions.ActionRefused(f"{refusal}{advice}") from refusal


@login_required
@require_POST
def discard_upload(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Remove an unfinished upload without confirmation. From a job's page, an upload whose file has arrived is kept.

    The upload page, where an owner may remove a file just after sending it, gets 204, or 409 if the file was confirmed.
    """
    job = own_job(request, job_id)
    if not request.accepts("text/html"):
        return HttpResponse(status=204 if discard(job) else 409)
    try:
        removed = discard_unless_arrived(job)
    except AWSError:
        logger.exception("job %s", job.pk)
        messages.error(request, STORAGE_SILENT)
        return redirect(job)
    if not removed:
        messages.error(request, "The file of this job has arrived, so it was not removed.")
        return redirect(job)
    messages.success(request, f"The unfinished upload of “{job.name}” is removed.")
    return redirect("jobs:list")


@login_required
@require_POST
def clear_uploads(request: PersonRequest) -> HttpResponse:
    """Remove the person's unfinished uploads, except those whose file has arrived."""
    cleared = clear(request.user)
    messages.success(request, f"{cleared.removed} unfinished upload{pluralize(cleared.removed)} removed.")
    if cleared.kept:
        messages.info(
            request, f"{cleared.kept} file{pluralize(cleared.kept)} had arrived; nothing of these was removed."
        )
    if cleared.left:
        messages.warning(request, f"{cleared.left} unfinished upload{pluralize(cleared.left)} left. Clear again.")
    return redirect("jobs:list")
