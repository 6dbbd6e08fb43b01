"""Send what endpoints are owed: one worker at a time for an endpoint, again after failures, and never for ever.

A worker claims the endpoint, sends the most overdue delivery, records what came of it, and wakes the next
worker. So an endpoint that is slow occupies one worker, and no event is sent by two workers at once. If a worker dies
between the request and the record, the claim expires and the event is sent again: at least once, not exactly once.
"""

import logging
import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from gas import clock, rounds
from gas.aws import queues
from gas.rounds import BATCH
from gas.tasknames import DELIVER_WEBHOOK, send_after_commit
from gas.users.locks import lock_owner
from gas.webhooks import sending, signing
from gas.webhooks.endpoints import switch_off
from gas.webhooks.models import Attempt, Delivery, Endpoint
from gas.webhooks.outbox import wake
from gas.webhooks.sending import Answer

log = logging.getLogger(__name__)

#: Longer than the task may run (gas.webhooks.tasks), so that a claim ends only after its worker.
CLAIM_SECONDS = 120
#: An endpoint to which no attempt succeeded for this long is switched off. Shorter than the retries of one event.
FAILING_FOR = timedelta(days=3)
#: Deliveries are kept this long, with their attempts.
KEPT_FOR = timedelta(days=30)
GONE = 410
#: Pauses after each failed attempt but the last: the example schedule of Standard Webhooks, 75 h 35 min together.
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)


@dataclass(frozen=True)
class Claim:
    """The right to send one delivery.

    Attributes:
        delivery: the delivery, with its endpoint, as it was when claimed.
        token: marks the endpoint as this worker's.
    """

    delivery: Delivery
    token: uuid.UUID


def deliver(endpoint_id: uuid.UUID) -> None:
    """Send the most overdue delivery of an endpoint, if one is due and no worker is sending to the endpoint."""
    if claim := claim_next(endpoint_id):
        record(claim, _attempt(claim.delivery))


def claim_next(endpoint_id: uuid.UUID) -> Claim | None:
    """Claim an endpoint that is on, with its next delivery; None when there is nothing to do.

    An owner who may not sign in is sent nothing. What is due then waits.
    """
    now, token = clock.now(), uuid.uuid4()
    # Plain columns: PostgreSQL checks these again on the row as another worker has just left it.
    mine = Endpoint.objects.filter(_free(now), pk=endpoint_id, disabled_at=None)
    if not mine.update(claim=token, claimed_until=now + timedelta(seconds=CLAIM_SECONDS)):
        return None
    theirs = Delivery.objects.filter(endpoint=endpoint_id, endpoint__owner__is_active=True)
    due = theirs.filter(due_at__lte=now).order_by("due_at", "created_at")
    if (delivery := due.select_related("endpoint").first()) is None:
        _release(endpoint_id, token)
        return None
    return Claim(delivery, token)


def _attempt(delivery: Delivery) -> Answer:
    try:
        headers = signing.headers(delivery.endpoint, delivery, clock.now())
    except signing.SecretUnreadable:
        log.error("the secret of webhook endpoint %s cannot be decrypted", delivery.endpoint_id)
        return Answer(None, "The signing secret of this endpoint is lost. Make a new one.", 0)
    return sending.post(delivery.endpoint.url, delivery.body, headers)


def record(claim: Claim, answer: Answer) -> None:
    """Write down an attempt, and decide what is next: nothing, another attempt, or the end of the endpoint."""
    delivery = claim.delivery
    with transaction.atomic():
        lock_owner(pk=delivery.endpoint.owner_id)
        endpoint = Endpoint.objects.select_for_update().filter(pk=delivery.endpoint_id).first()
        if endpoint is None or not Delivery.objects.filter(pk=delivery.pk).exists():
            return  # deleted while the request was on its way
        now = clock.now()
        Attempt.objects.create(
            delivery=delivery,
            at=now,
            http_status=answer.status,
            error=answer.error,
            milliseconds=round(answer.seconds * 1000),
            answer=answer.text,
        )
        _release(endpoint.pk, claim.token)
        if answer.error:
            _failed(endpoint, delivery, answer, now)
        else:
            # Also if the endpoint was switched off meanwhile; but a replay stays due.
            sent = Delivery.objects.filter(Q(due_at=delivery.due_at) | Q(due_at=None), pk=delivery.pk)
            sent.update(due_at=None, delivered_at=now)
            Endpoint.objects.filter(pk=endpoint.pk).exclude(failing_since=None).update(failing_since=None)
        # Events that are written after this wait for the owner's lock, and send a message themselves.
        if Delivery.objects.filter(endpoint=endpoint, due_at__lte=now).exists():
            wake(endpoint.pk)


def _failed(endpoint: Endpoint, delivery: Delivery, answer: Answer, now: datetime) -> None:
    tries = delivery.tries + 1
    wait = pause(tries, random.random())  # noqa: S311  (nothing secret)
    if _current(delivery).update(tries=tries, due_at=wait and now + wait) and wait:
        wake(endpoint.pk, delay=wait.total_seconds())
    since = endpoint.failing_since or now
    Endpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=now)
    if answer.status == GONE:
        switch_off(endpoint, "The receiver answered 410 Gone: it wants no more events.", tell_owner=True)
    elif now - since >= FAILING_FOR:
        switch_off(endpoint, f"Nothing could be delivered for {FAILING_FOR.days} days.", tell_owner=True)


def pause(tries: int, jitter: float) -> timedelta | None:
    """Return how long to wait after the `tries`-th failed attempt; None if there is no further attempt.

    `jitter`, from 0 to 1, adds up to a tenth, so that events that failed together are not all sent again at once.
    """
    if tries > len(RETRY_AFTER):
        return None
    return RETRY_AFTER[tries - 1] * (1 + jitter / 10)


def _current(delivery: Delivery) -> QuerySet[Delivery]:
    """Return the delivery unless it was replayed, or recorded by another worker, since it was claimed."""
    return Delivery.objects.filter(pk=delivery.pk, due_at=delivery.due_at)


def _free(now: datetime) -> Q:
    return Q(claim=None) | Q(claimed_until__lt=now)


def _release(endpoint_id: uuid.UUID, token: uuid.UUID) -> None:
    Endpoint.objects.filter(pk=endpoint_id, claim=token).update(claim=None, claimed_until=None)


# --- The sweep


def tend() -> dict[str, int]:
    """Take one round: send lost and long-delayed messages, and remove what is over. Returns counts by step."""
    steps: dict[str, rounds.Step] = {
        "due": resend_due,
        "old deliveries": remove_old,
        "old secrets": forget_old_secrets,
        "sealed with an old key": reseal,
    }
    return rounds.take(steps, log)


def resend_due(now: datetime) -> int:
    """Send a message for each endpoint that has had something due for a while and that no worker is sending to."""
    late = now - timedelta(seconds=settings.SWEEP_SECONDS)
    on = Endpoint.objects.filter(_free(now), disabled_at=None, owner__is_active=True)
    due = on.filter(deliveries__due_at__lt=late)
    pks = list(due.order_by().values_list("pk", flat=True).distinct()[:BATCH])
    if not pks or queues.waiting("gas-webhooks", delayed=False) >= len(pks):
        return 0  # the queue is simply long
    for pk in pks:
        send_after_commit(DELIVER_WEBHOOK, pk)
    return len(pks)


def remove_old(now: datetime) -> int:
    """Remove deliveries that have ended and are older than KEPT_FOR. Returns their number."""
    old = Delivery.objects.filter(due_at=None, created_at__lt=now - KEPT_FOR).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:BATCH])
    Delivery.objects.filter(pk__in=pks, due_at=None).delete()
    return len(pks)


def forget_old_secrets(now: datetime) -> int:
    """Remove secrets that were replaced, once they are no longer valid. Returns their number."""
    return Endpoint.objects.filter(old_secret_until__lt=now).update(old_secret="", old_secret_until=None)


def reseal(now: datetime) -> int:
    """Encrypt secrets again that an earlier SECRET_KEY encrypted. Returns their number."""

    def one(endpoint: Endpoint) -> None:
        secrets = {
            name: signing.reseal(getattr(endpoint, name))
            for name in ("secret", "old_secret")
            if getattr(endpoint, name)
        }
        mine = Endpoint.objects.filter(pk=endpoint.pk, secret=endpoint.secret, old_secret=endpoint.old_secret)
        mine.update(sealed_with=signing.current_key(), **secrets)

    others = Endpoint.objects.exclude(sealed_with=signing.current_key()).order_by("created_at")
    return rounds.each(others[:BATCH], one, log)
