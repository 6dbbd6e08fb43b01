"""A subscription's life after Checkout: renewed, past due, paid again, cancelled; and the portal."""

import requests

from tests.support.stripe_process import DECLINED, SITE

MASTERCARD = "5555555555554444"


def end_of(subscription):
    return subscription["items"].data[0].current_period_end


def types(person):
    """The types of the events after Checkout, oldest first."""
    return [one["type"].rpartition(".")[2] for one in person.events()[::-1][2:]]


def test_a_period_that_ends_is_followed_by_the_next(fake, subscription, person):
    person.end_period(subscription.id)
    renewed = fake.subscription(subscription.customer)
    assert renewed.status == "active"
    assert renewed.latest_invoice != subscription.latest_invoice
    (item,) = renewed["items"].data
    assert item.current_period_start >= subscription["items"].data[0].current_period_start
    assert item.current_period_end - item.current_period_start == 30 * 24 * 3600
    assert types(person) == ["updated"]
    event = person.payload(person.events()[0]["id"])
    assert "latest_invoice" in event["data"]["previous_attributes"]
    assert "metadata" not in event["data"]["previous_attributes"]


def test_a_cancellation_takes_effect_at_the_periods_end(fake, subscription, portal, person):
    person.in_portal(portal, "cancel")
    leaving = fake.subscription(subscription.customer)
    assert (leaving.status, leaving.cancel_at_period_end, leaving.cancel_at) == ("active", True, end_of(subscription))
    assert leaving.cancellation_details.reason == "cancellation_requested"
    person.in_portal(portal, "renew")
    staying = fake.subscription(subscription.customer)
    assert (staying.cancel_at, staying.canceled_at, staying.cancellation_details.reason) == (None, None, None)
    person.in_portal(portal, "cancel")
    person.end_period(subscription.id)
    over = fake.subscription(subscription.customer)
    assert (over.status, over.ended_at is not None) == ("canceled", True)
    assert types(person) == [*["updated"] * 3, "deleted"]
    assert fake.api.subscriptions.list({"customer": over.customer}).data == []
    assert requests.post(f"{person.control_url}/subscriptions/{over.id}/end_period", timeout=10).status_code == 400


def test_a_cancellation_by_staff_takes_effect_at_once(fake, subscription, person):
    person.cancel_now(subscription.id)
    assert fake.subscription(subscription.customer).status == "canceled"
    assert types(person) == ["deleted"]


def test_a_new_card_and_the_open_invoice_make_a_past_due_plan_active(fake, subscription, portal, person):
    person.fail_payment(subscription.id)
    assert fake.subscription(subscription.customer).status == "past_due"
    assert "The last payment failed" in requests.get(portal, timeout=10).text
    assert person.in_portal(portal, "pay").headers["Location"].endswith("?done=unpaid")
    refused = person.change_card(portal, DECLINED)
    assert (refused.status_code, "declined" in refused.text) == (402, True)
    assert person.change_card(portal, MASTERCARD).status_code == 303
    assert "Mastercard ending in 4444" in requests.get(portal, timeout=10).text
    assert fake.subscription(subscription.customer).status == "past_due"
    assert person.in_portal(portal, "pay").headers["Location"].endswith("?done=paid")
    assert fake.subscription(subscription.customer).status == "active"
    assert requests.post(f"{portal}/pay", timeout=10).status_code == 410
    person.end_period(subscription.id)
    assert fake.subscription(subscription.customer).status == "active"


def test_payments_fail_until_the_card_is_changed(fake, subscription, person):
    person.fail_payment(subscription.id)
    person.end_period(subscription.id)
    assert fake.subscription(subscription.customer).status == "past_due"


def test_asking_about_a_cancellation_changes_nothing(fake, subscription, portal):
    assert "Cancel the plan?" in requests.get(f"{portal}/cancel", timeout=10).text
    assert requests.get(f"{portal}/renew", timeout=10).status_code == 405
    assert fake.subscription(subscription.customer).cancel_at_period_end is False


def test_a_portal_is_of_one_customer(fake, subscription):
    eve = fake.api.customers.create({"email": "eve@lab.example"})
    portal = fake.api.billing_portal.sessions.create({"customer": eve.id, "return_url": SITE}).url
    page = requests.get(portal, timeout=10).text
    assert "There is no current plan." in page
    assert f'href="{SITE}"' in page
    assert requests.post(f"{portal}/cancel", timeout=10).status_code == 410
