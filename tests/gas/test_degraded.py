"""Promise: without Redis every page works and limits hold; /readyz/ tells what does not answer."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import OperationalError, connection
from django.test import Client

from gas.aws import probes
from gas.cache import RedisOrMemory
from gas.rate_limits import RateLimit
from gas.settings import CACHES
from gas.users.models import User
from gas.web import health
from tests.support.one_time_codes import SECRET, code, sign_in
from tests.support.people import PASSWORD, is_in, signed_in

pytestmark = pytest.mark.django_db


def use_redis(settings: Any, port: int) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "gas.cache.RedisOrMemory", "LOCATION": f"redis://127.0.0.1:{port}/0?protocol=2"}
    }


@pytest.fixture
def no_redis(settings: Any) -> None:
    """A port that nobody listens at."""
    RedisOrMemory._asked_again_at.clear()
    use_redis(settings, 1)
    cache.clear()


def test_people_sign_in_and_use_every_page(no_redis: None, aws: Any, person: User) -> None:
    client = signed_in(person)
    for address in ("/jobs/", "/jobs/new/", "/profile/", "/plan/", "/accounts/sessions/", "/accounts/email/"):
        assert client.get(address).status_code == 200, address
    upload = {"name": "a.vcf", "size": 10, "reference": "rCRS"}
    assert client.post("/jobs/uploads/", upload, content_type="application/json").status_code == 201
    assert (
        client.post("/jobs/builds/", {"header": [], "records": []}, content_type="application/json").status_code == 200
    )
    assert Client().post("/accounts/password/reset/", {"email": person.email}).status_code == 302


def test_limits_hold_in_each_process(no_redis: None, aws: Any, person: User, settings: Any) -> None:
    for _ in range(6):
        page = Client().post("/accounts/login/", {"login": person.email, "password": "a long wrong phrase"}).content
    assert b"Too many failed attempts" in page

    settings.UPLOADS_PER_HOUR = 1
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    upload = {"name": "a.vcf", "size": 10, "reference": "rCRS"}
    answers = [client.post("/jobs/uploads/", upload, content_type="application/json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 429]


def test_a_code_of_an_app_still_works_once(no_redis: None, person: User) -> None:
    auth.TOTP.activate(person, SECRET)
    given = code()
    assert [is_in(sign_in(person, given)) for _ in range(2)] == [True, False]


def test_nobody_asks_a_redis_that_has_just_not_answered(no_redis: None, monkeypatch: pytest.MonkeyPatch) -> None:
    connects: list[Any] = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: (connects.append(to), connect(self, to))[1])
    RedisOrMemory._asked_again_at.clear()
    for number in range(20):
        cache.set(f"key-{number}", number)
    assert [cache.get(f"key-{number}") for number in range(20)] == list(range(20))
    assert len(connects) == 1


def test_other_traffic_does_not_throw_a_limit_away(no_redis: None) -> None:
    """Neither in the memory that stands in for Redis, nor in that of one process without Redis."""
    memory: BaseCache = LocMemCache("test", CACHES["default"])
    for one in (cache, memory):
        one.set("limit", 1)
        for number in range(1000):
            one.set(f"visitor-{number}", 1)
        assert one.get("limit") == 1
    memory.clear()


@pytest.fixture
def tiny_redis() -> Iterator[int]:
    """Answers PING, SET and GET, enough of Redis to see whether it is asked. Yields its port."""
    values: dict[bytes, bytes] = {}

    def serve(connected: socket.socket) -> None:
        with connected, connected.makefile("rb") as lines:
            while head := lines.readline():
                words = [lines.read(int(lines.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
                name = words[0].upper()
                if name == b"SET":
                    values[words[1]] = words[2]
                found = values.get(words[1]) if name == b"GET" else None
                connected.sendall(b"$%d\r\n%s\r\n" % (len(found), found) if found is not None else b"+OK\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connected, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connected,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_redis_is_used_again_once_it_answers(settings: Any, tiny_redis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gas.cache.RETRY_SECONDS", 0.0)
    RedisOrMemory._asked_again_at.clear()
    use_redis(settings, tiny_redis)
    cache.set("kept", 1)
    use_redis(settings, 1)
    assert cache.get("kept") is None
    use_redis(settings, tiny_redis)
    assert cache.get("kept") == 1


def test_a_counter_that_ends_between_two_steps_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(cache), "add", lambda *_: True, raising=False)
    limit = RateLimit("trial", seconds=60)
    assert [limit.take("ended", 1) for _ in range(2)] == [True, False]


# --- /healthz/ and /readyz/


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call asks."""
    monkeypatch.setattr(health, "_others", health._Others())
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)
    probes._client.cache_clear()


def broken_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("no connection")

    monkeypatch.setattr(connection, "cursor", fail)


def test_everything_answers(aws: Any, asked: None) -> None:
    answer = Client().get("/readyz/")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "cache": "ok", "queues": "ok", "storage": "ok"}


def test_redis_and_aws_degrade_and_are_named(no_redis: None, asked: None, settings: Any) -> None:
    settings.AWS_ENDPOINT_URL, settings.SQS_QUEUE_URL_BASE = "http://127.0.0.1:1", "http://127.0.0.1:1/123456789012/"
    answer = Client().get("/readyz/")
    assert answer.status_code == 200
    expected = {"cache": "unreachable", "queues": "unreachable", "storage": "unreachable"}
    assert answer.json() == {"status": "degraded", "database": "ok", **expected}
    probes._client.cache_clear()


def test_without_the_database_a_process_is_alive_and_not_ready(
    aws: Any, asked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_database(monkeypatch)
    ready, alive = Client().get("/readyz/"), Client().get("/healthz/")
    assert (ready.status_code, ready.json()["status"], ready.json()["database"]) == (503, "unavailable", "unreachable")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


def test_a_balancer_that_knows_no_name_is_answered(aws: Any, asked: None) -> None:
    for address in ("/healthz/", "/readyz/"):
        assert Client().get(address, headers={"host": "10.0.0.7"}).status_code == 200
    assert Client().get("/", headers={"host": "10.0.0.7"}).status_code == 400


def test_aws_is_not_asked_for_each_request(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_others", health._Others())
    calls: list[int] = []
    monkeypatch.setattr(probes, "queues_answer", lambda: bool(calls.append(1)) or True)
    for _ in range(5):
        Client().get("/readyz/")
    assert len(calls) == 1
