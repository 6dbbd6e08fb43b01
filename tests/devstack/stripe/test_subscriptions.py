"""A subscription's life after Checkout: renewed, failing, recovered, cancelled; and the Portal."""

import pytest
import requests
import stripe

from devstack.stripe.billing import ATTEMPTS
from devstack.stripe.client import DECLINED, FAILS_LATER, NotPaid
from tests.devstack.stripe.conftest import SITE


def now_is(fake, subscription):
    return fake.api.subscriptions.retrieve(subscription.id)


def end_of(subscription):
    return subscription["items"].data[0].current_period_end


def types_since(fake, count):
    """The types of events after the first `count`, in their order."""
    return [one.type for one in fake.api.events.list({"limit": 100}).data][::-1][count:]


@pytest.fixture
def before(fake, subscription):
    return len(fake.api.events.list({"limit": 100}).data)


def tick(fake, at):
    with fake.service.store.lock:
        fake.service.clock.tick(at)


# --- Time


def test_a_period_that_ends_is_followed_by_the_next(fake, subscription, before):
    end = end_of(subscription)
    tick(fake, end - 1)
    assert end_of(now_is(fake, subscription)) == end
    tick(fake, end)
    renewed = now_is(fake, subscription)
    assert (renewed.status, renewed["items"].data[0].current_period_start) == ("active", end)
    assert end_of(renewed) == end + 30 * 24 * 3600
    assert types_since(fake, before) == [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    assert fake.api.invoices.retrieve(renewed.latest_invoice).billing_reason == "subscription_cycle"
    assert renewed.latest_invoice != subscription.latest_invoice
    (updated,) = fake.api.events.list({"type": "customer.subscription.updated"}).data
    assert set(updated.data.previous_attributes.to_dict()) == {"items", "latest_invoice"}
    assert updated["request"]["id"] is None


def test_a_trial_ends_in_the_first_payment(fake, shopper):
    session = fake.session(customer_email="ada@lab.example", subscription_data={"trial_period_days": 3})
    shopper.pay(session.url)
    trial = fake.api.subscriptions.list().data[0]
    tick(fake, trial.trial_end)
    active = now_is(fake, trial)
    assert (active.status, active.trial_end) == ("active", trial.trial_end)
    assert fake.api.invoices.retrieve(active.latest_invoice).amount_paid == 2900


def test_a_failed_renewal_is_past_due_is_tried_again_and_ends(fake, subscription, before, control):
    failed = control.fail_payment(subscription.id)
    assert failed["status"] == "past_due"
    assert types_since(fake, before)[0] == "customer.subscription.updated"
    assert types_since(fake, before)[-1] == "invoice.payment_failed"
    for attempt in range(2, ATTEMPTS + 1):
        invoice = fake.api.invoices.retrieve(failed["latest_invoice"])
        assert (invoice.status, invoice.attempt_count) == ("open", attempt - 1)
        tick(fake, invoice.next_payment_attempt - 1)
        assert fake.api.invoices.retrieve(invoice.id).attempt_count == attempt - 1
        tick(fake, invoice.next_payment_attempt)
    over = now_is(fake, subscription)
    assert (over.status, over.cancellation_details.reason) == ("canceled", "payment_failed")
    assert fake.api.invoices.retrieve(failed["latest_invoice"]).next_payment_attempt is None
    assert types_since(fake, before).count("customer.subscription.deleted") == 1


def test_end_period_renews_or_ends(fake, subscription, control):
    first = now_is(fake, subscription)
    assert control.end_period(subscription.id)["status"] == "active"
    assert now_is(fake, subscription).latest_invoice != first.latest_invoice
    fake.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert control.end_period(subscription.id)["status"] == "canceled"
    assert requests.post(f"{control.url}/subscriptions/{subscription.id}/end_period", timeout=10).status_code == 400


# --- The API


def test_cancel_at_the_periods_end_and_take_it_back(fake, subscription, before):
    update = fake.api.subscriptions.update
    leaving = update(subscription.id, {"cancel_at_period_end": True})
    assert (leaving.status, leaving.cancel_at_period_end) == ("active", True)
    assert leaving.cancel_at == end_of(subscription)
    assert leaving.canceled_at
    assert leaving.cancellation_details.reason == "cancellation_requested"
    staying = update(subscription.id, {"cancel_at_period_end": False})
    assert (staying.cancel_at, staying.canceled_at, staying.cancellation_details.reason) == (None, None, None)
    update(subscription.id, {"cancel_at_period_end": True})
    tick(fake, end_of(subscription))
    over = now_is(fake, subscription)
    assert (over.status, over.ended_at is not None) == ("canceled", True)
    assert types_since(fake, before) == [*["customer.subscription.updated"] * 3, "customer.subscription.deleted"]
    assert fake.api.subscriptions.list({"customer": over.customer}).data == []
    assert fake.api.subscriptions.list({"customer": over.customer, "status": "all"}).data[0].id == over.id


def test_cancel_at_once(fake, subscription, before):
    assert fake.api.subscriptions.cancel(subscription.id).status == "canceled"
    assert types_since(fake, before) == ["customer.subscription.deleted"]
    with pytest.raises(stripe.InvalidRequestError) as again:
        fake.api.subscriptions.cancel(subscription.id)
    assert again.value.http_status == 404
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        fake.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert fake.api.subscriptions.update(subscription.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"


def test_another_persons_card_is_not_taken(fake, subscription, shopper):
    other = fake.session(customer_email="eve@lab.example")
    shopper.pay(other.url)
    theirs = fake.api.subscriptions.list().data[0].default_payment_method
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        fake.api.subscriptions.update(subscription.id, {"default_payment_method": theirs})


# --- The Portal


def test_cancel_and_renew_in_the_portal(fake, subscription, portal, shopper):
    assert "Renews on" in requests.get(portal, timeout=10).text
    shopper.cancel(portal)
    leaving = now_is(fake, subscription)
    assert (leaving.status, leaving.cancel_at_period_end, leaving.cancel_at) == ("active", True, end_of(subscription))
    assert "Cancels on" in requests.get(portal, timeout=10).text
    with pytest.raises(NotPaid, match="no link"):
        shopper.cancel(portal)
    shopper.renew(portal)
    assert now_is(fake, subscription).cancel_at_period_end is False
    assert shopper.back_to_site(portal) == SITE


def test_asking_about_a_cancellation_changes_nothing(fake, subscription, portal):
    assert requests.get(f"{portal}/cancel", timeout=10).ok
    assert requests.get(f"{portal}/renew", timeout=10).status_code == 405
    assert now_is(fake, subscription).cancel_at_period_end is False


def test_a_new_card_and_the_open_invoice_make_a_past_due_plan_active(fake, subscription, portal, shopper, control):
    control.fail_payment(subscription.id)
    assert "The last payment failed" in requests.get(portal, timeout=10).text
    with pytest.raises(NotPaid, match="payment failed"):
        shopper.pay_invoice(portal)
    with pytest.raises(NotPaid, match="declined"):
        shopper.change_card(portal, DECLINED)
    shopper.change_card(portal, "5555555555554444")
    assert "Mastercard ending in 4444" in requests.get(portal, timeout=10).text
    assert now_is(fake, subscription).status == "past_due"
    shopper.pay_invoice(portal)
    active = now_is(fake, subscription)
    assert active.status == "active"
    assert fake.api.invoices.retrieve(active.latest_invoice).status == "paid"


def test_a_card_that_fails_later_fails_the_renewal(fake, subscription, portal, shopper, control):
    shopper.change_card(portal, FAILS_LATER)
    assert control.end_period(subscription.id)["status"] == "past_due"


def test_invoices_are_shown(fake, subscription, portal, control):
    control.end_period(subscription.id)
    assert requests.get(portal, timeout=10).text.count("<td>$29.00</td>") == 2
    for invoice in fake.api.invoices.list().data:
        page = requests.get(invoice.hosted_invoice_url, timeout=10).text
        assert invoice.number in page
        assert "$29.00" in page


def test_one_customers_portal_does_not_pay_anothers_invoice(fake, subscription, control):
    control.fail_payment(subscription.id)
    eve = fake.api.customers.create({"email": "eve@lab.example"})
    portal = fake.api.billing_portal.sessions.create({"customer": eve.id}).url
    invoice = now_is(fake, subscription).latest_invoice
    assert requests.post(f"{portal}/invoices/{invoice}/pay", timeout=10).status_code == 410
    page = requests.get(portal, timeout=10).text
    assert "There is no current plan." in page
    assert invoice not in page
