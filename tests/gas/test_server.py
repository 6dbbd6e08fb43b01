"""Promise: a client past a deadline is hung up on; one whose request is being worked on is not."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connections

from gas import server
from gas.server import Server, build_server
from tests.support.slow_clients import BODY, HEADERS, slow_clients, unread
from tests.support.waiting import wait_until

LARGE = b"x" * 5_000_000


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1.5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/headers":
        return [repr(sorted(name for name in environ if name.startswith("HTTP_X_FORWARDED"))).encode()]
    return [LARGE if environ["PATH_INFO"] == "/large" else b"done"]


@contextmanager
def running() -> Iterator[Server]:
    """A server on loopback."""
    waiting = build_server(app, listen="127.0.0.1:0", threads=2)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            waiting.asyncore.loop(timeout=0.1, map=waiting._map, use_poll=True, count=1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield waiting
    finally:
        stop.set()
        thread.join()
        waiting.asyncore.close_all(waiting._map)
        waiting.task_dispatcher.shutdown()


def port(running: Server) -> int:
    return int(running.effective_port)


def read_all(client: socket.socket) -> bytes:
    """What comes until the server hangs up, in whatever way."""
    client.settimeout(10)
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := client.recv(65536):
            received += data
    return received


@pytest.mark.parametrize("opening", [HEADERS, BODY])
def test_a_request_that_never_ends_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, opening: bytes) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
    with running() as ours, slow_clients(port(ours), opening, count=1) as (client,):
        assert read_all(client) == b""


def test_an_answer_that_nobody_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_SECONDS", 0.5)
    with running() as ours, slow_clients(port(ours), unread("/large"), count=1) as (client,):
        wait_until(lambda: ours.active_channels)
        wait_until(lambda: not ours.active_channels, seconds=10)
        assert len(read_all(client)) < len(LARGE)


def test_who_is_kept_waiting_by_us_is_not_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for deadline in ("REQUEST_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(server, deadline, 0.2)
    with running() as ours, slow_clients(port(ours), unread("/slow", close=True), count=1) as (client,):
        assert read_all(client).endswith(b"done")


def test_only_a_trusted_proxy_says_whom_it_speaks_for(settings: Any) -> None:
    asked = b"GET /headers HTTP/1.0\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n"
    for behind, expected in ((False, b"[]"), (True, b"['HTTP_X_FORWARDED_FOR', 'HTTP_X_FORWARDED_PROTO']")):
        settings.BEHIND_PROXY = behind
        with running() as ours, socket.create_connection(("127.0.0.1", port(ours)), timeout=10) as client:
            client.sendall(asked)
            assert read_all(client).endswith(expected)


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent() -> None:
    asked = f"POST / HTTP/1.0\r\nContent-Length: {server.MAX_BODY_BYTES + 1}\r\n\r\n".encode()
    with running() as ours, socket.create_connection(("127.0.0.1", port(ours)), timeout=10) as client:
        client.sendall(asked)
        assert b" 413 " in read_all(client)


@pytest.mark.django_db
def test_a_thread_of_the_server_keeps_its_connection_to_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONN_MAX_AGE", "CONN_HEALTH_CHECKS"):  # restored at the end
        monkeypatch.setitem(connections.settings["default"], name, connections.settings["default"][name])
    server.keep_database_connections()

    def requests() -> bool:
        connection = connections["default"]
        connection.connect()
        first = connection.connection
        request_finished.send(sender=None)
        request_started.send(sender=None)
        kept = connection.connection is first
        connection.close()
        return kept

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(requests).result()
