"""The web server: `python -m gas.server --listen 0.0.0.0:8000`.

waitress reads each request whole before a thread sees it, and keeps each answer until its client has taken it. So a
slow client holds a connection and never a thread. Deadlines end connections that take too long.
"""

import argparse
import contextlib
import ctypes
import logging
import resource
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db import connections
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from gas.wsgi import application as django

#: A request, headers and body, arrives whole within this time from its first byte.
REQUEST_SECONDS = 30
#: A client takes an answer within this time.
ANSWER_SECONDS = 60
#: A connection without a request is kept open this long: longer than a load balancer keeps it (60 s by default).
IDLE_SECONDS = 75
#: Files go straight to S3. The largest request is a file's header (gas.jobs.catalogue.builds.MAX_BODY).
MAX_BODY_BYTES = 2 * 1024**2
MAX_HEADER_BYTES = 64 * 1024
#: A thread keeps its connection to the database for this time; to open one takes a quarter of a small page's time.
DATABASE_SECONDS = 60
#: glibc's name for its setting, from malloc.h, and blocks that it is for.
M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES = -3, 1024**2
#: Open connections at once; further ones wait in the backlog. Each may use up to three file descriptors.
MAX_CONNECTIONS = 2000

access = logging.getLogger("gas.access")
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when its client has kept the server waiting."""

    request_began = answer_made = 0.0

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.request_began = time.time()
        return bool(super().received(data))

    def service(self) -> None:
        super().service()
        self.answer_made = time.time()

    def is_overdue(self, now: float) -> bool:
        """Whether the client is past a deadline. While a thread works on its request it is never the client's fault."""
        if self.requests:
            return False
        return (self.request is not None and now - self.request_began > REQUEST_SECONDS) or (
            self.total_outbufs_len > 0 and now - self.answer_made > ANSWER_SECONDS
        )


class Server(TcpWSGIServer):  # type: ignore[misc]
    """A server that closes connections after a deadline."""

    channel_class = Channel

    def maintenance(self, now: float) -> None:
        """Called every second by waitress's loop."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(now):
                channel.handle_close()  # `will_close` would wait until its socket takes more


def build_server(app: App, *, listen: str, threads: int) -> Server:
    """Return a server bound to `listen` (HOST:PORT), not yet running."""
    return Server(
        app,
        listen=listen,
        threads=threads,
        connection_limit=_raise_descriptor_limit(),
        asyncore_use_poll=True,  # select() takes no more than 1,024 descriptors
        cleanup_interval=1,
        channel_timeout=IDLE_SECONDS,
        max_request_body_size=MAX_BODY_BYTES,
        max_request_header_size=MAX_HEADER_BYTES,
        # Behind a proxy Django and allauth read the headers that the proxy sets; else nobody may set them.
        clear_untrusted_proxy_headers=not settings.BEHIND_PROXY,
        log_socket_errors=False,  # clients go away all the time
        ident="",
    )


def _raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as needed. Returns how many connections fit."""
    wanted = 3 * MAX_CONNECTIONS + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, (soft - 200) // 3)


def with_access_log(app: App) -> App:
    """Log a line for each answer: address, method, path, status, milliseconds, request id. Never a query string."""

    def logged(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.monotonic()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            took = (time.monotonic() - began) * 1000
            address, method, path = (environ.get(name) for name in ("REMOTE_ADDR", "REQUEST_METHOD", "PATH_INFO"))
            name = next((value for key, value in headers if key == "X-Request-Id"), "-")
            access.info("%s %s %s %s %.0f ms %s", address, method, path, status[:3], took, name)
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return logged


def keep_database_connections() -> None:
    """Have each thread keep its connection from one request to the next. One that broke meanwhile is replaced."""
    for alias in connections:
        connections.settings[alias].update(CONN_MAX_AGE=DATABASE_SECONDS, CONN_HEALTH_CHECKS=True)


def return_freed_memory() -> None:
    """Have the C library return large blocks to the system when they are freed.

    By default glibc keeps more and more of them for later, in a heap for each thread. Columns of large results are such
    blocks. Other C libraries have no such setting.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)


def main() -> None:
    """Serve the site until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m gas.server", description="The web server of the service.")
    parser.add_argument("--listen", default="127.0.0.1:8000", help="HOST:PORT (127.0.0.1:8000)")
    parser.add_argument("--threads", type=int, default=8, help="requests that are worked on at once (8)")
    chosen = parser.parse_args()
    keep_database_connections()
    return_freed_memory()
    server = build_server(with_access_log(django), listen=chosen.listen, threads=chosen.threads)
    signal.signal(signal.SIGTERM, _stop)
    logging.getLogger(__name__).info("Listening at http://%s", chosen.listen)
    server.run()


def _stop(*_: object) -> None:
    raise SystemExit  # waitress waits for its threads, 5 s at most


if __name__ == "__main__":
    main()
