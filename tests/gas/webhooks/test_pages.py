"""Promise: people manage their own endpoints and nobody else's, and see a secret once."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse

from gas.users.deletion import delete_account
from gas.users.export import everything, stream_zip
from gas.users.models import User
from gas.webhooks import endpoints, signing
from gas.webhooks.models import Attempt, Delivery, Endpoint
from tests.support.receiver import Answering, Receiver

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{20,}")


def test_an_endpoint_from_its_first_page_to_its_end(
    receiver: Receiver, person: User, browser_of: Signed, django_capture_on_commit_callbacks: Any
) -> None:
    client = browser_of(person)
    assert reverse("webhooks:list") in client.get("/profile/").content.decode()
    page = client.post("/profile/webhooks/", {"url": receiver.url, "events": ["job.completed"]})
    (secret,) = SECRET.findall(page.content.decode())
    endpoint = Endpoint.objects.get()
    assert signing.unseal(endpoint.secret) == secret
    address = endpoint.get_absolute_url()
    assert not SECRET.search(client.get(address).content.decode())

    receiver.answers = [Answering(500, body=b"<b>oops</b>")]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{address}test/")
    shown = client.get(address).content.decode()
    assert "The receiver answered 500." in shown
    assert "&lt;b&gt;oops&lt;/b&gt;" in shown
    delivery = Delivery.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/profile/webhooks/deliveries/{delivery.pk}/replay/")
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    assert [json.loads(body)["type"] for _, body in receiver.requests] == ["webhook.test"] * 2

    client.post(address, {"url": receiver.url, "events": ["job.failed", "job.deleted"]})
    endpoint.refresh_from_db()
    assert endpoint.events == ["job.failed", "job.deleted"]
    (second,) = SECRET.findall(client.post(f"{address}secret/").content.decode())
    assert second != secret
    client.post(f"{address}off/")
    endpoint.refresh_from_db()
    assert endpoint.disabled_at
    assert not mail.outbox
    assert "is off. Switch it on first" in client.post(f"{address}test/", follow=True).content.decode()
    client.post(f"{address}on/")
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None
    client.post(f"{address}delete/")
    assert not Endpoint.objects.exists()
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("action", ["", "secret/", "test/", "on/", "off/", "delete/", "replay/"])
def test_a_stranger_finds_no_endpoint(
    action: str, endpoint: Endpoint, stranger: User, browser_of: Signed, receiver: Receiver
) -> None:
    delivery = Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", due_at=None)
    address = endpoint.get_absolute_url() + action
    if action == "replay/":
        address = f"/profile/webhooks/deliveries/{delivery.pk}/replay/"
    before = Endpoint.objects.values().get()
    client = browser_of(stranger)
    assert client.post(address, {"url": receiver.url, "events": ["job.failed"]}).status_code == 404
    assert client.get(address).status_code in {404, 405}
    assert receiver.url not in client.get("/profile/webhooks/").content.decode()
    assert Client().post(address)["Location"].startswith("/accounts/login/")
    assert Endpoint.objects.values().get() == before
    assert Delivery.objects.get().due_at is None


def test_a_form_that_is_refused_says_why_and_keeps_what_was_typed(
    receiver: Receiver, person: User, browser_of: Signed
) -> None:
    client = browser_of(person)
    for body, words in (
        ({"url": "https://10.0.0.1/", "events": ["job.failed"]}, "on the public internet"),
        ({"url": "https://10.0.0.1/"}, "Choose at least one event"),
        ({"url": "", "events": ["job.failed"]}, "Enter the address"),
        ({"url": "https://10.0.0.1/", "events": ["job.exploded"]}, "job.exploded"),
    ):
        page = client.post("/profile/webhooks/", body).content.decode()
        assert words in page
        assert str(body["url"]) in page
    assert not Endpoint.objects.exists()


def test_there_is_a_limit_and_no_address_comes_twice(receiver: Receiver, person: User, endpoint: Endpoint) -> None:
    def code(url: str) -> str:
        with pytest.raises(endpoints.EndpointRefused) as refused:
            endpoints.create(person, url, ["job.failed"])
        return refused.value.code

    assert code(receiver.url) == "duplicate"
    for number in range(endpoints.MOST - 1):
        endpoints.create(person, f"{receiver.url}{number}", ["job.failed"])
    assert code(f"{receiver.url}/more") == "limit"


def test_tests_replays_and_addresses_are_limited(endpoint: Endpoint, queued: None, sends: Any) -> None:
    with sends():
        for _ in range(endpoints.ACTIONS_AN_HOUR - 1):  # and one for the endpoint itself
            endpoints.send_test(endpoint)
        with pytest.raises(endpoints.EndpointRefused) as refused:
            endpoints.send_test(endpoint)
    assert refused.value.code == "too-many"
    assert Delivery.objects.count() == endpoints.ACTIONS_AN_HOUR - 1


def test_a_persons_download_has_endpoints_and_no_secret(endpoint: Endpoint) -> None:
    delivery = Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", due_at=None)
    Attempt.objects.create(delivery=delivery, http_status=500, error="The receiver answered 500.", milliseconds=7)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(stream_zip(everything(endpoint.owner)))))
    text = archive.read("webhooks.json").decode()
    (described,) = json.loads(text)
    assert described["url"] == endpoint.url
    assert described["deliveries"][0]["attempts"][0]["http_status"] == 500
    assert endpoint.secret not in text
    assert "secret" not in text


def test_endpoints_go_with_the_account(endpoint: Endpoint, staff: User, browser_of: Signed, aws: None) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    pk = str(endpoint.pk)
    browser_of(staff).post(
        "/admin/webhooks/endpoint/", {"action": "switch_off", "_selected_action": [pk], "index": "0"}
    )
    assert LogEntry.objects.filter(object_id=pk).exists()
    delete_account(endpoint.owner)
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()
    assert not LogEntry.objects.filter(object_id=pk).exists()
    assert pk not in str(list(LogEntry.objects.values()))


def test_staff_see_endpoints_and_switch_them_off_but_read_no_secret(
    endpoint: Endpoint, staff: User, browser_of: Signed, django_capture_on_commit_callbacks: Any
) -> None:
    delivery = Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", due_at=None)
    Attempt.objects.create(delivery=delivery, http_status=500, milliseconds=7, answer="their own token")
    client = browser_of(staff)
    pages = [
        client.get(path)
        for path in (
            "/admin/webhooks/endpoint/",
            f"/admin/webhooks/endpoint/{endpoint.pk}/change/",
            "/admin/webhooks/delivery/",
            f"/admin/webhooks/delivery/{delivery.pk}/change/",
        )
    ]
    text = "".join(page.content.decode() for page in pages)
    assert [page.status_code for page in pages] == [200] * 4
    assert endpoints.host_of(endpoint) in text
    for hidden in (endpoint.secret, "/hook", "their own token"):
        assert hidden not in text
    with django_capture_on_commit_callbacks(execute=True):
        client.post(
            "/admin/webhooks/endpoint/", {"action": "switch_off", "_selected_action": [endpoint.pk], "index": "0"}
        )
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "Switched off by staff."
    assert len(mail.outbox) == 1
