"""The URL for Stripe's webhooks. Requests that Stripe has not signed are refused before dj-stripe stores them."""

import logging
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from djstripe.models import WebhookEndpoint
from djstripe.views import ProcessWebhookView

from gas.rate_limits import RateLimit
from gas.subscriptions import stripe

log = logging.getLogger(__name__)

#: Stripe's own events have a few kilobytes.
MAX_BYTES = 512 * 1024
#: Refusals per minute after which an address is blocked for the rest of the minute.
BAD_A_MINUTE = 30
REFUSALS = RateLimit("bad-webhooks", seconds=60)

_process = ProcessWebhookView.as_view()


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Return 200 for a stored event; 400 if not signed by Stripe, 413 if too long, 429 after many refusals, or 404."""
    sender = get_adapter(request).get_client_ip(request)
    if REFUSALS.is_used_up(sender, BAD_A_MINUTE):
        return HttpResponse(status=429)
    endpoint = get_object_or_404(WebhookEndpoint, djstripe_uuid=uuid)
    status = _refusal(request, endpoint)
    if status:
        REFUSALS.take(sender, BAD_A_MINUTE)
        log.warning("a webhook is refused with %d", status)
        return HttpResponse(status=status)
    answer: HttpResponse = _process(request, uuid=uuid)
    return answer


def _refusal(request: HttpRequest, endpoint: WebhookEndpoint) -> int:
    """Return the status with which the request is refused; 0 if Stripe has signed it."""
    if int(request.headers.get("Content-Length") or 0) > MAX_BYTES:
        return 413
    signature = request.headers.get("Stripe-Signature", "")
    signed = stripe.is_signed(request.body, signature, endpoint.secret, tolerance=endpoint.djstripe_tolerance)
    return 0 if signed else 400
