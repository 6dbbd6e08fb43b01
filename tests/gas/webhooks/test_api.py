"""Promise: a program can do with its owner's webhooks what the pages do."""

import json
from typing import Any

import pytest

from gas.api.models import IdempotentAnswer
from gas.users.models import User
from gas.webhooks import endpoints, signing
from gas.webhooks.models import Delivery, Endpoint
from tests.support.api_program import Program, make_token
from tests.support.receiver import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(person: User) -> Program:
    return Program(make_token(person))


def test_a_program_manages_an_endpoint_to_its_end(
    receiver: Receiver, program: Program, django_capture_on_commit_callbacks: Any
) -> None:
    made = program.post("webhooks", {"url": receiver.url, "events": ["job.completed"]})
    assert made.status_code == 201
    body = made.json()
    endpoint = Endpoint.objects.get()
    assert signing.unseal(endpoint.secret) == body["secret"]
    address = f"webhooks/{body['id']}"
    listed = program.get("webhooks").json()["items"]
    assert listed == [program.get(address).json()] == [{name: body[name] for name in listed[0]}]
    assert "secret" not in listed[0]

    with django_capture_on_commit_callbacks(execute=True):
        tested = program.post(f"{address}/test")
    assert (tested.status_code, tested.json()["state"]) == (202, "pending")
    (delivery,) = program.get(f"{address}/deliveries").json()["items"]
    assert (delivery["state"], delivery["attempts"][0]["http_status"]) == ("delivered", 200)
    with django_capture_on_commit_callbacks(execute=True):
        assert program.post(f"{address}/deliveries/{delivery['id']}/replay").status_code == 202
    assert [headers["webhook-id"] for headers, _ in receiver.requests] == [delivery["message_id"]] * 2

    rotated = program.post(f"{address}/secret").json()
    assert rotated["secret"] not in {None, body["secret"]}
    assert rotated["old_secret_until"]
    changed = program.send("PATCH", address, {"events": ["job.failed", "job.deleted"], "enabled": False}).json()
    assert (changed["events"], changed["enabled"]) == (["job.failed", "job.deleted"], False)
    assert changed["url"] == receiver.url
    refused = program.post(f"{address}/test")
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert program.send("PATCH", address, {"enabled": True}).json()["enabled"] is True
    assert program.send("PATCH", address, {"url": ""}).status_code == 422
    assert program.send("PATCH", address, {"url": None}).json()["url"] == body["url"]
    assert program.send("DELETE", address).status_code == 204
    assert program.get(address).status_code == 404


def test_a_repeated_request_makes_one_endpoint_and_keeps_no_secret(receiver: Receiver, program: Program) -> None:
    asked = {"url": receiver.url, "events": ["job.completed"]}
    first, second = (program.post("webhooks", asked, **{"Idempotency-Key": "one"}) for _ in range(2))
    assert first.json() == {**second.json(), "secret": first.json()["secret"]}
    assert second["Idempotency-Replayed"] == "true"
    assert second.json()["secret"] is None
    assert Endpoint.objects.count() == 1
    assert first.json()["secret"] not in json.dumps(IdempotentAnswer.objects.get().body)


def test_refusals_are_problems_with_a_code_and_a_sentence(
    receiver: Receiver, program: Program, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(url: str, *events: str) -> tuple[int, str, str]:
        body = program.post("webhooks", {"url": url, "events": list(events or ["job.failed"])}).json()
        return body["status"], body["code"], json.dumps(body)

    status, code, text = refusal("https://169.254.169.254/")
    assert (status, code) == (422, "invalid")
    assert '"field": "url", "message": "The host has an address that webhooks must not reach.' in text
    assert refusal(receiver.url, "job.exploded")[:2] == (422, "invalid")
    assert program.post("webhooks", {"url": receiver.url, "events": []}).status_code == 422
    endpoints.create(person, receiver.url, ["job.failed"])
    status, code, text = refusal(receiver.url)
    assert (status, code) == (409, "refused")
    assert "already" in text
    monkeypatch.setattr(endpoints, "ACTIONS_AN_HOUR", 0)
    answer = program.post("webhooks", {"url": receiver.url, "events": ["job.failed"]})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
    assert 0 < int(answer["Retry-After"]) <= 3600


def test_a_list_of_deliveries_takes_the_same_number_of_queries_for_few_and_many(
    receiver: Receiver, program: Program, person: User, django_assert_max_num_queries: Any
) -> None:
    endpoint, _ = endpoints.create(person, receiver.url, ["job.failed"])

    def queries() -> int:
        with django_assert_max_num_queries(20) as asked:
            assert program.get(f"webhooks/{endpoint.pk}/deliveries").status_code == 200
        return len(asked)

    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", due_at=None)
    queries()  # the first use of a token is noted
    few = queries()
    Delivery.objects.bulk_create(
        Delivery(endpoint=endpoint, event="webhook.test", body="{}", due_at=None) for _ in range(20)
    )
    assert queries() == few
