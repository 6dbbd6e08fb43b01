"""The pages of plans: on to Stripe and back. They change nothing, tell nobody anything of others, and end well."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from gas.subscriptions import stripe, tending
from gas.subscriptions.addresses import update_customer
from gas.subscriptions.models import Billing, CustomerRemoval, PlanChange
from gas.users.deletion import delete_account
from gas.users.models import User
from tests.support.stripe_process import AUTHENTICATES, DECLINED, StripeProcess
from tests.support.subscribers import Subscriber, standing, until, words

pytestmark = pytest.mark.django_db(transaction=True)


def subscriptions(subscriber: Subscriber) -> int:
    found = subscriber.stripe.api("GET", "subscriptions", customer=subscriber.billing.customer_id, status="all")
    return len(found["data"])


def test_both_plans_are_shown_with_their_limits_and_stripes_price(subscriber: Subscriber) -> None:
    said = words(subscriber.client)
    for part in ("Free", "150 KB", "1 job at a time", "Premium", "5 GB", "never archived", "29.00 USD a month"):
        assert part in said
    assert "Upgrade to Premium" in said


def test_the_price_is_asked_for_once_in_a_while(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    words(subscriber.client)
    settings.STRIPE_SECRET_KEY = "sk_test_" + "refused" * 4  # a new client, so a new connection, if any is made
    monkeypatch.setattr(stripe, "retrieve_price", lambda: pytest.fail("asked again"))
    assert "29.00 USD" in words(subscriber.client)


def test_a_second_press_on_upgrade_leads_to_the_same_page(subscriber: Subscriber) -> None:
    assert subscriber.checkout() == subscriber.checkout()


def test_two_presses_at_the_same_time_lead_to_the_same_page(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookies, real, barrier = subscriber.client.cookies, stripe.latest_checkout, threading.Barrier(4)

    def all_look_before_one_acts(customer_id: str) -> Any:
        found = real(customer_id)
        barrier.wait(30)
        return found

    monkeypatch.setattr(stripe, "latest_checkout", all_look_before_one_acts)

    def press(_: int) -> str:
        client = Client()
        client.cookies = cookies
        try:
            return client.post("/plan/checkout/")["Location"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(press, range(4)))) == 1
    assert Billing.objects.count() == 1


def test_who_has_a_subscription_gets_no_second_one_though_no_webhook_has_come(subscriber: Subscriber) -> None:
    subscriber.subscribe(webhooks="drop")
    assert standing(subscriber.user) == ("free", "")
    assert "/p/session/" in subscriber.checkout()  # the portal
    assert subscriptions(subscriber) == 1
    # Having found the subscription, it is read, too: the webhook is not waited for any longer.
    assert standing(subscriber.user) == ("premium", "active")


def test_a_page_of_an_old_price_cannot_be_paid_on_any_more(subscriber: Subscriber, settings: Settings) -> None:
    old = subscriber.checkout()
    settings.SITE_URL += "/moved"
    assert subscriber.checkout() != old
    assert subscriber.stripe.pay(old).status_code == 410


def test_after_it_was_left_there_is_a_new_page_to_pay_on(subscriber: Subscriber) -> None:
    first = subscriber.checkout()
    subscriber.stripe.api("POST", f"checkout/sessions/{first.rpartition('/')[2]}/expire")
    second = subscriber.checkout()
    assert second != first
    assert subscriber.stripe.pay(second).status_code == 303
    until(subscriber.user, "premium", "active")


def test_a_customer_who_was_deleted_at_stripe_is_made_anew(subscriber: Subscriber) -> None:
    subscriber.checkout()
    before = subscriber.billing.customer_id
    subscriber.stripe.api("DELETE", f"customers/{before}")
    subscriber.subscribe()
    assert subscriber.billing.customer_id != before


def test_who_deletes_their_account_meanwhile_does_not_stay_at_stripe(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = stripe.create_customer, []

    def slow(user: User, **more: Any) -> str:
        made.append(real(user, **more))
        delete_account(User.objects.get(pk=user.pk))
        return made[0]

    monkeypatch.setattr(stripe, "create_customer", slow)
    answer = subscriber.client.post("/plan/checkout/")
    assert (answer.status_code, answer["Location"]) == (302, "/plan/")
    assert subscriber.stripe.api("GET", f"customers/{made[0]}").get("deleted")
    assert CustomerRemoval.objects.get().customer_id == made[0]


def test_a_failure_that_stripe_remembers_is_over_within_the_hour(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the same key Stripe gives the same answer for a day."""
    subscriber.checkout()
    customer, noon = subscriber.billing.customer_id or "", datetime(2026, 11, 21, 12, 5, tzinfo=UTC)

    def page_at(now: datetime) -> str:
        monkeypatch.setattr("gas.subscriptions.stripe.timezone.now", lambda: now)
        pages = {"success_url": "http://testserver/a", "cancel_url": "http://testserver/b"}
        return stripe.create_checkout(subscriber.user, customer, **pages).id

    first = page_at(noon)
    assert page_at(noon + timedelta(minutes=50)) == first
    assert page_at(noon + timedelta(hours=1)) != first
    assert page_at(noon + timedelta(days=1)) != first


def test_stripe_learns_of_a_new_address(subscriber: Subscriber, settings: Settings) -> None:
    subscriber.checkout()
    user, there = subscriber.user, settings.STRIPE_API_BASE
    user.emailaddress_set.create(email="ada@new.example", verified=True, primary=False)

    def at_stripe() -> str:
        return str(subscriber.stripe.api("GET", f"customers/{subscriber.billing.customer_id}")["email"])

    def choose(address: str) -> None:
        subscriber.client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
        subscriber.client.post("/accounts/email/", {"action_primary": "", "email": address})
        assert User.objects.get(pk=user.pk).email == address

    choose("ada@new.example")
    assert at_stripe() == "ada@new.example"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    choose("ada@lab.example")  # the person does not wait for Stripe, and does not see its failures
    settings.STRIPE_API_BASE = there
    assert at_stripe() == "ada@new.example"
    Billing.objects.update(email_due_at=timezone.now() - timedelta(seconds=settings.RESEND_AFTER_SECONDS + 1))
    assert tending.tend()["addresses"] == 1  # however often Stripe did not answer
    assert at_stripe() == "ada@lab.example"
    assert tending.tend()["addresses"] == 0
    subscriber.stripe.api("DELETE", f"customers/{subscriber.billing.customer_id}")
    User.objects.filter(pk=user.pk).update(email="ada@late.example")
    update_customer(subscriber.billing.pk)  # nobody is there to be told, and that is no trouble


def test_an_address_that_changes_while_stripe_is_told_is_told_too(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriber.checkout()
    real = stripe.update_customer

    def slow(customer_id: str, email: str) -> None:
        monkeypatch.setattr(stripe, "update_customer", real)
        User.objects.update(email="ada@newest.example")
        real(customer_id, email)

    monkeypatch.setattr(stripe, "update_customer", slow)
    User.objects.update(email="ada@new.example")
    update_customer(subscriber.billing.pk)
    found = subscriber.stripe.api("GET", f"customers/{subscriber.billing.customer_id}")
    assert found["email"] == "ada@newest.example"


def test_a_declined_card_leaves_everything_as_it_is(subscriber: Subscriber) -> None:
    page = subscriber.checkout()
    refused = subscriber.stripe.pay(page, DECLINED)
    assert refused.status_code == 402
    assert "declined" in refused.text
    assert standing(subscriber.user) == ("free", "")
    assert subscriber.stripe.pay(page).status_code == 303  # with another card, on the same page
    until(subscriber.user, "premium", "active")
    assert subscriptions(subscriber) == 1


def test_an_abandoned_authentication_leaves_everything_as_it_is(subscriber: Subscriber) -> None:
    page = subscriber.checkout()
    assert subscriber.stripe.pay(page, AUTHENTICATES).headers["Location"].endswith("/authenticate")
    subscriber.stripe.authenticate(page, "fail")
    said = words(subscriber.client, "/plan/?payment=left")
    assert "was not completed, and nothing was charged" in said
    assert "Upgrade to Premium" in said
    subscriber.settled()
    assert subscriber.user.plan == User.objects.get(pk=subscriber.user.pk).plan == "free"
    assert not PlanChange.objects.exists()


def test_coming_back_grants_nothing_and_waits_for_the_webhook(subscriber: Subscriber) -> None:
    subscriber.stripe.webhooks("hold")
    back = urlsplit(subscriber.stripe.pay(subscriber.checkout()).headers["Location"])
    address = f"{back.path}?{back.query}"
    assert "Payment received" in words(subscriber.client, address)
    assert subscriber.client.get("/plan/back/live/").status_code == 200  # goes on asking
    assert standing(subscriber.user) == ("free", "")
    subscriber.stripe.webhooks("send")
    until(subscriber.user, "premium", "active")
    live = subscriber.client.get("/plan/back/live/")
    assert live.status_code == 286
    page = live.content.decode()
    assert "You are premium" in page
    assert "Upgrade" not in page  # the header, too, which comes along


@pytest.mark.parametrize(
    "session", ["", "cs_test_", "nonsense", "cs_test_doesnotexist00", "../../../v1/account", "cs_%00"]
)
def test_without_a_payment_there_is_nothing_to_wait_for(subscriber: Subscriber, session: str) -> None:
    subscriber.checkout()
    answer = subscriber.client.get("/plan/back/", {"session_id": session})
    assert (answer.status_code, answer["Location"]) == (302, "/plan/")


def test_an_open_session_is_no_payment(subscriber: Subscriber) -> None:
    session = subscriber.checkout().rpartition("/")[2]
    assert subscriber.client.get("/plan/back/", {"session_id": session}).status_code == 302


def test_somebody_elses_payment_tells_nothing(
    subscriber: Subscriber, stranger: User, browser_of: Callable[[User], Client]
) -> None:
    session = subscriber.checkout().rpartition("/")[2]
    subscriber.stripe.pay(f"{subscriber.stripe.url}/c/pay/{session}")
    until(subscriber.user, "premium", "active")
    thief = Subscriber(stranger, browser_of(stranger), subscriber.stripe)
    never_paid = thief.client.get("/plan/back/", {"session_id": session})
    thief.checkout()  # and as a customer, too
    is_customer = thief.client.get("/plan/back/", {"session_id": session})
    unknown = thief.client.get("/plan/back/", {"session_id": "cs_test_doesnotexist00"})
    for answer in (never_paid, is_customer, unknown):
        assert (answer.status_code, answer["Location"], answer.content) == (302, "/plan/", b"")
    assert standing(stranger) == ("free", "")


@pytest.mark.parametrize("address", ["/plan/checkout/", "/plan/portal/"])
def test_nothing_of_the_request_decides_where_it_goes(subscriber: Subscriber, address: str) -> None:
    subscriber.subscribe()
    evil = "https://evil.example/"
    fields = {"next": evil, "url": evil, "return_url": evil, "success_url": evil, "customer": "cus_other", "plan": "x"}
    answer = subscriber.client.post(f"{address}?next={evil}", fields, headers={"Referer": evil})
    assert answer["Location"].startswith(subscriber.stripe.url + "/")
    portal = subscriber.stripe.session.get(answer["Location"], headers={"Accept": "text/html"}, timeout=10).text
    assert "evil.example" not in portal


@pytest.mark.parametrize("address", ["/plan/checkout/", "/plan/portal/"])
def test_a_get_changes_nothing(subscriber: Subscriber, address: str) -> None:
    assert subscriber.client.get(address).status_code == 405


@pytest.mark.parametrize("address", ["/plan/", "/plan/checkout/", "/plan/portal/", "/plan/back/", "/plan/back/live/"])
def test_who_is_not_signed_in_signs_in_first(db: None, address: str) -> None:
    for answer in (Client().get(address), Client().post(address)):
        assert answer["Location"].startswith("/accounts/login/")


def test_a_form_that_another_site_sends_is_refused(subscriber: Subscriber) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = subscriber.client.cookies
    assert strict.post("/plan/checkout/").status_code == 403


def test_the_policy_lets_forms_lead_to_stripe_and_nowhere_else(
    person: User, browser_of: Callable[[User], Client]
) -> None:
    policy = browser_of(person).get("/plan/")["Content-Security-Policy"]
    found = next(part for part in policy.split("; ") if part.startswith("form-action"))
    assert found == "form-action 'self' https://checkout.stripe.com https://billing.stripe.com"


def test_without_a_key_the_pages_say_so(person: User, browser_of: Callable[[User], Client]) -> None:
    client = browser_of(person)
    assert "not set up on this site" in words(client)
    answer = client.post("/plan/checkout/", follow=True)
    assert "not available on this site" in answer.content.decode()
    assert not Billing.objects.exists()


def test_while_stripe_does_not_answer_the_pages_say_so_and_stay_usable(
    subscriber: Subscriber, settings: Settings
) -> None:
    subscriber.checkout()
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nobody is there
    assert "The price is shown before you pay" in words(subscriber.client)
    for address in ("/plan/checkout/", "/plan/portal/"):
        page = subscriber.client.post(address, follow=True).content.decode()
        assert "payment provider does not answer" in page
    waiting = subscriber.client.get("/plan/back/", {"session_id": "cs_test_whichever0000"})
    assert "Payment received" not in waiting.content.decode()
    assert standing(subscriber.user) == ("free", "")


def test_a_cancelled_subscription_says_until_when(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    assert "subscription renews on" in words(subscriber.client)
    subscriber.cancel()
    subscriber.wait(lambda billing: billing.ends_at is not None)
    day = subscriber.billing.ends_at
    assert f"Premium until {day.day} {day:%B}" in words(subscriber.client)


def test_a_missing_payment_is_told_with_the_way_to_change_the_card(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    subscriber.stripe.fail_payment(subscriber.subscription)
    until(subscriber.user, "premium", "past_due")
    said = words(subscriber.client)
    assert "did not go through" in said
    assert "Change the card" in said


def test_nobody_elses_subscription_is_managed(
    subscriber: Subscriber, stranger: User, browser_of: Callable[[User], Client]
) -> None:
    subscriber.subscribe()
    answer = browser_of(stranger).post("/plan/portal/", follow=True)
    assert "no subscription to manage" in answer.content.decode()


def test_stripes_own_fault_is_not_the_customers(billing_on: StripeProcess, person: User, settings: Settings) -> None:
    """A price that does not exist: said, and no second customer made for it."""
    settings.STRIPE_PRICE_ID = "price_that_is_not_there"
    from gas.subscriptions.checkout import subscribe_url

    with pytest.raises(stripe.BillingUnavailable):
        subscribe_url(person)
    before = Billing.objects.get().customer_id
    with pytest.raises(stripe.BillingUnavailable):
        subscribe_url(person)
    assert Billing.objects.get().customer_id == before
