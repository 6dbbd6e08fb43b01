"""The plan follows webhooks: whatever their order, however often they come, and only if they are signed."""

import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone
from djstripe.models import Event, WebhookEndpoint, WebhookEventTrigger

from devstack.stripe.webhooks import sign
from gas.celery import app
from gas.jobs.mails import notices
from gas.jobs.models import Notice, RestoreBatch, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from gas.subscriptions import changes, following, stripe
from gas.subscriptions.models import Billing, PlanChange
from gas.subscriptions.webhook import BAD_A_MINUTE
from gas.tasknames import ARCHIVE_USER_RESULTS, RESTORE_USER_RESULTS
from gas.users.models import User
from tests.support.glacier_standin import StandIn
from tests.support.results import round_of
from tests.support.stripe_process import StripeProcess
from tests.support.subscribers import Subscriber, standing, until

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 10


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return what was sent because of a change of plan."""
    found: list[tuple[Any, ...]] = []
    real = changes.send_after_commit

    def send(*message: Any) -> None:
        found.append(message)
        real(*message)

    monkeypatch.setattr(changes, "send_after_commit", send)
    return found


def post(payload: str, *, secret: str = "", headers: dict[str, str] | None = None) -> int:
    """To this site's endpoint, signed as Stripe does, now."""
    endpoint = WebhookEndpoint.objects.get()
    signature = sign(payload, secret or endpoint.secret, int(time.time()))
    address = f"/stripe/webhook/{endpoint.djstripe_uuid}/"
    extra = {"Stripe-Signature": signature} if headers is None else headers
    answer = Client(raise_request_exception=False).post(
        address, payload, content_type="application/json", headers=extra
    )
    return answer.status_code


def test_subscribing_makes_premium_and_starts_the_restore(subscriber: Subscriber, sent: list[Any]) -> None:
    subscriber.subscribe()
    assert sent == [(RESTORE_USER_RESULTS, subscriber.user.pk)]
    change = PlanChange.objects.get()
    assert (change.actor, change.reason) == (None, "the subscription is active")
    billing = Billing.objects.get()
    assert billing.period_end is not None
    assert (billing.ends_at, billing.past_due_since) == (None, None)


def test_cancelled_for_the_periods_end_it_stays_premium_until_then(subscriber: Subscriber, sent: list[Any]) -> None:
    subscriber.subscribe()
    subscriber.cancel()
    subscriber.wait(lambda billing: billing.ends_at is not None)
    assert standing(subscriber.user) == ("premium", "active")
    subscriber.stripe.end_period(subscriber.subscription)
    until(subscriber.user, "free", "canceled")
    assert [name for name, _ in sent] == [RESTORE_USER_RESULTS, ARCHIVE_USER_RESULTS]


def test_a_renewal_changes_the_date_and_nothing_else(subscriber: Subscriber, sent: list[Any]) -> None:
    subscriber.subscribe()
    old = timezone.now() - timedelta(days=3)
    Billing.objects.update(period_end=old)
    subscriber.stripe.end_period(subscriber.subscription)
    subscriber.wait(lambda billing: billing.period_end > old + timedelta(days=30))
    assert standing(subscriber.user) == ("premium", "active")
    assert len(sent) == 1


def test_an_unsigned_or_wrongly_signed_webhook_is_refused_and_does_nothing(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    subscriber.stripe.webhooks("drop")
    subscriber.end_now()
    event = subscriber.stripe.payload(subscriber.events()[-1])
    payload = json.dumps(event)
    wanted = Billing.objects.get().wanted
    assert post(payload, secret="whsec_of_somebody_else") == 400
    assert post(payload, headers={}) == 400
    assert post(payload, headers={"Stripe-Signature": "t=1,v1=0"}) == 400
    old = sign(payload, WebhookEndpoint.objects.get().secret, int(time.time()) - 3600)
    stored = WebhookEventTrigger.objects.count()
    assert post(payload, headers={"Stripe-Signature": old}) == 400
    assert post("x" * 600_000) == 413
    assert WebhookEventTrigger.objects.count() == stored
    assert not WebhookEventTrigger.objects.filter(valid=False).exists()
    assert not Event.objects.filter(id=event["id"]).exists()
    assert (Billing.objects.get().wanted, standing(subscriber.user)) == (wanted, ("premium", "active"))
    assert post(payload) == 200  # the same, signed: it was the signature
    assert standing(subscriber.user) == ("free", "canceled")


def test_who_sends_many_that_are_not_signed_is_not_listened_to(paying: StripeProcess) -> None:
    answers = [post("{}", headers={"Stripe-Signature": "t=1,v1=0"}) for _ in range(BAD_A_MINUTE + 1)]
    assert answers == [400] * BAD_A_MINUTE + [429]
    assert post("{}") == 429
    assert not WebhookEventTrigger.objects.exists()


def test_nobody_guesses_the_address(paying: StripeProcess) -> None:
    assert Client().post(f"/stripe/webhook/{uuid4()}/", "{}", content_type="application/json").status_code == 404
    headers = {"Stripe-Signature": "t=1,v1=0"}
    answer = Client().post(f"/stripe/webhook/{uuid4()}/", "{}", content_type="application/json", headers=headers)
    assert answer.status_code == 404


def post_at_once(payloads: list[str]) -> list[int]:
    """Every webhook in a thread of its own, all let go at one moment; the answers' codes."""
    barrier = threading.Barrier(len(payloads))

    def deliver(payload: str) -> int:
        try:
            barrier.wait(30)
            return post(payload)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(payloads)) as pool:
        return list(pool.map(deliver, payloads))


def test_the_same_webhook_many_times_at_once_makes_one_change(subscriber: Subscriber, sent: list[Any]) -> None:
    subscriber.subscribe(webhooks="drop")
    created = next(event["id"] for event in subscriber.stripe.events_of(kind="customer.subscription.created")[-1:])
    payload = json.dumps(subscriber.stripe.payload(created))
    assert post_at_once([payload] * AT_ONCE) == [200] * AT_ONCE
    assert standing(subscriber.user) == ("premium", "active")
    assert Event.objects.filter(id=created).count() == 1
    assert PlanChange.objects.count() == 1
    assert sent == [(RESTORE_USER_RESULTS, subscriber.user.pk)]


def test_many_webhooks_at_once_bring_results_back_once_with_one_mail(
    aws: StandIn,
    queued: None,
    archived: Callable[..., list[ResultFile]],
    subscriber: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of all that is in the queue afterwards, every message is delivered twice."""
    (result,) = archived()
    queue: list[tuple[Any, ...]] = []
    for module in (following, changes):
        send = lambda *message: transaction.on_commit(lambda: queue.append(message))  # noqa: E731
        monkeypatch.setattr(module, "send_after_commit", send)
    subscriber.subscribe(webhooks="drop")
    found = subscriber.stripe.events_of(kind="c")[-AT_ONCE:]
    kinds = {"checkout.session.completed", "customer.subscription.created", "customer.subscription.updated"}
    payloads = [json.dumps(subscriber.stripe.payload(e["id"])) for e in found if e["type"] in kinds]
    payloads = list(itertools.islice(itertools.cycle(payloads), AT_ONCE))
    assert post_at_once(payloads) == [200] * AT_ONCE
    assert queue
    while queue:
        name, pk = queue.pop(0)
        for _ in range(2):
            app.tasks[name].apply(args=[str(pk)])
    batch = RestoreBatch.objects.get()
    for _ in range(2):
        round_of(batch)
        aws.glacier(advance=60)
    for _ in range(2):
        restoration.finish(batch)
    result.refresh_from_db()
    assert result.state == ResultState.AVAILABLE
    mail.outbox.clear()  # what was said of jobs before
    for notice in Notice.objects.filter(kind=Notice.Kind.RESTORED):
        for _ in range(2):
            notices.send(notice.pk)
    assert [message.subject for message in mail.outbox] == ["Your result is back"]
    assert aws.paid() == 1


def test_many_webhooks_of_one_customer_at_once_are_read_one_at_a_time(
    subscriber: Subscriber, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriber.subscribe(webhooks="drop")
    reading, most, count = 0, 0, 0
    lock, real = threading.Lock(), stripe.subscriptions_of

    def watched(customer_id: str) -> Any:
        nonlocal reading, most, count
        with lock:
            reading, count = reading + 1, count + 1
            most = max(most, reading)
        try:
            return real(customer_id)
        finally:
            with lock:
                reading -= 1

    monkeypatch.setattr(stripe, "subscriptions_of", watched)
    barrier = threading.Barrier(AT_ONCE)

    def deliver() -> None:
        try:
            barrier.wait(30)
            following.want(Billing.objects.get().customer_id or "")
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(deliver) for _ in range(AT_ONCE)]:
            future.result()
    billing = Billing.objects.get()
    assert most == 1
    assert 1 <= count <= AT_ONCE
    assert (billing.wanted, billing.done, billing.lease_token) == (AT_ONCE, AT_ONCE, None)
    assert sent == [(RESTORE_USER_RESULTS, subscriber.user.pk)]


@pytest.mark.parametrize("order", list(itertools.permutations(("created", "updated", "deleted"))))
def test_in_every_order_the_plan_is_what_the_subscription_is(subscriber: Subscriber, order: tuple[str, ...]) -> None:
    """All three come after the fact; the last state is ended, and each of them says so."""
    subscriber.subscribe(webhooks="drop")
    subscriber.cancel()
    subscriber.stripe.end_period(subscriber.subscription)
    for verb in order:
        event = subscriber.stripe.events_of(subscriber.subscription, f"customer.subscription.{verb}")[-1]
        assert subscriber.stripe.resend(event["id"]) == [200]
        assert standing(subscriber.user) == ("free", "canceled")
    assert not PlanChange.objects.exists()


@pytest.mark.parametrize("order", list(itertools.permutations(("created", "updated"))))
def test_late_events_of_before_do_not_take_premium_away(subscriber: Subscriber, order: tuple[str, ...]) -> None:
    """They left one subscription and have another: what is told late of the first changes nothing."""
    subscriber.subscribe(webhooks="drop")
    first = subscriber.subscription
    subscriber.cancel()
    subscriber.stripe.end_period(first)
    subscriber.subscribe(webhooks="drop")
    second = subscriber.subscription
    assert first != second
    for verb in (*order, "deleted"):
        subscriber.stripe.resend(subscriber.stripe.events_of(first, f"customer.subscription.{verb}")[-1]["id"])
        assert standing(subscriber.user) == ("premium", "active")
    assert Billing.objects.get().subscription_id == second


def read_while(meanwhile: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading of the one customer, and what happens before Stripe's answer has come."""
    real = stripe.subscriptions_of

    def slow(customer_id: str) -> Any:
        found = real(customer_id)
        monkeypatch.setattr(stripe, "subscriptions_of", real)
        meanwhile(customer_id)
        return found

    monkeypatch.setattr(stripe, "subscriptions_of", slow)
    billing = Billing.objects.get()
    Billing.objects.update(wanted=billing.wanted + 1)
    following.follow(billing.pk)


def test_a_reading_that_took_too_long_is_not_applied(subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins while they are subscribed. Before it ends, its lease is over, and another has read that they left."""
    subscriber.subscribe()
    subscriber.stripe.webhooks("drop")

    def leave(customer_id: str) -> None:
        Billing.objects.update(lease_expires_at=F("read_at"))
        subscriber.end_now()
        following.want(customer_id)  # read at once, here
        assert standing(subscriber.user) == ("free", "canceled")

    read_while(leave, monkeypatch)
    assert standing(subscriber.user) == ("free", "canceled")
    # Not even for a moment were they premium again.
    assert list(PlanChange.objects.values_list("to_plan", flat=True)) == ["premium", "free"]


def test_what_happens_during_a_reading_is_read_as_well(subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    subscriber.subscribe()
    subscriber.stripe.webhooks("drop")

    def leave(customer_id: str) -> None:
        subscriber.end_now()
        following.want(customer_id)  # finds the lease taken, and leaves it to the reader
        assert standing(subscriber.user) == ("premium", "active")

    read_while(leave, monkeypatch)
    assert standing(subscriber.user) == ("free", "canceled")


def test_no_transaction_is_open_while_stripe_is_asked(subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = stripe.subscriptions_of, []

    def watched(customer_id: str) -> Any:
        seen.append(connection.in_atomic_block)
        return real(customer_id)

    monkeypatch.setattr(stripe, "subscriptions_of", watched)
    subscriber.subscribe()
    assert seen
    assert not any(seen)


def test_a_webhook_of_a_stranger_is_taken_and_changes_nobody(paying: StripeProcess, person: User) -> None:
    event = {
        "id": "evt_of_a_stranger",
        "object": "event",
        "api_version": "2026-08-26.dahlia",
        "created": int(time.time()),
        "livemode": False,
        "type": "customer.subscription.updated",
        "request": None,
        "data": {"object": {"id": "sub_x", "object": "subscription", "customer": "cus_of_a_stranger"}},
    }
    assert post(json.dumps(event)) == 200
    assert standing(person) == ("free", "")


def test_a_receiver_that_fails_has_stripe_send_again(subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    subscriber.subscribe(webhooks="drop")
    event = subscriber.stripe.events_of(kind="customer.subscription.created")[-1]["id"]
    payload = json.dumps(subscriber.stripe.payload(event))
    with monkeypatch.context() as broken:
        broken.setattr("gas.subscriptions.receivers.want", _fail)
        assert post(payload) == 500
    assert not Event.objects.filter(id=event).exists()
    assert WebhookEventTrigger.objects.exclude(exception="").count() == 1
    assert post(payload) == 200
    assert standing(subscriber.user) == ("premium", "active")


def _fail(_: str) -> bool:
    raise RuntimeError("the database is tired")
