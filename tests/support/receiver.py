"""A person's program that receives webhooks: an HTTP server on this machine that answers as it is told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answering:
    """How the receiver answers a request.

    Attributes:
        status: HTTP status.
        headers: of the answer.
        body: of the answer.
        seconds: how long it waits before it answers.
        dripping: seconds between single bytes of a header that never ends; 0 for a proper answer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thank you"
    seconds: float = 0.0
    dripping: float = 0.0


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


@contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver that is up within the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            answer = made.answers.pop(0) if made.answers else Answering()
            time.sleep(answer.seconds)
            with suppress(OSError):  # the sender has hung up
                if answer.dripping:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while answer.dripping:
                    self.wfile.write(b"x")
                    time.sleep(answer.dripping)
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
