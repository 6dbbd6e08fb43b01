"""The command `gas` on a network whose hosts are the service and its storage, both in this process."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from gas_client.cli import main
from tests.support.glacier_standin import StandIn


class Network(httpx2.BaseTransport):
    """Carries requests to Django at http://testserver, and to the storage at every other host.

    Attributes:
        sent: method and path of each request.
        before: is called with each request; raises what befalls it on the way there.
        after: is called with each request and its answer; returns the answer, or raises what befalls it on the way.
    """

    def __init__(self, storage: StandIn) -> None:
        self._site = httpx2.WSGITransport(WSGIHandler(), raise_app_exceptions=False)
        self._storage = httpx2.WSGITransport(lambda environ, start: storage.app(_with_raw_path(environ), start))
        self._one_by_one = threading.Lock()
        self.sent: list[tuple[str, str]] = []
        self.before: Callable[[httpx2.Request], None] = lambda _: None
        self.after: Callable[[httpx2.Request, httpx2.Response], httpx2.Response] = lambda _, answer: answer

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append((request.method, request.url.path))
        self.before(request)
        if request.url.host == "testserver":
            for signal in (request_started, request_finished):  # as django.test.Client does: the connection stays
                signal.disconnect(close_old_connections)
            return self.after(request, self._site.handle_request(request))
        assert "Authorization" not in request.headers
        with self._one_by_one:
            answer = self._storage.handle_request(request)
            answer.read()
        whole = httpx2.Response(answer.status_code, headers=answer.headers, stream=httpx2.ByteStream(answer.content))
        return self.after(request, whole)

    def count(self, method: str, part: str) -> int:
        return sum(one == method and part in path for one, path in self.sent)


def _with_raw_path(environ: dict[str, Any]) -> dict[str, Any]:
    raw = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
    return environ | {"RAW_URI": raw, "REQUEST_URI": raw}


class Gas:
    """Runs the command, as a shell in a pipe does."""

    def __init__(self, network: Network, capsys: pytest.CaptureFixture[str]) -> None:
        self.network, self.capsys = network, capsys
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Return the exit code, standard output and standard error."""
        code = main([str(one) for one in arguments], self.network, self._sleep)
        return (code, *self.capsys.readouterr())

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        assert len(self.pauses) < 200, "waits for ever"
        self.meanwhile()
