"""The webhook endpoint: registered at Stripe, and stored here with its signing secret."""

import uuid

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from djstripe.models import WebhookEndpoint

from gas.subscriptions import stripe
from gas.subscriptions.receivers import EVENTS

#: The id in the URL for webhooks that `stripe listen` forwards. It is constant, so that the URL can be typed.
FORWARDED = uuid.UUID("5e7a1c0d-0000-4000-8000-000000000000")


def address(endpoint: uuid.UUID) -> str:
    """Return the URL at which the site receives the webhooks of an endpoint."""
    return settings.SITE_URL + reverse("djstripe:djstripe_webhook_by_uuid", args=[endpoint])


def ensure_endpoint() -> tuple[str, bool]:
    """Ensure that Stripe has one endpoint for this site with a known secret. Returns its URL, and whether it is new.

    Stripe reveals a secret once, when the endpoint is created. An endpoint whose secret is unknown, or that has another
    API version (which cannot be changed), is replaced. Endpoints of other sites are left alone.
    """
    ours = [one for one in stripe.endpoints() if one["url"].startswith(f"{settings.SITE_URL}/stripe/webhook/")]
    known = {row.id: row for row in WebhookEndpoint.objects.exclude(secret="")}
    good = [one for one in ours if one["id"] in known and one.get("api_version") == settings.STRIPE_API_VERSION]
    kept = good[0] if good else None
    if kept:
        if sorted(kept["enabled_events"]) != sorted(EVENTS) or kept["status"] != "enabled":
            stripe.update_endpoint(kept["id"], EVENTS)
        url = str(kept["url"])
    else:
        new = uuid.uuid4()
        url = address(new)
        stripe.create_endpoint(url, str(new), EVENTS)
    for one in ours:  # after the new one exists: an event twice is better than none
        if one is not kept:
            stripe.delete_endpoint(one["id"])
            WebhookEndpoint.objects.filter(id=one["id"]).delete()
    return url, kept is None


def keep_secret(secret: str) -> str:
    """Accept webhooks signed with a secret of an endpoint that is held elsewhere, such as by `stripe listen`."""
    with transaction.atomic():
        WebhookEndpoint.objects.update_or_create(
            djstripe_uuid=FORWARDED,
            defaults={
                "id": "we_forwarded",
                "url": address(FORWARDED),
                "secret": secret,
                "enabled_events": list(EVENTS),
                "status": "enabled",
                "livemode": settings.STRIPE_LIVE_MODE,
                "api_version": settings.STRIPE_API_VERSION,
            },
        )
    return address(FORWARDED)
