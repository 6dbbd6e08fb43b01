"""From an address to the open table of the person's own job, or of one that is shared with a visitor."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRefresh

from gas.explorer import marks
from gas.explorer.database import QueryRefused
from gas.explorer.models import MarkedVariant
from gas.explorer.results import PASSING, Unavailable, open_result
from gas.jobs.models import Job
from gas.jobs.pages.access import open_to_visitors, own_job, readable_job, visit_of
from gas.subscriptions.plans import plan_of
from gas.users.requests import PersonRequest

#: Seconds until the page looks again, for a reason that passes by itself.
PACE = 3
#: The header with which it asks.
WAITED = "X-Waited"


def explored(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Make a view of an address that names a job from one that takes the request, the job and its open table.

    A job of somebody else's is 404. While there is no table the page says why, and looks again if that passes.
    """
    return login_required(_with_table(view, own_job))


def explored_by_visitors(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """As `explored`, for a view that only reads: visitors may call it, too."""
    return open_to_visitors(_with_table(view, readable_job))


def _with_table(
    view: Callable[..., HttpResponseBase], find_job: Callable[[PersonRequest, UUID], Job]
) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    @never_cache
    def page(request: PersonRequest, job_id: UUID, **kwargs: Any) -> HttpResponseBase:
        job = find_job(request, job_id)
        try:
            with open_result(job) as database:
                if WAITED in request.headers:  # by the page that says why there was no table
                    return HttpResponseClientRefresh()
                return view(request, job, database, **kwargs)
        except Unavailable as why:
            return _unavailable(request, job, why)
        except QueryRefused as refused:
            return render(request, _template(request), {"job": job, "refused": str(refused)})

    return page


def own_marks(request: PersonRequest, job: Job, found: Sequence[Mapping[str, Any]]) -> dict[int, MarkedVariant]:
    """Return the person's marks on rows of the table, by row_number; none for a visitor."""
    return {} if visit_of(request) else marks.of_rows(request.user, job.reference, found)


def _unavailable(request: PersonRequest, job: Job, why: Unavailable) -> HttpResponseBase:
    if request.method == "POST":  # the page asks for its own address again, which a POST's address refuses
        messages.error(request, "Nothing was saved, because this result cannot be opened just now.")
        return redirect("explorer:table", job.pk)
    values = {
        "job": job,
        "sentence": str(why),
        "reason": why.reason,
        "pace": PACE if why.reason in PASSING else None,
        "can_upgrade": plan_of(job.owner).archives,
    }
    return render(request, _template(request), values)


def _template(request: PersonRequest) -> str:
    return "explorer/_unavailable.html" if request.htmx else "explorer/unavailable.html"
