"""What time brings about, and what makes up for webhooks that never came."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from djstripe.models import Event, WebhookEventTrigger
from pytest_django import Settings

from devstack.processes.ports import free_port
from devstack.stripe.billing import PERIOD_SECONDS
from gas.subscriptions import following, stripe, tending
from gas.subscriptions.entitlement import Subscription
from gas.subscriptions.following import want
from gas.subscriptions.grants import grant_premium
from gas.subscriptions.models import Billing, PlanChange
from gas.subscriptions.stripe import BillingUnavailable
from gas.users.models import User
from tests.support.stripe_process import StripeProcess
from tests.support.subscribers import Subscriber, standing, until
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def another(paying: StripeProcess, stranger: User, browser_of: Callable[[User], Client]) -> Subscriber:
    return Subscriber(stranger, browser_of(stranger), paying)


def test_while_the_endpoint_is_down_the_reconciliation_makes_up_for_it(
    subscriber: Subscriber, another: Subscriber
) -> None:
    another.subscribe()
    subscriber.subscribe(webhooks="drop")
    another.end_now()
    assert (standing(subscriber.user), standing(another.user)) == (("free", ""), ("premium", "active"))
    assert tending.reconcile() == 2
    assert standing(subscriber.user) == ("premium", "active")
    assert standing(another.user) == ("free", "canceled")
    assert tending.reconcile() == 0  # and then there is nothing to do


def test_it_notices_a_cancellation_and_a_renewal(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    subscriber.stripe.webhooks("drop")
    subscriber.cancel()
    assert tending.reconcile() == 1
    assert subscriber.billing.ends_at == subscriber.billing.period_end
    assert standing(subscriber.user) == ("premium", "active")
    subscriber.renew()
    assert tending.reconcile() == 1
    assert subscriber.billing.ends_at is None
    # Paid for again, at another second than before.
    before = subscriber.billing.period_end
    wait_until(lambda: timezone.now() + timedelta(seconds=PERIOD_SECONDS) > before + timedelta(seconds=1))
    subscriber.stripe.end_period(subscriber.subscription)
    assert tending.reconcile() == 1
    assert subscriber.billing.period_end > before
    assert standing(subscriber.user) == ("premium", "active")
    assert PlanChange.objects.count() == 1


def test_while_nobody_answers_at_the_endpoint_the_reconciliation_makes_up_for_it(subscriber: Subscriber) -> None:
    """The site's address refuses connections; Stripe goes on trying, and gets through when all is known already."""
    (endpoint,) = subscriber.stripe.state()["endpoints"]
    subscriber.stripe.api("POST", f"webhook_endpoints/{endpoint['id']}", url=f"http://127.0.0.1:{free_port()}/")
    subscriber.stripe.webhooks("send")
    assert subscriber.stripe.pay(subscriber.checkout()).status_code == 303

    def tried() -> list[Any]:
        (created,) = subscriber.stripe.events_of(subscriber.subscription, "customer.subscription.created")
        return [(one["status"], one["error"]) for each in created["deliveries"] for one in each["attempts"]]

    wait_until(lambda: len(tried()) >= 2, what=f"tried: {tried()}")
    assert {status for status, _ in tried()} == {0}
    assert (standing(subscriber.user), Event.objects.count()) == (("free", ""), 0)
    assert tending.reconcile() == 1
    assert standing(subscriber.user) == ("premium", "active")
    subscriber.stripe.api("POST", f"webhook_endpoints/{endpoint['id']}", url=endpoint["url"])
    wait_until(lambda: not subscriber.stripe.pending())
    assert Event.objects.filter(type="customer.subscription.created").count() == 1
    assert standing(subscriber.user) == ("premium", "active")
    assert PlanChange.objects.count() == 1


def test_it_asks_for_lists_and_not_for_each_person(
    subscriber: Subscriber, another: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (subscriber, another):
        one.subscribe()
    monkeypatch.setattr(stripe, "subscriptions_of", lambda _: pytest.fail("asked for one person"))
    assert tending.reconcile() == 0


def test_all_pages_of_the_list_are_read(
    subscriber: Subscriber, another: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (subscriber, another):
        one.subscribe(webhooks="drop")
    monkeypatch.setattr(stripe, "PAGE", 1)
    assert tending.reconcile() == 2
    for one in (subscriber, another):
        assert standing(one.user) == ("premium", "active")


def test_one_customer_in_trouble_does_not_stop_the_rest(
    subscriber: Subscriber, another: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (subscriber, another):
        one.subscribe(webhooks="drop")
    real, unlucky = stripe.subscriptions_of, subscriber.billing.customer_id

    def some(customer_id: str) -> Any:
        if customer_id == unlucky:
            raise BillingUnavailable("not this one")
        return real(customer_id)

    monkeypatch.setattr(stripe, "subscriptions_of", some)
    assert tending.reconcile() == 1
    assert standing(another.user) == ("premium", "active")
    monkeypatch.setattr(stripe, "subscriptions_of", real)
    assert tending.reconcile() == 1
    assert standing(subscriber.user) == ("premium", "active")


def test_nothing_follows_from_a_list_that_is_not_complete(subscriber: Subscriber, settings: Settings) -> None:
    subscriber.subscribe()
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    with pytest.raises(BillingUnavailable):
        tending.reconcile()
    assert standing(subscriber.user) == ("premium", "active")


def test_people_without_a_subscription_are_left_alone(paying: StripeProcess, person: User) -> None:
    User.objects.filter(pk=person.pk).update(plan="premium")
    tending.reconcile()
    tending.tend()
    assert standing(person) == ("premium", "")


def test_a_grace_ends_when_its_time_is_over(subscriber: Subscriber, settings: Settings) -> None:
    subscriber.subscribe()
    subscriber.stripe.fail_payment(subscriber.subscription)
    until(subscriber.user, "premium", "past_due")
    subscriber.settled()
    since = subscriber.billing.past_due_since
    assert since is not None
    tending.tend()
    assert standing(subscriber.user) == ("premium", "past_due")
    Billing.objects.update(past_due_since=since - timedelta(days=settings.PAST_DUE_GRACE_DAYS, seconds=1))
    tending.tend()
    assert standing(subscriber.user) == ("free", "past_due")
    assert PlanChange.objects.last().reason == "the subscription is past due"  # type: ignore[union-attr]


def test_replays_do_not_prolong_a_grace_and_a_payment_ends_it(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    subscriber.stripe.fail_payment(subscriber.subscription)
    until(subscriber.user, "premium", "past_due")
    subscriber.settled()
    since = subscriber.billing.past_due_since - timedelta(days=2)
    Billing.objects.update(past_due_since=since)
    for event in subscriber.events():
        subscriber.stripe.resend(event)
    assert want(subscriber.billing.customer_id or "")
    subscriber.settled()
    assert tending.reconcile() == 0
    assert subscriber.billing.past_due_since == since
    page = subscriber.client.post("/plan/portal/")["Location"]
    subscriber.stripe.change_card(page)
    subscriber.stripe.in_portal(page, "pay")
    until(subscriber.user, "premium", "active")
    assert subscriber.billing.past_due_since is None
    assert PlanChange.objects.count() == 1


def test_who_is_past_due_again_has_no_second_grace(subscriber: Subscriber, settings: Settings) -> None:
    """Past due, given up as unpaid, and past due again: one missing payment, until it was good in between."""
    now, grace = timezone.now(), timedelta(days=settings.PAST_DUE_GRACE_DAYS)
    subscriber.checkout()

    def told(status: str, subscription: str = "sub_1", *, wanted: int) -> Billing:
        one = Subscription(subscription, subscriber.billing.customer_id or "", status, created=now)
        token = uuid4()
        Billing.objects.update(lease_token=token, wanted=wanted)
        following._apply(following.Reading(subscriber.billing.pk, one.customer_id, token, wanted), [one])
        return subscriber.billing

    assert told("active", wanted=1).past_due_since is None
    assert told("past_due", wanted=2).past_due_since is not None
    since = now - grace - timedelta(days=1)
    Billing.objects.update(past_due_since=since)
    assert told("unpaid", wanted=3).past_due_since == since
    assert told("past_due", wanted=4).past_due_since == since
    assert standing(subscriber.user) == ("free", "past_due")
    told("active", wanted=5)
    assert told("past_due", wanted=6).past_due_since > now - grace  # a new payment is missing
    assert standing(subscriber.user) == ("premium", "past_due")
    Billing.objects.update(past_due_since=since)
    assert told("past_due", "sub_2", wanted=7).past_due_since > now - grace  # another subscription


def test_a_grant_holds_whatever_stripe_says_and_ends_by_itself(
    subscriber: Subscriber, another: Subscriber, stranger: User
) -> None:
    until_then = timezone.now() + timedelta(days=3)
    subscriber.subscribe()
    grant = grant_premium(subscriber.user, until=until_then, reason="a course", actor=stranger)
    subscriber.end_now()
    subscriber.wait(lambda billing: billing.status == "canceled")
    assert standing(subscriber.user) == ("premium", "canceled")
    tending.reconcile()
    tending.tend()
    assert standing(subscriber.user) == ("premium", "canceled")
    assert "given to you by our staff" in subscriber.client.get("/plan/").content.decode()
    type(grant).objects.update(until=timezone.now() - timedelta(seconds=1))
    tending.tend()
    assert standing(subscriber.user) == ("free", "canceled")
    assert PlanChange.objects.last().reason == "the grant has ended"  # type: ignore[union-attr]
    grant.refresh_from_db()
    assert grant.ended_at is not None


def test_when_a_grant_ends_a_subscriber_stays_premium(subscriber: Subscriber, stranger: User) -> None:
    subscriber.subscribe()
    grant = grant_premium(subscriber.user, until=timezone.now() + timedelta(days=1), reason="a course", actor=stranger)
    type(grant).objects.update(until=timezone.now() - timedelta(seconds=1))
    tending.tend()
    assert standing(subscriber.user) == ("premium", "active")
    assert PlanChange.objects.count() == 1


def test_a_reading_whose_message_was_lost_is_sent_for_again(subscriber: Subscriber, settings: Settings) -> None:
    subscriber.subscribe(webhooks="drop")
    long_ago = timezone.now() - timedelta(seconds=settings.RESEND_AFTER_SECONDS + 1)
    Billing.objects.update(wanted=1, wanted_at=timezone.now())
    tending.tend()
    assert standing(subscriber.user) == ("free", "")  # its message may still come
    Billing.objects.update(wanted_at=long_ago, lease_token=None)
    tending.tend()
    assert standing(subscriber.user) == ("premium", "active")


def test_a_reader_that_died_is_replaced_when_its_lease_is_over(subscriber: Subscriber, settings: Settings) -> None:
    subscriber.subscribe(webhooks="drop")
    long_ago = timezone.now() - timedelta(seconds=settings.RESEND_AFTER_SECONDS + 1)
    token = "11111111-1111-1111-1111-111111111111"
    Billing.objects.update(
        wanted=1, wanted_at=long_ago, lease_token=token, lease_expires_at=timezone.now() + timedelta(seconds=60)
    )
    tending.tend()
    assert standing(subscriber.user) == ("free", "")
    Billing.objects.update(lease_expires_at=long_ago)
    tending.tend()
    assert standing(subscriber.user) == ("premium", "active")


def test_old_webhooks_are_forgotten(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    assert Event.objects.exists()
    tending.forget_old_events()
    assert Event.objects.exists()
    old = timezone.now() - tending.EVENTS_KEPT - timedelta(days=1)
    Event.objects.update(djstripe_created=old)
    WebhookEventTrigger.objects.update(created=old)
    tending.forget_old_events()
    assert not Event.objects.exists()
    assert not WebhookEventTrigger.objects.exists()
