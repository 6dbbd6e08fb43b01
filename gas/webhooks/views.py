"""The pages of a person's webhooks. Endpoints are looked up with their owner; whatever changes something is a POST."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from gas.users.requests import PersonRequest
from gas.webhooks import delivering, endpoints
from gas.webhooks.endpoints import EndpointRefused
from gas.webhooks.forms import EndpointForm
from gas.webhooks.models import Delivery, Endpoint

PAGE_SIZE = 25
#: The field of the form that a refusal is about; others are about the form as a whole.
FIELDS = {"address": "url", "duplicate": "url", "events": "events"}


@login_required
@require_http_methods(["GET", "POST"])
def endpoint_list(request: PersonRequest) -> HttpResponse:
    """Show the person's endpoints; or make one (POST), and show its secret this once."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = endpoints.create(request.user, **form.cleaned_data)
        except EndpointRefused as refused:
            form.add_error(FIELDS.get(refused.code), str(refused))
        else:
            return render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": secret, "is_new": True})
    rows = Endpoint.objects.filter(owner=request.user)
    return render(request, "webhooks/list.html", {"form": form, "endpoints": rows, "most": endpoints.MOST})


@login_required
@require_http_methods(["GET", "POST"])
def detail(request: PersonRequest, endpoint_id: UUID) -> HttpResponse:
    """Show an endpoint with its log; or change its address and events (POST)."""
    endpoint = _own(request, endpoint_id)
    form = EndpointForm(request.POST or None, initial={"url": endpoint.url, "events": endpoint.events})
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(endpoint, **form.cleaned_data)
        except EndpointRefused as refused:
            form.add_error(FIELDS.get(refused.code), str(refused))
        else:
            messages.success(request, "The endpoint is saved.")
            return redirect(endpoint)
    pages = Paginator(endpoint.deliveries.prefetch_related("attempts"), PAGE_SIZE)
    values = {
        "form": form,
        "endpoint": endpoint,
        "page_obj": pages.get_page(request.GET.get("page")),
        "kept_days": delivering.KEPT_FOR.days,
    }
    return render(request, "webhooks/detail.html", values)


@login_required
@require_POST
def rotate(request: PersonRequest, endpoint_id: UUID) -> HttpResponse:
    """Make a new secret, and show it this once."""
    endpoint = _own(request, endpoint_id)
    return render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": endpoints.rotate(endpoint)})


@login_required
@require_POST
def send_test(request: PersonRequest, endpoint_id: UUID) -> HttpResponse:
    """Send a test event."""
    endpoint = _own(request, endpoint_id)
    try:
        endpoints.send_test(endpoint)
        messages.success(request, "A test event is on its way. Reload the page to see what your program answered.")
    except EndpointRefused as refused:
        messages.error(request, str(refused))
    return redirect(endpoint)


@login_required
@require_POST
def switch_on(request: PersonRequest, endpoint_id: UUID) -> HttpResponse:
    """Send events again."""
    endpoint = _own(request, endpoint_id)
    endpoints.switch_on(endpoint)
    messages.success(request, "The endpoint is on. Events that happened meanwhile are not sent.")
    return redirect(endpoint)


@login_required
@require_POST
def switch_off(request: PersonRequest, endpoint_id: UUID) -> HttpResponse:
    """Send no more events."""
    endpoint = _own(request, endpoint_id)
    endpoints.switch_off(endpoint, "You switched it off.")
    messages.success(request, "The endpoint is off.")
    return redirect(endpoint)


@login_required
@require_POST
def delete(request: PersonRequest, endpoint_id: UUID) -> HttpResponse:
    """Delete the endpoint and its log."""
    endpoints.delete(_own(request, endpoint_id))
    messages.success(request, "The endpoint is deleted.")
    return redirect("webhooks:list")


@login_required
@require_POST
def replay(request: PersonRequest, delivery_id: UUID) -> HttpResponse:
    """Send a delivery again."""
    mine = Delivery.objects.select_related("endpoint__owner")
    delivery = get_object_or_404(mine, pk=delivery_id, endpoint__owner=request.user)
    try:
        endpoints.replay(delivery)
        messages.success(request, "The event is sent again. Reload the page to see what your program answered.")
    except EndpointRefused as refused:
        messages.error(request, str(refused))
    return redirect(delivery.endpoint)


def _own(request: PersonRequest, endpoint_id: UUID) -> Endpoint:
    return get_object_or_404(Endpoint.objects.select_related("owner"), pk=endpoint_id, owner=request.user)
