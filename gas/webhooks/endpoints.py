"""What an owner can do with endpoints. Pages and programs call the same functions."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction

from gas import clock
from gas.jobs.models import Notice
from gas.rate_limits import RateLimit
from gas.tasknames import SEND_NOTICE, send_after_commit
from gas.users.locks import lock_owner
from gas.users.models import User
from gas.webhooks import sending, signing
from gas.webhooks.events import TEST, Event
from gas.webhooks.models import Delivery, Endpoint
from gas.webhooks.outbox import owe, wake

#: Endpoints of a person.
MOST = 10
#: For this long after a rotation, the secret before it still signs.
BOTH_SECRETS_FOR = timedelta(hours=24)
#: Addresses looked up, tests and replays, for a person.
ACTIONS, ACTIONS_AN_HOUR = RateLimit("webhooks", seconds=3600), 60


class EndpointRefused(Exception):
    """It cannot be done; the text says why, for the owner.

    Attributes:
        code: the reason in a word that stays the same: address, events, limit, duplicate, off or too-many.
        retry_after: seconds until it is possible again; 0 if that is not a matter of time.
    """

    def __init__(self, code: str, text: str, *, retry_after: int = 0) -> None:
        super().__init__(text)
        self.code, self.retry_after = code, retry_after


def create(owner: User, url: str, events: Iterable[str]) -> tuple[Endpoint, str]:
    """Make an endpoint. Returns it with its secret, which is shown this once.

    Raises:
        EndpointRefused: the address or the events are not accepted, or the owner has MOST endpoints.
    """
    chosen, address = _chosen(events), _checked(owner, url)
    secret = signing.new_secret()
    with transaction.atomic():
        lock_owner(pk=owner.pk)
        theirs = Endpoint.objects.filter(owner=owner)
        if theirs.count() >= MOST:
            raise EndpointRefused("limit", f"You have {MOST} endpoints, the maximum. Delete one first.")
        _refuse_twice(owner, address)
        endpoint = Endpoint.objects.create(
            owner=owner,
            url=address,
            events=chosen,
            secret=signing.seal(secret),
            sealed_with=signing.current_key(),
        )
    return endpoint, secret


def change(endpoint: Endpoint, url: str, events: Iterable[str]) -> None:
    """Change the address and the events. Raises EndpointRefused."""
    chosen = _chosen(events)
    address = url if url == endpoint.url else _checked(endpoint.owner, url)
    with transaction.atomic():
        lock_owner(pk=endpoint.owner_id)
        _refuse_twice(endpoint.owner, address, but=endpoint.pk)
        fresh = {"failing_since": None} if address != endpoint.url else {}
        Endpoint.objects.filter(pk=endpoint.pk).update(url=address, events=chosen, **fresh)
    endpoint.url, endpoint.events = address, chosen


def rotate(endpoint: Endpoint) -> str:
    """Give the endpoint a new secret, which is returned this once. The one before it is valid for 24 hours more."""
    secret = signing.new_secret()
    with transaction.atomic():
        current = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        try:
            current.old_secret = signing.reseal(current.secret)
        except signing.SecretUnreadable:
            current.old_secret = ""
        current.old_secret_until = clock.now() + BOTH_SECRETS_FOR
        current.secret, current.sealed_with = signing.seal(secret), signing.current_key()
        current.save(update_fields=["old_secret", "old_secret_until", "secret", "sealed_with"])
    endpoint.old_secret_until = current.old_secret_until
    return secret


def switch_on(endpoint: Endpoint) -> None:
    """Send events again, from now on. What happened meanwhile is not sent."""
    Endpoint.objects.filter(pk=endpoint.pk).update(disabled_at=None, disabled_reason="", failing_since=None)


def switch_off(endpoint: Endpoint, reason: str, *, tell_owner: bool = False) -> None:
    """Send no more events. What was still to be sent has failed, and can be replayed once the endpoint is on again.

    Args:
        endpoint: which.
        reason: a sentence for the owner.
        tell_owner: mail them, since they did not do it themselves.
    """
    with transaction.atomic():
        owner = lock_owner(pk=endpoint.owner_id)
        on = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
        if owner is None or not on.update(disabled_at=clock.now(), disabled_reason=reason):
            return
        Delivery.objects.filter(endpoint=endpoint).exclude(due_at=None).update(due_at=None)
        if tell_owner:
            facts = {"host": host_of(endpoint), "reason": reason, "path": endpoint.get_absolute_url()}
            notice = Notice.objects.create(owner=owner, kind=Notice.Kind.WEBHOOK, facts=facts)
            send_after_commit(SEND_NOTICE, notice.pk)


def delete(endpoint: Endpoint) -> None:
    """Delete the endpoint with its log. A request that is on its way may still arrive."""
    with transaction.atomic():
        lock_owner(pk=endpoint.owner_id)  # events are written under this lock, and name the endpoint
        endpoint.delete()


def send_test(endpoint: Endpoint) -> Delivery:
    """Send an event about nothing. Raises EndpointRefused."""
    _refuse_off(endpoint)
    _take(endpoint.owner)
    with transaction.atomic():
        lock_owner(pk=endpoint.owner_id)
        return owe(endpoint, TEST)


def replay(delivery: Delivery) -> None:
    """Send a delivery again, now, with all its attempts ahead. Its id stays, by which a receiver recognizes it.

    Raises:
        EndpointRefused: the endpoint is off, or too much was sent by hand within the hour.
    """
    _refuse_off(delivery.endpoint)
    _take(delivery.endpoint.owner)
    with transaction.atomic():
        lock_owner(pk=delivery.endpoint.owner_id)
        Delivery.objects.filter(pk=delivery.pk).update(due_at=clock.now(), tries=0, delivered_at=None)
        wake(delivery.endpoint_id)


def host_of(endpoint: Endpoint) -> str:
    """Return the host of the address, whose path may hold a secret of the receiver."""
    return urlsplit(endpoint.url).netloc


def _chosen(events: Iterable[str]) -> list[str]:
    chosen = set(events)
    if not chosen or not chosen <= set(Event.values):
        raise EndpointRefused("events", "Choose at least one event.")
    return [event for event in Event.values if event in chosen]


def _checked(owner: User, url: str) -> str:
    _take(owner)
    try:
        return sending.checked(url)
    except sending.AddressRefused as refused:
        raise EndpointRefused("address", str(refused)) from refused


def _refuse_twice(owner: User, address: str, *, but: UUID | None = None) -> None:
    others = Endpoint.objects.filter(owner=owner, url=address)
    if (others.exclude(pk=but) if but else others).exists():
        raise EndpointRefused("duplicate", "You have an endpoint with this address already.")


def _refuse_off(endpoint: Endpoint) -> None:
    if endpoint.disabled_at is not None:
        raise EndpointRefused("off", "The endpoint is off. Switch it on first.")


def _take(owner: User) -> None:
    usage = ACTIONS.use(owner.pk, ACTIONS_AN_HOUR)
    if not usage.allowed:
        text = f"You have done this {ACTIONS_AN_HOUR} times within the hour, the maximum. Try again later."
        raise EndpointRefused("too-many", text, retry_after=usage.resets_in)
