"""Promise: receivers can verify every event with the standard's own library, and the database reveals no secret."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from standardwebhooks import Webhook, WebhookVerificationError

from devstack.stack import ROOT
from gas import clock
from gas.jobs.models import Job
from gas.webhooks import delivering, endpoints, signing
from gas.webhooks.events import Event
from gas.webhooks.models import Attempt, Endpoint
from tests.support.receiver import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(receiver: Receiver, person: Any) -> tuple[Endpoint, str]:
    return endpoints.create(person, receiver.url, Event.values)


def verifies(secret: str, request: tuple[dict[str, str], bytes]) -> bool:
    headers, body = request
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_the_librarys_verifier_accepts_an_event_and_refuses_a_changed_one(
    made: tuple[Endpoint, str], receiver: Receiver, running: Callable[[], Job], ends: Callable[[Job], None]
) -> None:
    _, secret = made
    assert secret.startswith("whsec_")
    ends(running())
    ((headers, body),) = receiver.requests
    assert verifies(secret, (headers, body))
    assert not verifies(secret, (headers, body + b" "))
    assert not verifies(secret, ({**headers, "webhook-id": "msg_other"}, body))
    assert not verifies(signing.new_secret(), (headers, body))


def test_both_secrets_verify_for_24_hours_after_a_rotation(
    made: tuple[Endpoint, str], receiver: Receiver, running: Callable[[], Job], ends: Callable[[Job], None], aws: None
) -> None:
    endpoint, old = made
    new = endpoints.rotate(endpoint)
    ends(running())
    (request,) = receiver.requests
    assert len(request[0]["webhook-signature"].split()) == 2
    assert verifies(old, request)
    assert verifies(new, request)
    assert endpoint.old_secret_until
    assert abs(endpoint.old_secret_until - clock.now() - timedelta(hours=24)) < timedelta(minutes=1)
    Endpoint.objects.update(old_secret_until=clock.now() - timedelta(seconds=1))
    ends(running())
    assert not verifies(old, receiver.requests[1])
    assert verifies(new, receiver.requests[1])
    delivering.tend()
    endpoint.refresh_from_db()
    assert (endpoint.old_secret, endpoint.old_secret_until) == ("", None)


def test_no_table_has_a_secret(made: tuple[Endpoint, str], tmp_path: Any) -> None:
    endpoint, secret = made
    endpoints.rotate(endpoint)
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "webhooks", output=str(dump))
    assert str(endpoint.pk) in dump.read_text()
    assert secret.removeprefix("whsec_") not in dump.read_text()


def test_secrets_outlast_the_replacement_of_the_services_key(
    made: tuple[Endpoint, str], settings: Any, aws: None
) -> None:
    endpoint, secret = made
    endpoints.rotate(endpoint)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
    assert delivering.tend()["sealed with an old key"] == 1
    assert delivering.tend()["sealed with an old key"] == 0
    settings.SECRET_KEY_FALLBACKS = []
    endpoint.refresh_from_db()
    assert signing.unseal(endpoint.old_secret) == secret
    settings.SECRET_KEY = "another"
    with pytest.raises(signing.SecretUnreadable):
        signing.unseal(endpoint.secret)


def test_a_lost_secret_is_told_in_the_log_of_deliveries_and_a_new_one_helps(
    made: tuple[Endpoint, str],
    receiver: Receiver,
    running: Callable[[], Job],
    ends: Callable[[Job], None],
    settings: Any,
) -> None:
    endpoint, _ = made
    settings.SECRET_KEY = "another"
    ends(running())
    assert "secret" in Attempt.objects.get().error
    assert not receiver.requests
    new = endpoints.rotate(endpoint)
    ends(running())
    assert verifies(new, receiver.requests[0])


def test_the_example_in_the_documentation_accepts_our_events_and_no_others(
    made: tuple[Endpoint, str], receiver: Receiver, capsys: pytest.CaptureFixture[str], running: Any, ends: Any
) -> None:
    text = (ROOT / "docs" / "webhooks.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    program: dict[str, Any] = {}
    exec(example, program)  # noqa: S102
    job = running()
    ends(job)
    ((headers, body),) = receiver.requests
    program["SECRET"] = signing.new_secret()
    assert program["receive"](headers, body) == 401
    program["SECRET"] = made[1]
    assert [program["receive"](headers, body) for _ in range(2)] == [204, 204]
    assert capsys.readouterr().out == f"completed: {job.pk}\n"
    assert program["receive"](headers, body + b" ") == 401
