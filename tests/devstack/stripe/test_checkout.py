"""The hosted Checkout page: paid, declined, authenticated, abandoned; and what is at Stripe afterwards."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from devstack.stripe import PRICE
from devstack.stripe.cards import NOT_AUTHENTICATED
from devstack.stripe.client import AUTHENTICATES, DECLINED, FAILS_LATER, NotPaid, Shopper
from tests.devstack.stripe.conftest import SITE


def nothing_was_sold(fake, session):
    again = fake.api.checkout.sessions.retrieve(session.id)
    assert (again.status, again.payment_status, again.subscription) == ("open", "unpaid", None)
    assert fake.api.subscriptions.list({"status": "all"}).data == []
    assert fake.api.invoices.list().data == []
    assert fake.api.payment_methods.list().data == []
    return True


def test_a_good_card_subscribes(fake, shopper, customer):
    session = fake.session(
        customer=customer.id,
        client_reference_id="7",
        metadata={"purpose": "upgrade"},
        subscription_data={"metadata": {"user": "7"}},
    )
    assert session.url.startswith(f"{fake.url}/c/pay/cs_test_")
    assert shopper.pay(session.url) == f"{SITE}/back?session={session.id}"

    paid = fake.api.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "invoice", "line_items"]})
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.client_reference_id, paid.metadata["purpose"]) == ("7", "upgrade")
    assert paid.customer_details.name == "Ada Lovelace"
    (line,) = paid.line_items.data
    assert (line.price.id, line.amount_total) == (PRICE, 2900)
    bought = paid.subscription
    assert (bought.status, bought.customer, bought.metadata["user"]) == ("active", customer.id, "7")
    (item,) = bought["items"].data
    assert item.current_period_end - item.current_period_start == 30 * 24 * 3600
    assert not hasattr(bought, "current_period_end")
    invoice = paid.invoice
    assert (invoice.id, invoice.status, invoice.amount_paid) == (bought.latest_invoice, "paid", 2900)
    assert invoice.parent.subscription_details.subscription == bought.id
    assert fake.api.payment_methods.retrieve(bought.default_payment_method).customer == customer.id


def test_a_sale_is_told_in_stripes_order(fake, subscription):
    told = [one.type for one in fake.api.events.list({"limit": 100}).data][::-1]
    assert told == [
        "customer.created",
        "payment_method.attached",
        "customer.updated",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "checkout.session.completed",
    ]
    invoices = fake.api.events.list({"types": ["invoice.created", "invoice.paid"]}).data
    states = {one.type: one.data.object["status"] for one in invoices}
    assert states == {"invoice.created": "draft", "invoice.paid": "paid"}  # each as it was then


def test_who_is_no_customer_becomes_one(fake, shopper):
    named = fake.session(customer_email="eve@lab.example")
    shopper.pay(named.url)
    asked = fake.session()
    shopper.pay(asked.url, email="bob@lab.example")
    assert {one.email for one in fake.api.customers.list().data} == {"eve@lab.example", "bob@lab.example"}
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        fake.session(customer="cus_1", customer_email="eve@lab.example")


def test_a_declined_card_stays_on_the_page_and_another_one_pays(fake, shopper):
    session = fake.session(customer_email="ada@lab.example")
    with pytest.raises(NotPaid, match=r"^Your card was declined\.$"):
        shopper.pay(session.url, card=DECLINED)
    assert nothing_was_sold(fake, session)
    shopper.pay(session.url)
    assert fake.api.checkout.sessions.retrieve(session.id).status == "complete"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number": "4242 4242 4242 4241"}, "Your card number is invalid."),
        ({"number": "4012888888881881"}, "not a test card"),
        ({"number": FAILS_LATER}, "Your card was declined."),
        ({"number": "4000 0000 0000 9995"}, "insufficient funds"),
        ({"expiry": "01/20"}, "expiration date is in the past"),
        ({"expiry": "13/34"}, "expiration date is incomplete"),
        ({"cvc": "12"}, "security code is incomplete"),
        ({"name": " "}, "Enter the name on the card."),
    ],
)
def test_a_wrong_card_is_refused_with_a_message_beside_its_field(fake, fields, message):
    session = fake.session(customer_email="ada@lab.example")
    typed = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Ada"} | fields
    answer = requests.post(session.url, data=typed, timeout=10)
    field = next(iter(fields))
    assert answer.status_code == 402
    shown = answer.text.split(f'id="{field}-problem"')[1].split("</span>")[0].replace("&#39;", "'")
    assert message in shown
    assert nothing_was_sold(fake, session)


def test_what_was_typed_is_shown_as_text(fake):
    session = fake.session(customer_email="ada@lab.example")
    answer = requests.post(session.url, data={"number": "1", "name": '"><b>x</b>'}, timeout=10)
    assert "<b>x</b>" not in answer.text


def test_nothing_of_a_card_is_kept_but_its_last_four_digits(fake, subscription):
    store = fake.service.store
    everything = "".join(str(list(store.all(kind))) for kind in store._objects) + str(store._hidden)
    assert "4242" in everything
    assert "42424242" not in everything


def test_three_d_secure_completes(fake, shopper):
    session = fake.session(customer_email="ada@lab.example")
    page = shopper.pay(session.url, card=AUTHENTICATES, authenticate=None)
    assert page == f"{session.url}/authenticate"
    assert nothing_was_sold(fake, session)
    assert shopper.pay(session.url, card=AUTHENTICATES).startswith(f"{SITE}/back")
    assert fake.api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_three_d_secure_fails_and_leads_back(fake, shopper):
    session = fake.session(customer_email="ada@lab.example")
    with pytest.raises(NotPaid) as failed:
        shopper.pay(session.url, card=AUTHENTICATES, authenticate=False)
    assert str(failed.value) == NOT_AUTHENTICATED
    assert nothing_was_sold(fake, session)
    late = requests.post(f"{session.url}/authenticate", data={"result": "complete"}, timeout=10, allow_redirects=False)
    assert late.status_code == 400  # nothing waits any more
    assert nothing_was_sold(fake, session)


def test_a_trial_costs_nothing_yet(fake, shopper):
    session = fake.session(customer_email="ada@lab.example", subscription_data={"trial_period_days": 14})
    shopper.pay(session.url, card=FAILS_LATER)
    paid = fake.api.checkout.sessions.retrieve(session.id, {"expand": ["subscription.latest_invoice"]})
    assert (paid.payment_status, paid.subscription.status) == ("no_payment_required", "trialing")
    assert (paid.subscription.latest_invoice.amount_due, paid.subscription.latest_invoice.status) == (0, "paid")
    assert paid.subscription.trial_end == paid.subscription["items"].data[0].current_period_end
    assert paid.subscription.trial_end - paid.subscription.trial_start == 14 * 24 * 3600


def test_the_back_link_leads_to_the_cancel_url(fake, shopper):
    assert shopper.back(fake.session().url) == f"{SITE}/plan"


def test_who_pays_twice_at_once_subscribes_once(fake, customer, slow_store):
    session = fake.session(customer=customer.id)
    form = {"number": "4242424242424242", "expiry": "12/34", "cvc": "123", "name": "Ada"}

    def post(_):
        return requests.post(session.url, data=form, timeout=30, allow_redirects=False).status_code

    with ThreadPoolExecutor(8) as many:
        assert sorted(many.map(post, range(8))) == [303, *[410] * 7]
    assert len(fake.api.subscriptions.list().data) == 1


def test_a_session_that_is_over_cannot_be_paid(fake, shopper, customer):
    session = fake.session(customer=customer.id)
    assert fake.api.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(NotPaid, match="expired"):
        shopper.pay(session.url)
    with pytest.raises(stripe.InvalidRequestError):
        fake.api.checkout.sessions.expire(session.id)
    late = fake.session(customer=customer.id)
    with fake.service.store.lock:
        fake.service.clock.tick(late.expires_at)
    with pytest.raises(NotPaid, match="expired"):
        shopper.pay(late.url)
    assert len(fake.api.events.list({"type": "checkout.session.expired"}).data) == 2


def test_a_customer_who_was_deleted_meanwhile_cannot_pay(fake, customer):
    session = fake.session(customer=customer.id)
    fake.api.customers.delete(customer.id)
    with Shopper() as shopper, pytest.raises(NotPaid, match="No such customer"):
        shopper.pay(session.url)


def test_pages_load_nothing_from_elsewhere_and_say_what_they_are(fake):
    answer = requests.get(fake.session().url, timeout=10)
    assert "Test mode — nothing is charged" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert requests.get(f"{fake.url}/c/pay/cs_test_none", timeout=10).status_code == 404
