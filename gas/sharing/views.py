"""The page of a job's shares, for its owner; and the address of a link, for everybody who has it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gas.jobs.pages.access import own_job
from gas.sharing import links
from gas.sharing.forms import ShareForm
from gas.sharing.models import Share
from gas.users.requests import PersonRequest


@require_GET
@never_cache
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Lead to the job that a link shares. A link that is unknown, revoked or expired is 404."""
    share = links.find(request, secret)
    if share is None:
        raise Http404
    response = redirect("jobs:detail", share.job_id)
    if request.user.pk != share.job.owner_id:
        links.admit(share, response)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def job_shares(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Show the shares of the person's own job; or make one (POST), and show its link this once."""
    job = own_job(request, job_id)
    form = ShareForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            share, secret = links.create(job, **form.cleaned_data)
        except links.ShareRefused as refused:
            form.add_error(None, str(refused))
        else:
            return render(request, "sharing/link.html", {"job": job, "share": share, "address": links.address(secret)})
    shares = Share.objects.filter(job=job)
    return render(request, "sharing/list.html", {"job": job, "form": form, "shares": shares, "most": links.MOST})


@login_required
@require_POST
def revoke(request: PersonRequest, job_id: UUID, share_id: UUID) -> HttpResponse:
    """End a share; remove it from the list if it has ended."""
    job = own_job(request, job_id)
    share = get_object_or_404(Share, pk=share_id, job=job)
    if share.state == "active":
        Share.objects.filter(pk=share.pk, revoked_at=None).update(revoked_at=timezone.now())
        messages.success(request, "The link is revoked. Nobody sees the result by it any more.")
    else:
        share.delete()
        messages.success(request, "The link is removed from the list.")
    return redirect("sharing:list", job.pk)
