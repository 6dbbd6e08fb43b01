"""The devstack's AWS inside the test's own process: the service's clients call its layers without a socket.

Each block has its own Glacier, and an empty moto behind it. Time for retrievals is moved by hand.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from django.conf import settings
from django.test import override_settings
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import MockAWS, botocore_stubber
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from devstack.aws.credentials import ACCOUNT
from devstack.aws.server import build_app
from devstack.aws.wsgi import App
from gas.aws import clients
from gas.tasknames import QUEUES

ENDPOINT = "http://127.0.0.1"
#: Answers that botocore does not try again: a client that has had one is as good as new.
FINAL = {403, 404, 409, 412, 416}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class StandIn:
    """AWS in memory. `calls` lists every call that a client has made: "glacier.ListJobs", "s3.CopyObject".

    What befalls the next answers to such a call is told by `lost` (it was done, and the answer is lost), `cut` (its
    last byte is missing) and `spoilt` (a byte is another), each {call: number of times}.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.calls: list[str] = []
        # So long that none is done by itself, however slow the machine is; all are after advance=60.
        self.glacier(seconds={"Expedited": 50, "Standard": 55, "Bulk": 58})
        self._rules: dict[str, Any] = self.glacier()["rules"]
        self.lost: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.spoilt: Counter[str] = Counter()

    def count(self, call: str) -> int:
        return self.calls.count(call)

    def glacier(self, **wanted: Any) -> dict[str, Any]:
        """The state of the emulated Glacier, after changing its rules: see devstack.aws.glacier.control_page."""
        body = json.dumps(wanted).encode() if wanted else None
        builder = EnvironBuilder("/_devstack/glacier", method="POST" if wanted else "GET", data=body)
        chunks, status, _ = run_wsgi_app(self.app, builder.get_environ())
        answer = b"".join(chunks)
        assert status.startswith("200"), answer
        found: dict[str, Any] = json.loads(answer)
        return found

    def calm(self) -> None:
        """Every rule, fault and count as at the start."""
        self.glacier(**self._rules)
        self.faults()
        for counter in (self.lost, self.cut, self.spoilt):
            counter.clear()
        self.calls.clear()

    def faults(self, *rules: dict[str, Any]) -> None:
        builder = EnvironBuilder("/_devstack/faults", method="POST", data=json.dumps({"rules": rules}).encode())
        _, status, _ = run_wsgi_app(self.app, builder.get_environ())
        assert status.startswith("200")

    def archives(self) -> dict[str, Any]:
        found: dict[str, Any] = self.glacier()["vaults"][settings.GLACIER_VAULT]["archives"]
        return found

    def paid(self) -> int:
        """Retrievals that were paid for, on both routes."""
        state = self.glacier()
        return int(state["vaults"][settings.GLACIER_VAULT]["paid"] + state["class"]["paid"])

    def send(self, request: AWSPreparedRequest, event_name: str, **kwargs: Any) -> AWSResponse:
        """A handler of botocore's `before-send`, whose answer it takes for the service's."""
        call = event_name.removeprefix("before-send.")
        self.calls.append(call)
        environ = self._environ(request)
        try:
            chunks, status, headers = run_wsgi_app(self.app, environ)
            body = b"".join(chunks)
        except ConnectionError as error:
            raise ConnectionClosedError(endpoint_url=request.url) from error
        if self.lost[call] > 0:
            self.lost[call] -= 1
            raise ConnectionClosedError(endpoint_url=request.url)
        if self.cut[call] > 0:
            self.cut[call] -= 1
            body = body[:-1]
        if self.spoilt[call] > 0:
            self.spoilt[call] -= 1
            body = bytes([body[0] ^ 1]) + body[1:]
        answered = HTTPHeaders.from_pairs(headers.items())
        return AWSResponse(request.url, int(status[:3]), answered, _Raw(body))

    def _environ(self, request: AWSPreparedRequest) -> dict[str, Any]:
        headers = {name: _text(value) for name, value in request.headers.items()}
        parts = urlsplit(str(request.url))
        environ = EnvironBuilder(
            unquote(parts.path),
            base_url=ENDPOINT,
            query_string=parts.query,
            method=request.method,
            headers=Headers(headers),
        ).get_environ()
        body = request.body or b""
        raw = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return environ | {
            "RAW_URI": raw,
            "REQUEST_URI": raw,
            "CONTENT_LENGTH": headers.get("Content-Length", ""),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "wsgi.input": io.BytesIO(body.encode() if isinstance(body, str) else body)
            if isinstance(body, str | bytes | bytearray)
            else body,
            "wsgi.input_terminated": "Content-Length" not in headers,
        }


class _Moto(MockAWS):
    """moto for botocore's calls only: patching `requests` as well takes longer than most tests."""

    def _enable_patching(self, reset: bool = True) -> None:
        botocore_stubber.enabled = True

    def _disable_patching(self, remove_data: bool) -> None:
        botocore_stubber.enabled = False
        BackendDict.reset()
        reset_model_data()


class _Raw(io.BytesIO):
    def stream(self, **kwargs: Any) -> Iterator[bytes]:
        while chunk := self.read(64 * 1024):
            yield chunk


#: Clients that earlier blocks have made, by what they were made for: to make one takes longer than most tests use it.
_made: dict[tuple[str, int, str], Any] = {}
_current: list[StandIn] = []


def _answer(**call: Any) -> AWSResponse:
    """The present stand-in's. Clients that have seen a failure are not used again: they remember, and retry less."""
    stand_in = _current[-1]
    sound = False
    try:
        answer = stand_in.send(**call)  # looked up at each call: a test may put something in its way
        fine = answer.status_code < 400 or answer.status_code in FINAL
        sound = fine and not (stand_in.cut or stand_in.spoilt)
    finally:
        if not sound:
            _made.clear()
    return answer


@contextmanager
def faithful_aws() -> Iterator[StandIn]:
    """S3 and Glacier, and moto's SQS, with the service's buckets, queues and vault."""
    make = clients._client

    def connected(service: str, attempts: int = clients.ATTEMPTS) -> Any:
        kind = (service, attempts, settings.AWS_REGION)
        if kind in _made:
            return _made[kind]
        if service not in {"s3", "glacier"}:
            _made[kind] = make(service, attempts)
            return _made[kind]
        with override_settings(AWS_ENDPOINT_URL=ENDPOINT):  # paths, not hosts, name the buckets then
            client = _made[kind] = make(service, attempts)
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register("before-send", _answer)
        return client

    with _Moto():
        stand_in = StandIn(build_app())
        _current.append(stand_in)
        clients._client = connected
        _forget()
        try:
            for bucket in (settings.S3_INPUTS_BUCKET, settings.S3_RESULTS_BUCKET):
                s3_backends[ACCOUNT]["aws"].create_bucket(bucket, settings.AWS_REGION)
            for queue in QUEUES:
                sqs_backends[ACCOUNT][settings.AWS_REGION].create_queue(queue)
            clients.glacier().create_vault(vaultName=settings.GLACIER_VAULT)
            stand_in.calls.clear()
            yield stand_in
        finally:
            clients._client = make
            _forget()
            _current.remove(stand_in)


def _forget() -> None:
    for cached in (clients.s3, clients.sqs, clients.glacier):
        cached.cache_clear()
