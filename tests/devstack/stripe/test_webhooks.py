"""Webhooks: signed, tried again, held back, dropped and sent by hand."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from devstack.stripe import webhooks


def renew(person, subscription, times=1):
    for _ in range(times):
        person.end_period(subscription.id)


def test_every_event_comes_signed(inbox, subscription, person):
    events = person.settled()
    assert inbox.types == [one["type"] for one in reversed(events)]
    for body, signature in inbox.received:
        event = stripe.Webhook.construct_event(body, signature, inbox.secret)
        assert event.data.to_dict(for_json=True) == person.payload(event.id)["data"]
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signature, "whsec_other")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + " ", signature, inbox.secret)


def test_a_failure_is_tried_again_with_growing_pauses(fake, subscription, inbox, person, monkeypatch):
    pauses = []
    queue = fake.billing.webhooks._queue
    monkeypatch.setattr(fake.billing.webhooks, "_queue", lambda one, pause: (pauses.append(pause), queue(one, pause)))
    inbox.answers[:] = [500, 404, 302]
    renew(person, subscription)
    (delivery,) = person.settled()[0]["deliveries"]
    assert delivery["state"] == "delivered"
    assert [one["status"] for one in delivery["attempts"]] == [500, 404, 302, 200]
    assert pauses == [0, 0.01, 0.02, 0.04]
    assert len({body for body, _ in inbox.received}) == 1


def test_a_failure_does_not_delay_what_comes_after_it(fake, subscription, inbox, person):
    fake.billing.webhooks.first_pause = 0.5
    inbox.answers[:] = [500]
    renew(person, subscription, 2)
    second, first = (one["id"] for one in person.settled()[:2])
    assert [event["id"] for event in inbox.events] == [first, second, first]


def test_endpoints_get_what_they_asked_for(fake, subscription, inbox, person):
    update = fake.api.webhook_endpoints.update
    update(inbox.endpoint, {"enabled_events": ["customer.subscription.deleted"]})
    renew(person, subscription)
    person.settled()
    assert inbox.types == []
    update(inbox.endpoint, {"enabled_events": ["customer.subscription.updated"]})
    update(inbox.endpoint, {"disabled": True})
    renew(person, subscription)
    update(inbox.endpoint, {"disabled": False})
    renew(person, subscription)
    latest = person.settled()[0]["id"]
    assert [event["id"] for event in inbox.events] == [latest]
    fake.api.webhook_endpoints.delete(inbox.endpoint)
    renew(person, subscription)
    person.settled()
    assert len(inbox.received) == 1


def test_a_secret_is_told_once(fake, inbox, person):
    assert inbox.secret.startswith("whsec_")
    assert "secret" not in fake.api.webhook_endpoints.list().data[0]
    assert inbox.secret not in str(person.state())


def test_held_back_they_wait_and_come_in_their_order(subscription, inbox, person):
    person.webhooks("hold")
    renew(person, subscription, 5)
    oldest = person.events()[4]["id"]
    assert person.resend(oldest) == [200]
    assert len(inbox.received) == 1  # only the one that was sent by hand
    person.webhooks("send")
    told = [one["id"] for one in person.settled()[:5]]
    assert [event["id"] for event in inbox.events] == told[::-1]


def test_dropped_they_never_come_but_are_in_the_list(subscription, inbox, person):
    person.webhooks("drop")
    renew(person, subscription)
    person.settled()
    person.webhooks("send")
    renew(person, subscription)
    sent, lost = person.settled()[:2]
    assert [event["id"] for event in inbox.events] == [sent["id"]]
    assert [one["state"] for one in lost["deliveries"]] == ["dropped"]


def test_the_same_one_many_times_at_once(subscription, inbox, person):
    renew(person, subscription)
    event = person.settled()[0]["id"]
    with ThreadPoolExecutor(10) as many:
        assert list(many.map(lambda _: person.resend(event), range(10))) == [[200]] * 10
    assert [found["id"] for found in inbox.events] == [event] * 11


def test_the_receiver_may_call_back_before_it_answers(fake, subscription, inbox, person, monkeypatch):
    """The site reads the customer again: a delivery that held the store's lock would wait for itself."""
    seen = []
    post = webhooks._post
    monkeypatch.setattr(
        webhooks, "_post", lambda *given: (seen.append(fake.api.subscriptions.list().data[0].id), post(*given))[1]
    )
    renew(person, subscription)
    person.settled()
    assert seen == [subscription.id]


def test_the_control_page_is_for_people_too_and_refuses_other_sites(fake, subscription, person):
    shown = requests.get(person.control_url, headers={"Accept": "text/html"}, timeout=10)
    assert "customer.subscription.created" in shown.text
    pressed = requests.post(
        person.control_url,
        data={"webhooks": "hold"},
        headers={"Accept": "text/html", "Origin": fake.url},
        timeout=10,
        allow_redirects=False,
    )
    assert (pressed.status_code, pressed.headers["Location"]) == (303, "/_devstack/stripe")
    assert person.state()["webhooks"] == "hold"
    assert requests.post(person.control_url, json={"webhooks": "nonsense"}, timeout=10).status_code == 400
    foreign = {"Origin": "http://evil.example"}
    assert requests.post(person.control_url, json={"webhooks": "drop"}, headers=foreign, timeout=10).status_code == 403
    assert requests.get(f"{fake.url}/_devstack/health", timeout=10).json() == {"ok": True}
