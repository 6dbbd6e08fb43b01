"""Clients that take their time: half-sent headers, trickled bodies, answers that nobody reads. On loopback only."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HEADERS = b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY = (
    b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 100000\r\n\r\n"
)


def unread(path: str, *, close: bool = False) -> bytes:
    """A whole request, whose answer is not read. `close`: the server hangs up after its answer."""
    after = "close" if close else "keep-alive"
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: {after}\r\n\r\n".encode()


@contextmanager
def slow_clients(port: int, *openings: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Open `count` connections to 127.0.0.1, send each one of `openings`, then a byte a second where it is unfinished.

    Nothing is ever read.
    """
    clients: list[socket.socket] = []
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(1):
            for number, client in enumerate(clients):
                if openings[number % len(openings)] in {HEADERS, BODY}:
                    with contextlib.suppress(OSError):  # the server has hung up
                        client.send(b"x")

    thread = threading.Thread(target=trickle)
    try:
        for number in range(count):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(10)
            client.connect(("127.0.0.1", port))
            clients.append(client)
            client.sendall(openings[number % len(openings)])
        thread.start()
        yield clients
    finally:
        stop.set()
        if thread.is_alive():
            thread.join()
        for client in clients:
            client.close()
