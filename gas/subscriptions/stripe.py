"""All calls to Stripe. No other module imports Stripe's library.

A call waits a few seconds at most and is tried twice, so that neither a page nor a worker hangs with Stripe. Errors are
one exception, with a text for people. Do not call these functions in a transaction: others would wait for Stripe too.
Field names are those of API version STRIPE_API_VERSION.

One module because no other may import Stripe's library.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import stripe
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.utils import timezone
from djstripe import models as mirror
from djstripe.settings import DjstripeSettings

from gas.subscriptions.entitlement import Subscription
from gas.users.models import User

log = logging.getLogger(__name__)

#: Seconds to connect, and to wait for an answer.
TIMEOUT = (3.05, 8.0)
RETRIES = 1
PAGE = 100
#: Seconds for which a price is cached, and for which it is cached that Stripe does not answer.
PRICE_KEPT, SILENCE_KEPT = 300, 15
#: Further subscriptions of a customer are not read: they ended long ago.
MOST_SUBSCRIPTIONS = 200


class BillingUnavailable(Exception):
    """Stripe cannot be reached, refuses, or is not set up. The text is for the person who waits."""


class Gone(BillingUnavailable):
    """Stripe does not have the requested object."""


@dataclass(frozen=True)
class Price:
    """The price of Premium: `amount` with its decimals, such as "29.00", for every `count` months or years."""

    amount: str
    currency: str
    interval: str
    count: int

    @property
    def every(self) -> str:
        return f"a {self.interval}" if self.count == 1 else f"every {self.count} {self.interval}s"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.every}"


@dataclass(frozen=True)
class CheckoutSession:
    """A Checkout session.

    Attributes:
        status: open, complete or expired.
        url: of the page, while it is open.
        reference: the person's id.
    """

    id: str
    url: str
    status: str
    customer_id: str
    reference: str
    price_id: str
    success_url: str


def enabled() -> bool:
    """Return whether people can subscribe here."""
    return bool(settings.STRIPE_SECRET_KEY and settings.STRIPE_PRICE_ID)


def configure() -> None:
    """Make dj-stripe's own few calls use the same endpoint and time-outs."""
    if settings.STRIPE_API_BASE:
        stripe.api_base = settings.STRIPE_API_BASE
    stripe.default_http_client = stripe.RequestsClient(timeout=TIMEOUT)
    stripe.max_network_retries = RETRIES


@lru_cache(maxsize=4)
def _client_for(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": base} if base else {},
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
        max_network_retries=RETRIES,
    )


def _client() -> Any:
    if not settings.STRIPE_SECRET_KEY:
        raise BillingUnavailable("Subscriptions are not available on this site.")
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE).v1


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Convert the library's exceptions to BillingUnavailable. Stripe's own text goes to the log, not to the person."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing" or error.http_status == 404:
            raise Gone(f"{what} is not known to our payment provider.") from error
        log.exception("Stripe refuses: %s", what)
        raise BillingUnavailable("Our payment provider did not accept the request. We have been notified.") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.exception("Stripe does not accept our key: %s", what)
        raise BillingUnavailable("Subscriptions are not available at the moment. We have been notified.") from error
    except stripe.StripeError as error:
        log.warning("Stripe: %s: %s", what, error)
        raise BillingUnavailable(
            "Our payment provider does not answer at the moment. Try again in a minute."
        ) from error


# --- Customers


def create_customer(user: User, *, instead_of: str = "") -> str:
    """Create a customer for the person and return its id.

    Repeated or concurrent calls return the same customer. `instead_of` names a customer that Stripe no longer has.
    """
    key = _key("customer", user.pk, user.email, instead_of)
    with _asking("The customer"):
        found = _client().customers.create(
            {"email": user.email, "metadata": {"gas_user": str(user.pk)}}, {"idempotency_key": key}
        )
    return str(found.id)


def update_customer(customer_id: str, email: str) -> None:
    """Set the address to which Stripe sends receipts and notices of failed payments.

    Raises:
        Gone: the customer does not exist any more.
    """
    with _asking("The customer"):
        _client().customers.update(customer_id, {"email": email})


def has_customer(customer_id: str) -> bool:
    """Return whether the customer exists; False if it was deleted, for example in Stripe's Dashboard."""
    try:
        with _asking("The customer"):
            found = _client().customers.retrieve(customer_id).to_dict()
    except Gone:
        return False
    return not found.get("deleted", False)


def delete_customer(customer_id: str) -> None:
    """Cancel all subscriptions at once and delete the customer. Safe to repeat."""
    with _asking("The customer"):
        try:
            _client().customers.delete(customer_id)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing" and error.http_status != 404:
                raise


# --- Subscriptions


def subscriptions_of(customer_id: str) -> list[Subscription]:
    """Return all subscriptions of the customer, including ended ones; none if Stripe no longer has the customer.

    Copies are stored in dj-stripe's tables, for staff to look at.
    """
    try:
        with _asking("The customer"):
            query = {"customer": customer_id, "status": "all", "limit": PAGE}
            pages = _client().subscriptions.list(query).auto_paging_iter()
            found = [one.to_dict(for_json=True) for one in islice(pages, MOST_SUBSCRIPTIONS)]
    except Gone:
        return []
    for one in found:
        _keep(one)
    return [_subscription(one) for one in found]


def live_subscriptions() -> Iterator[Subscription]:
    """Yield every subscription of the account that has not ended, page by page."""
    with _asking("The list of subscriptions"):
        for one in _client().subscriptions.list({"limit": PAGE}).auto_paging_iter():
            yield _subscription(one.to_dict())


def _subscription(one: dict[str, Any]) -> Subscription:
    # Each item has its own period.
    ends = [item["current_period_end"] for item in one["items"]["data"] if item.get("current_period_end")]
    period_end = _time(max(ends, default=None))
    ends_at = _time(one.get("cancel_at")) or (period_end if one.get("cancel_at_period_end") else None)
    return Subscription(
        id=one["id"],
        customer_id=_id(one["customer"]),
        status=one["status"],
        created=_time(one["created"]) or datetime.fromtimestamp(0, UTC),
        period_end=period_end,
        ends_at=ends_at,
    )


# --- Checkout and the Billing Portal


def latest_checkout(customer_id: str) -> CheckoutSession | None:
    """Return the customer's newest Checkout session."""
    with _asking("The customer"):
        found = _client().checkout.sessions.list({"customer": customer_id, "limit": 1})
    return _session(found.data[0]) if found.data else None


def create_checkout(
    user: User, customer_id: str, *, success_url: str, cancel_url: str, after: str = ""
) -> CheckoutSession:
    """Create a Checkout session, a page at Stripe on which to subscribe.

    A call with the same `after` (the previous session) within the same hour returns the same session. Stripe repeats
    its answer to an idempotency key for a day, errors included; with the hour in the key nobody waits that long.
    """
    price, hour = settings.STRIPE_PRICE_ID, f"{timezone.now().astimezone(UTC):%Y-%m-%dT%H}"
    key = _key("checkout", user.pk, customer_id, price, success_url, cancel_url, after, hour)
    with _asking("The price or the customer"):
        found = _client().checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": customer_id,
                "client_reference_id": str(user.pk),
                "line_items": [{"price": price, "quantity": 1}],
                "metadata": {"gas_price": price},
                "subscription_data": {"metadata": {"gas_user": str(user.pk)}},
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": key},
        )
    return _session(found)


def retrieve_checkout(session_id: str) -> CheckoutSession:
    """Return a Checkout session by its id."""
    with _asking("The payment"):
        return _session(_client().checkout.sessions.retrieve(session_id))


def expire_checkout(session_id: str) -> None:
    """Expire a Checkout session, so that nobody can pay there. A completed or expired session does not change."""
    with _asking("The payment"):
        try:
            _client().checkout.sessions.expire(session_id)
        except stripe.InvalidRequestError as error:
            if error.http_status not in {400, 404}:
                raise


def portal_url(customer_id: str, *, return_url: str) -> str:
    """Return the URL of a page for the customer to change cards, read invoices and cancel; valid once, for minutes."""
    with _asking("The customer"):
        found = _client().billing_portal.sessions.create({"customer": customer_id, "return_url": return_url})
    return str(found.url)


def _session(answer: Any) -> CheckoutSession:
    one = answer.to_dict()
    return CheckoutSession(
        id=one["id"],
        url=one.get("url") or "",
        status=one.get("status") or "",
        customer_id=_id(one.get("customer")),
        reference=one.get("client_reference_id") or "",
        price_id=(one.get("metadata") or {}).get("gas_price", ""),
        success_url=one.get("success_url") or "",
    )


# --- The price


def price() -> Price | None:
    """Return the price of Premium, cached for some minutes; None when Stripe does not answer."""
    if not enabled():
        return None
    name = _key("price", settings.STRIPE_PRICE_ID, settings.STRIPE_API_BASE)
    found: Price | None = cache.get(name)
    if found is None and cache.get(f"{name}-silent") is None:
        try:
            found = retrieve_price()
        except BillingUnavailable:
            cache.set(f"{name}-silent", True, SILENCE_KEPT)
        else:
            cache.set(name, found, PRICE_KEPT)
    return found


def retrieve_price() -> Price:
    """Return the price of Premium."""
    with _asking(f"The price {settings.STRIPE_PRICE_ID}"):
        one = _client().prices.retrieve(settings.STRIPE_PRICE_ID)
    if one.recurring is None or one.unit_amount is None:
        log.error("The price %s is not of a subscription", settings.STRIPE_PRICE_ID)
        raise BillingUnavailable("Subscriptions are not available at the moment. We have been notified.")
    whole = one.currency in DjstripeSettings.ZERO_DECIMAL_CURRENCIES
    amount = f"{one.unit_amount:,}" if whole else f"{one.unit_amount / 100:,.2f}"
    return Price(amount, one.currency.upper(), one.recurring.interval, one.recurring.interval_count)


# --- Webhook endpoints, for manage.py setup_stripe


def endpoints() -> list[dict[str, Any]]:
    """Return the webhook endpoints of the account."""
    with _asking("The list of webhook endpoints"):
        pages = _client().webhook_endpoints.list({"limit": PAGE}).auto_paging_iter()
        return [one.to_dict() for one in pages]


def create_endpoint(url: str, uuid: str, events: Sequence[str]) -> str:
    """Create an endpoint for these events at `url`, and return its id.

    Only this response contains the secret that webhooks are signed with. It is stored where dj-stripe looks for it.
    """
    with _asking("The webhook endpoint"):
        found = _client().webhook_endpoints.create(
            {
                "url": url,
                "enabled_events": list(events),
                "api_version": settings.STRIPE_API_VERSION,
                "metadata": {"djstripe_uuid": uuid},
            }
        )
    mirror.WebhookEndpoint.objects.create(
        id=found.id,
        djstripe_uuid=uuid,
        url=url,
        secret=found.secret,
        enabled_events=list(events),
        status=found.status,
        api_version=found.api_version,
        livemode=found.livemode,
    )
    return str(found.id)


def update_endpoint(endpoint_id: str, events: Sequence[str]) -> None:
    """Set the events of an endpoint, and enable it."""
    with _asking("The webhook endpoint"):
        _client().webhook_endpoints.update(endpoint_id, {"enabled_events": list(events), "disabled": False})


def delete_endpoint(endpoint_id: str) -> None:
    """Delete a webhook endpoint."""
    with _asking("The webhook endpoint"):
        _client().webhook_endpoints.delete(endpoint_id)


def keep_account() -> str:
    """Store the account of our key for dj-stripe, so that no webhook waits for that request. Returns the account's id.

    A restricted key may not request it: its account gets a fixed name.
    """
    key = settings.STRIPE_SECRET_KEY
    if key.startswith("rk_"):
        account_id = "acct_of_a_restricted_key"
    else:
        with _asking("The account"):
            account_id = str(_client().accounts.retrieve_current().id)
    with transaction.atomic():
        mirror.APIKey.objects.exclude(secret=key).delete()  # old keys
        account, _ = mirror.Account.objects.get_or_create(id=account_id)
        kept, _ = mirror.APIKey.objects.get_or_create_by_api_key(key)
        kept.djstripe_owner_account = account
        kept.save()
    return account_id


# --- Helpers


def _keep(subscription: dict[str, Any]) -> None:
    """Store a copy in dj-stripe's tables for staff to look at. No decision depends on it, so errors are only logged.

    dj-stripe's own sync is not used: it requests the customer, the price and the product from Stripe as well.
    """
    try:
        with transaction.atomic():
            customer, _ = mirror.Customer.objects.get_or_create(id=_id(subscription["customer"]))
            mirror.Subscription.objects.update_or_create(
                id=subscription["id"],
                defaults={
                    "customer": customer,
                    "livemode": subscription.get("livemode"),
                    "created": _time(subscription["created"]),
                    "metadata": subscription.get("metadata") or {},
                    "stripe_data": subscription,
                },
            )
    except DatabaseError:
        log.exception("no copy of %s", subscription["id"])


def is_signed(payload: bytes, header: str, secret: str, *, tolerance: int) -> bool:
    """Return whether Stripe has signed this body with this secret, not longer than `tolerance` seconds ago."""
    try:
        stripe.WebhookSignature.verify_header(payload.decode(), header, secret, tolerance)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _key(*parts: object) -> str:
    """Return an idempotency key, or a name in the cache, of these parts."""
    kind, *rest = map(str, parts)
    return f"gas-{kind}-{hashlib.sha256('|'.join(rest).encode()).hexdigest()[:40]}"


def _id(value: Any) -> str:
    """Return the id of a value that is an id or an object."""
    return value if isinstance(value, str) else str(value["id"]) if value else ""


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def dashboard_url(customer_id: str) -> str:
    """Return the URL of the customer in Stripe's Dashboard, the only place with payments, cards and refunds."""
    if settings.STRIPE_API_BASE:
        return f"{settings.STRIPE_API_BASE}/_devstack/stripe"
    return f"https://dashboard.stripe.com/{'' if settings.STRIPE_LIVE_MODE else 'test/'}customers/{customer_id}"
