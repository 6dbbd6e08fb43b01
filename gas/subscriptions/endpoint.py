"""Where Stripe sends webhooks to: registered there, and known here with the secret that they are signed with."""

import uuid

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from djstripe.models import WebhookEndpoint

from gas.subscriptions import stripe
from gas.subscriptions.receivers import EVENTS

#: The address under which webhooks arrive that `stripe listen` passes on; it stays the same, so that it can be typed.
FORWARDED = uuid.UUID("5e7a1c0d-0000-4000-8000-000000000000")


def address(endpoint: uuid.UUID) -> str:
    """Return the URL at which the site receives the webhooks of an endpoint."""
    return settings.SITE_URL + reverse("djstripe:djstripe_webhook_by_uuid", args=[endpoint])


def ensure_endpoint() -> tuple[str, bool]:
    """Have one endpoint at Stripe for this site, whose secret we know. Returns its address, and whether it is new.

    Stripe tells a secret once, when the endpoint is made: one that we do not know the secret of, or that is of another
    API version, which cannot be changed, is replaced. Others' endpoints are left alone.
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
    for one in ours:  # after the new one is there: better an event twice than none
        if one is not kept:
            stripe.delete_endpoint(one["id"])
            WebhookEndpoint.objects.filter(id=one["id"]).delete()
    return url, kept is None


def keep_secret(secret: str) -> str:
    """Accept webhooks signed with a secret that somebody else holds the endpoint of, such as `stripe listen`."""
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
