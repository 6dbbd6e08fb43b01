"""Who deletes their account is not charged any more, and leaves nothing of Stripe's behind."""

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from djstripe.models import Customer, Event, Subscription, WebhookEventTrigger
from pytest_django import Settings

from gas.subscriptions import tending
from gas.subscriptions.models import Billing, CustomerRemoval, Grant, PlanChange
from gas.subscriptions.personal import export
from gas.subscriptions.removal import LATE_WEBHOOKS
from gas.users.deletion import delete_account
from tests.support.people import make_person
from tests.support.subscribers import Subscriber

pytestmark = pytest.mark.django_db(transaction=True)
LEFT = (Billing, Grant, PlanChange, Customer, Subscription, Event, WebhookEventTrigger)


def rows() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in LEFT if model.objects.exists()}


def later(**span: float) -> None:
    """The removal was asked for, and done, so long ago."""
    for one in CustomerRemoval.objects.all():
        one.sent_at -= timedelta(**span)
        one.deleted_at = one.deleted_at and one.deleted_at - timedelta(**span)
        one.save()


def test_the_subscription_ends_and_the_customer_is_deleted(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    customer, subscription = subscriber.billing.customer_id, subscriber.subscription
    assert {"Customer", "Subscription", "Event", "WebhookEventTrigger"} <= set(rows())
    delete_account(subscriber.user)
    assert subscriber.stripe.api("GET", f"customers/{customer}").get("deleted")
    (ended,) = (one for one in subscriber.stripe.state()["subscriptions"] if one["id"] == subscription)
    assert ended["status"] == "canceled"
    # The webhook of that very end comes afterwards, for nobody; what it leaves goes, too.
    subscriber.stripe.resend(subscriber.stripe.events_of(subscription)[-1]["id"])
    later(days=3)  # and Stripe may try until then
    tending.tend()
    assert CustomerRemoval.objects.exists()
    subscriber.stripe.resend(subscriber.stripe.events_of(subscription)[-1]["id"])
    later(seconds=LATE_WEBHOOKS.total_seconds() + 600)
    tending.tend()
    assert rows() == {}
    assert not CustomerRemoval.objects.exists()


def test_a_late_webhook_leaves_no_name_and_no_address(subscriber: Subscriber) -> None:
    """Checkout's event names the payer. It comes twice after the account is deleted: only ids are stored."""
    subscriber.subscribe()
    customer = subscriber.billing.customer_id
    (paid,) = subscriber.stripe.events_of(kind="checkout.session.completed")[-1:]
    address = subscriber.user.email
    assert address in everything_kept()
    delete_account(subscriber.user)
    for _ in range(2):
        assert subscriber.stripe.resend(paid["id"]) == [200]
    event = Event.objects.get(id=paid["id"])
    assert event.type == "checkout.session.completed"
    assert event.created is not None
    assert set(event.data["object"]) == {"id", "object", "customer"}
    assert event.data["object"]["customer"] == customer
    assert address not in everything_kept()
    assert "Ada" not in everything_kept()


def everything_kept() -> str:
    """Of webhooks, as text."""
    return json.dumps([list(model.objects.values()) for model in (Event, WebhookEventTrigger)], default=str)


def test_what_staff_did_stays_in_the_log_without_whom_it_was_about(subscriber: Subscriber) -> None:
    subscriber.checkout()
    staff = make_person("staff@gas.example")
    LogEntry.objects.log_actions(
        user_id=staff.pk, queryset=[subscriber.billing], action_flag=2, change_message="x", single_object=True
    )
    delete_account(subscriber.user)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.object_repr) == (staff, None, "a deleted account")


def test_what_is_known_can_be_taken_along(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    ((name, (content,)),) = list(export(subscriber.user))
    told = json.loads(content)
    assert name == "plan.json"
    assert told["subscription"]["customer_id"] == subscriber.billing.customer_id
    assert told["changes"][0]["to_plan"] == "premium"


def test_stripe_may_be_down_at_that_moment(subscriber: Subscriber, settings: Settings) -> None:
    subscriber.subscribe()
    customer, there = subscriber.billing.customer_id, settings.STRIPE_API_BASE
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    delete_account(subscriber.user)
    assert "Billing" not in rows()
    settings.STRIPE_API_BASE = there
    assert not subscriber.stripe.api("GET", f"customers/{customer}").get("deleted")
    later(seconds=settings.RESEND_AFTER_SECONDS + 1)
    tending.tend()
    assert subscriber.stripe.api("GET", f"customers/{customer}").get("deleted")


def test_who_was_deleted_at_stripe_already_is_no_trouble(subscriber: Subscriber) -> None:
    subscriber.checkout()
    subscriber.stripe.api("DELETE", f"customers/{subscriber.billing.customer_id}")
    delete_account(subscriber.user)
    assert CustomerRemoval.objects.get().deleted_at is not None


def test_others_keep_what_is_theirs(subscriber: Subscriber) -> None:
    Billing.objects.create(user=make_person("bob@lab.example"), customer_id="cus_of_bob", read_at=timezone.now())
    Customer.objects.create(id="cus_of_bob")
    subscriber.subscribe()
    delete_account(subscriber.user)
    assert Billing.objects.get().customer_id == "cus_of_bob"
    assert Customer.objects.get().id == "cus_of_bob"
