"""Who may see a job: its owner, and visitors with whom its result is shared. Only the owner may change anything."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from gas.jobs.models import Job
from gas.users.requests import PersonRequest


@dataclass(frozen=True)
class Visit:
    """A request of somebody who sees another's job.

    Attributes:
        job: with its owner.
        downloads: whether files of the result can be downloaded.
    """

    job: Job
    downloads: bool


#: Rules of the rooms above, asked with each request: what the request may see of the job; None if the rule has no say.
#: A rule may raise Http404.
visit_rules: list[Callable[[HttpRequest, UUID], Visit | None]] = []


def own_job(request: PersonRequest, job_id: UUID) -> Job:
    """Return the job if it is the person's own. Raises Http404 for anybody else's, as if there were none."""
    return get_object_or_404(Job.objects.select_related("owner"), pk=job_id, owner=request.user)


def open_to_visitors(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let visitors call a view that only reads; everybody else must be signed in.

    Such a view finds its job by `readable_job`, and what the visitor may see by `visit_of`.
    """
    for_people = login_required(view)

    @wraps(view)
    def page(request: HttpRequest, job_id: UUID, **kwargs: Any) -> HttpResponseBase:
        found = next((one for rule in visit_rules if (one := rule(request, job_id))), None)
        if found is None or found.job.owner_id == request.user.pk:
            return for_people(request, job_id=job_id, **kwargs)
        request.visit = found  # type: ignore[attr-defined]
        response = view(request, job_id=job_id, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return page


def visit_of(request: HttpRequest) -> Visit | None:
    """Return what a visitor may see; None if the request is the owner's. Templates have it as `request.visit`."""
    return getattr(request, "visit", None)


def readable_job(request: PersonRequest, job_id: UUID) -> Job:
    """Return the job of the visit, or the person's own. Raises Http404 for anybody else's."""
    visit = visit_of(request)
    return visit.job if visit else own_job(request, job_id)
