"""A receiver on this machine that answers as it is told, and endpoints that lead to it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest

from gas.jobs.models import Job
from gas.jobs.moves import move_job
from gas.jobs.states import JobStatus
from gas.users.models import User
from gas.webhooks import endpoints
from gas.webhooks.events import Event
from gas.webhooks.models import Endpoint


@dataclass
class Answering:
    """How the receiver answers a request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thank you"
    seconds: float = 0.0


@dataclass
class Receiver:
    """A person's program.

    Attributes:
        url: where it listens.
        answers: what it answers to the next requests, in order; then 200.
        requests: (headers in lower case, body) of each request.
    """

    url: str
    answers: list[Answering] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver on 127.0.0.1, which the operator allows."""
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    yield from _listening()


@pytest.fixture
def another() -> Iterator[Receiver]:
    """One more, to which others may lead."""
    yield from _listening()


def _listening() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer = made.answers.pop(0) if made.answers else Answering()
            time.sleep(answer.seconds)
            with suppress(OSError):  # the sender has hung up
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def endpoint(receiver: Receiver, person: User) -> Endpoint:
    """The person's, for every event."""
    return endpoints.create(person, receiver.url, Event.values)[0]


@pytest.fixture
def running(person: User) -> Callable[..., Job]:
    """Makes a running job."""
    return lambda owner=person: Job.objects.create(
        owner=owner, name="sample.vcf", reference="rCRS", status=JobStatus.RUNNING, input_etag="x"
    )


@pytest.fixture
def ends(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """Ends a job in a transaction, and runs what was sent after its commit."""

    def end(job: Job, to: JobStatus = JobStatus.COMPLETED) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            move_job(job, to, "Ended.")

    return end
