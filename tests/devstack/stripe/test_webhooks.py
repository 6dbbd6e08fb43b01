"""Webhooks: signed, tried again, held back, lost and sent by hand."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from devstack.stripe import webhooks
from devstack.waiting import wait_for


def arrived(inbox, count):
    return wait_for(lambda: len(inbox.received) >= count, 20, f"{count} webhooks")


def test_every_event_comes_signed_and_as_it_is_stored(fake, inbox, subscription, control):
    events = control.settled()
    assert inbox.types == [one["type"] for one in reversed(events)]
    for body, signature in inbox.received:
        event = stripe.Webhook.construct_event(body, signature, inbox.secret)
        assert event.data.object.to_dict() == fake.api.events.retrieve(event.id).data.object.to_dict()
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signature, "whsec_other")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + " ", signature, inbox.secret)
    assert {one.pending_webhooks for one in fake.api.events.list({"limit": 100}).data} == {0}


def test_a_failure_is_tried_again_with_growing_pauses(fake, inbox, control, monkeypatch):
    pauses = []
    queue = fake.service.webhooks._queue
    monkeypatch.setattr(fake.service.webhooks, "_queue", lambda one, pause: (pauses.append(pause), queue(one, pause)))
    inbox.answers[:] = [500, 404, 302]
    fake.api.customers.create({})
    (event,) = control.settled()
    (delivery,) = event["deliveries"]
    assert delivery["state"] == "delivered"
    assert [one["status"] for one in delivery["attempts"]] == [500, 404, 302, 200]
    assert pauses == [0, 0.01, 0.02, 0.04]
    assert len({body for body, _ in inbox.received}) == 1


def test_a_failure_does_not_hold_up_what_comes_after_it(fake, inbox, control):
    fake.service.webhooks.first_pause = 0.5
    inbox.answers[:] = [500]
    first, second = fake.api.customers.create({}), fake.api.customers.create({})
    control.settled()
    assert [event["data"]["object"]["id"] for event in inbox.events] == [first.id, second.id, first.id]


def test_it_gives_up_in_the_end(fake, inbox, control):
    fake.service.webhooks.first_pause = 0.001
    inbox.answers[:] = [500] * webhooks.ATTEMPTS
    fake.api.customers.create({})
    (event,) = control.settled()
    assert event["deliveries"][0]["state"] == "failed"
    assert len(inbox.received) == webhooks.ATTEMPTS
    assert fake.api.events.list({"delivery_success": True}).data[0].id == event["id"]


def test_an_endpoint_that_nobody_answers_at_is_tried_again(fake, control):
    fake.service.webhooks.first_pause = 0.001
    fake.api.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    fake.api.customers.create({})
    (event,) = control.settled()
    assert {one["status"] for one in event["deliveries"][0]["attempts"]} == {0}
    assert {one["error"] for one in event["deliveries"][0]["attempts"]} == {"ConnectionError"}


def test_endpoints_get_what_they_asked_for(fake, inbox, control):
    update = fake.api.webhook_endpoints.update
    update(inbox.endpoint, {"enabled_events": ["customer.updated"]})
    customer = fake.api.customers.create({})
    fake.api.customers.update(customer.id, {"name": "Ada"})
    control.settled()
    assert inbox.types == ["customer.updated"]
    update(inbox.endpoint, {"disabled": True})
    fake.api.customers.update(customer.id, {"name": "Eve"})
    update(inbox.endpoint, {"disabled": False})
    fake.api.customers.update(customer.id, {"name": "Bob"})
    control.settled()
    assert [event["data"]["object"]["name"] for event in inbox.events] == ["Ada", "Bob"]
    fake.api.webhook_endpoints.delete(inbox.endpoint)
    fake.api.customers.update(customer.id, {"name": "Carol"})
    control.settled()
    assert len(inbox.received) == 2


def test_a_secret_is_told_once(fake, inbox):
    assert inbox.secret.startswith("whsec_")
    shown = fake.api.webhook_endpoints.retrieve(inbox.endpoint)
    assert "secret" not in shown
    assert "secret" not in fake.api.webhook_endpoints.list().data[0]
    assert inbox.secret not in requests.get(f"{fake.url}/_devstack/stripe", timeout=10).text


def test_held_back_they_wait_and_come_in_their_order(fake, inbox, control):
    control.webhooks("hold")
    made = [fake.api.customers.create({}).id for _ in range(5)]
    oldest = control.events()[-1]["id"]
    assert [one["status"] for one in control.resend(oldest)] == [200]
    assert len(inbox.received) == 1  # only the one that was sent by hand
    control.webhooks("send")
    control.settled()
    assert [event["data"]["object"]["id"] for event in inbox.events] == made


def test_lost_they_never_come_but_are_in_the_list(fake, inbox, control):
    control.webhooks("drop")
    fake.api.customers.create({"name": "lost"})
    control.settled()
    control.webhooks("send")
    fake.api.customers.create({"name": "sent"})
    control.settled()
    assert [event["data"]["object"]["name"] for event in inbox.events] == ["sent"]
    assert len(fake.api.events.list().data) == 2
    assert control.events()[-1]["deliveries"][0]["state"] == "dropped"


def test_the_same_one_many_times_at_once(fake, inbox, control):
    fake.api.customers.create({})
    (event,) = control.settled()
    with ThreadPoolExecutor(10) as many:
        answers = list(many.map(lambda _: control_again(fake, event["id"]), range(10)))
    assert [one["status"] for (one,) in answers] == [200] * 10
    assert len(inbox.received) == 11
    assert len({found["id"] for found in inbox.events}) == 1


def control_again(fake, event):
    return requests.post(f"{fake.url}/_devstack/stripe/events/{event}/resend", timeout=30).json()


def test_the_receiver_may_ask_back_while_it_works(fake, control, inbox, monkeypatch):
    """As dj-stripe does: a delivery that held the store's lock would wait for itself."""
    seen = []
    post = webhooks._post
    monkeypatch.setattr(
        webhooks, "_post", lambda *given: (seen.append(fake.api.customers.list().data[0].id), post(*given))[1]
    )
    made = fake.api.customers.create({})
    control.settled()
    assert seen == [made.id]


def test_the_control_page_is_one_for_people_too_and_takes_no_orders_from_other_sites(fake, subscription):
    page = f"{fake.url}/_devstack/stripe"
    shown = requests.get(page, headers={"Accept": "text/html"}, timeout=10)
    assert "customer.subscription.created" in shown.text
    browser = {"Accept": "text/html", "Origin": fake.url}
    pressed = requests.post(page, data={"webhooks": "hold"}, headers=browser, timeout=10, allow_redirects=False)
    assert (pressed.status_code, pressed.headers["Location"]) == (303, "/_devstack/stripe")
    assert requests.get(page, timeout=10).json()["webhooks"] == "hold"
    foreign = {"Origin": "http://evil.example"}
    assert requests.post(page, json={"webhooks": "drop"}, headers=foreign, timeout=10).status_code == 403
    assert requests.post(page, json={"webhooks": "nonsense"}, timeout=10).status_code == 400
    assert requests.get(f"{fake.url}/_devstack/health", timeout=10).json() == {"ok": True}
