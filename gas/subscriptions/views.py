"""The pages of plans, with redirects to Stripe's pages and back. None of them changes a plan."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from gas.subscriptions import stripe
from gas.subscriptions.checkout import is_paid, manage_url, subscribe_url
from gas.subscriptions.plans import PLANS
from gas.subscriptions.standing import standing
from gas.users.models import User
from gas.users.requests import PersonRequest

#: The status that makes htmx stop polling.
STOP_POLLING = 286


@login_required
@require_GET
@never_cache
def overview(request: PersonRequest) -> HttpResponse:
    """Show both plans side by side, and the state of the person's own."""
    values = {
        "standing": standing(request.user),
        "plans": list(PLANS.values()),
        "price": stripe.price(),
        "billing_on": stripe.enabled(),
        "left": request.GET.get("payment") == "left",
    }
    return render(request, "subscriptions/plan_page.html", values)


@login_required
@require_POST
def checkout(request: PersonRequest) -> HttpResponse:
    """Redirect to Stripe's Checkout."""
    return _go(request, subscribe_url)


@login_required
@require_POST
def portal(request: PersonRequest) -> HttpResponse:
    """Redirect to Stripe's Billing Portal."""
    return _go(request, manage_url)


def _go(request: PersonRequest, where: Callable[[User], str]) -> HttpResponse:
    """Redirect with 303, so that the browser uses GET. The URL comes from Stripe, never from the request."""
    try:
        url = where(request.user)
    except stripe.BillingUnavailable as error:
        messages.error(request, str(error))
        return redirect("plan:overview")
    answer = redirect(url)
    answer.status_code = 303
    return answer


@login_required
@require_GET
@never_cache
def back(request: PersonRequest) -> HttpResponse:
    """The page after Checkout, which waits for the webhook. A request for it proves nothing."""
    try:
        if not is_paid(request.user, request.GET.get("session_id", "")):
            return redirect("plan:overview")
        received = True
    except stripe.BillingUnavailable:
        received = False
    return render(request, "subscriptions/back.html", {"standing": standing(request.user), "received": received})


@login_required
@require_GET
@never_cache
def live(request: PersonRequest) -> HttpResponse:
    """Return the changing part of that page, which refreshes until the person is premium."""
    found = standing(request.user)
    values = {"standing": found, "received": request.GET.get("received") == "yes", "out_of_band": True}
    return render(request, "subscriptions/_back.html", values, status=STOP_POLLING if found.good else 200)
