"""The hosted Checkout page: paid, declined, authenticated, abandoned; and what is at Stripe afterwards."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from devstack.stripe.cards import NOT_AUTHENTICATED
from devstack.stripe.client import NotPaid, Shopper
from tests.support.stripe_process import AUTHENTICATES, DECLINED, SITE


def nothing_was_sold(fake, session):
    again = fake.api.checkout.sessions.retrieve(session.id)
    assert (again.status, again.payment_status, again.subscription) == ("open", "unpaid", None)
    assert fake.api.subscriptions.list({"status": "all"}).data == []
    return True


def test_a_good_card_subscribes(fake, person, customer):
    session = fake.session(
        customer,
        client_reference_id="7",
        metadata={"purpose": "upgrade"},
        subscription_data={"metadata": {"user": "7"}},
    )
    assert session.url.startswith(f"{fake.url}/c/pay/cs_test_")
    assert person.pay(session.url).headers["Location"] == f"{SITE}/back?session={session.id}"

    paid = fake.api.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.client_reference_id, paid.metadata["purpose"]) == ("7", "upgrade")
    assert (paid.customer_details.name, paid.customer_details.email) == ("Ada", "ada@lab.example")
    bought = fake.subscription(customer)
    assert (bought.id, bought.latest_invoice) == (paid.subscription, paid.invoice)
    assert (bought.status, bought.customer, bought.metadata["user"]) == ("active", customer, "7")
    (item,) = bought["items"].data
    assert item.current_period_end - item.current_period_start == 30 * 24 * 3600
    assert not hasattr(bought, "current_period_end")
    told = person.events()
    assert [one["type"] for one in told[::-1]] == ["customer.subscription.created", "checkout.session.completed"]
    assert person.payload(told[0]["id"])["data"]["object"]["status"] == "complete"


def test_the_shopper_of_the_scenarios_pays_or_says_why_not(fake, customer):
    session = fake.session(customer)
    with Shopper() as shopper:
        with pytest.raises(NotPaid, match=r"^Your card was declined\.$"):
            shopper.pay(session.url, card=DECLINED)
        assert nothing_was_sold(fake, session)
        assert shopper.pay(session.url) == f"{SITE}/back?session={session.id}"
        with pytest.raises(NotPaid, match="This payment is complete"):
            shopper.pay(session.url)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number": "4012888888881881"}, "not a test card"),
        ({"number": "4000 0000 0000 9995"}, "insufficient funds"),
        ({"expiry": "13/34"}, "expiration date is incomplete"),
        ({"cvc": "12"}, "security code is incomplete"),
        ({"name": " "}, "Enter the name on the card."),
    ],
)
def test_a_wrong_card_is_refused_with_a_message_next_to_its_field(fake, person, customer, fields, message):
    session = fake.session(customer)
    answer = person.pay(session.url, **fields)
    field = next(iter(fields))
    assert answer.status_code == 402
    shown = answer.text.split(f'id="{field}-problem"')[1].split("</span>")[0].replace("&#39;", "'")
    assert message in shown
    assert nothing_was_sold(fake, session)


def test_what_was_typed_is_shown_as_text(fake, person, customer):
    assert "<b>x</b>" not in person.pay(fake.session(customer).url, "1", name='"><b>x</b>').text


def test_only_the_last_four_digits_of_a_card_are_kept(fake, subscription):
    everything = f"{fake.billing.store._objects} {fake.billing._payments}"
    assert "4242" in everything
    assert "42424242" not in everything


def test_three_d_secure_completes(fake, person, customer):
    session = fake.session(customer)
    assert person.pay(session.url, AUTHENTICATES).headers["Location"] == f"/c/pay/{session.id}/authenticate"
    assert nothing_was_sold(fake, session)
    assert person.authenticate(session.url, "complete").headers["Location"].startswith(f"{SITE}/back")
    assert fake.api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_three_d_secure_fails_and_leads_back(fake, person, customer):
    session = fake.session(customer)
    person.pay(session.url, AUTHENTICATES)
    back = person.authenticate(session.url, "fail").headers["Location"]
    assert NOT_AUTHENTICATED in requests.get(f"{fake.url}{back}", timeout=10).text
    assert nothing_was_sold(fake, session)
    assert person.authenticate(session.url, "complete").status_code == 400  # no payment waits any more
    assert nothing_was_sold(fake, session)


def test_who_pays_twice_at_once_subscribes_once(fake, person, customer, slow_store):
    session = fake.session(customer)
    with ThreadPoolExecutor(8) as many:
        answers = sorted(many.map(lambda _: person.pay(session.url).status_code, range(8)))
    assert answers == [303, *[410] * 7]
    assert len(fake.api.subscriptions.list().data) == 1


def test_an_expired_session_cannot_be_paid(fake, person, customer):
    session = fake.session(customer)
    assert fake.api.checkout.sessions.expire(session.id).status == "expired"
    assert person.pay(session.url).status_code == 410
    with pytest.raises(stripe.InvalidRequestError):
        fake.api.checkout.sessions.expire(session.id)


def test_a_customer_who_was_deleted_in_the_meantime_cannot_pay(fake, person, customer):
    session = fake.session(customer)
    fake.api.customers.delete(customer)
    answer = person.pay(session.url)
    assert (answer.status_code, "No such customer" in answer.text) == (400, True)


def test_the_page_links_back_and_says_that_it_is_a_test(fake, customer):
    page = requests.get(fake.session(customer).url, timeout=10).text
    assert re.search(rf'<a href="{SITE}/plan">[^<]*Back', page)
    assert "Test mode — nothing is charged" in page
    assert requests.get(f"{fake.url}/c/pay/cs_test_none", timeout=10).status_code == 404
