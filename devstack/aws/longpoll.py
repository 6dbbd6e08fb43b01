"""Long polling that ends when its caller is gone.

moto waits inside ReceiveMessage and then takes a message, whether or not anybody is still listening: each worker
that dies while it polls would swallow a message for a whole visibility timeout. Here the wait is ours: it looks
for a message and at the caller's connection, and only then asks moto, which answers at once.
"""

import io
import json
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from moto.sqs.models import Queue, sqs_backends
from werkzeug.wsgi import get_input_stream

from devstack.aws.credentials import ACCOUNT, REGION
from devstack.aws.wsgi import App, Environ, StartResponse

#: A message that becomes visible (a delay or a visibility timeout that ran out) wakes nobody: look this often.
TICK_SECONDS = 0.1


class LongPoll:
    def __init__(self, app: App) -> None:
        self.app = app
        # moto looks for a visible message and takes it in two steps; two pollers could get the same one.
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") != "AmazonSQS.ReceiveMessage":
            return self.app(environ, start_response)
        request: dict[str, Any] = json.loads(get_input_stream(environ).read())
        name = str(request.get("QueueUrl", "")).rpartition("/")[2]
        queue = sqs_backends[ACCOUNT][REGION].queues.get(name)
        wait = request.get("WaitTimeSeconds")
        if queue is not None and (wait is None or 0 < wait <= 20):
            seconds = float(queue.receive_message_wait_time_seconds or 0) if wait is None else wait  # type: ignore[attr-defined]
            _wait(queue, environ.get("werkzeug.socket"), seconds)
            request["WaitTimeSeconds"] = 0
        body = json.dumps(request).encode()
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self._locks[name]:
            return list(self.app(environ, start_response))


def _wait(queue: Queue, connection: socket.socket | None, seconds: float) -> None:
    """Until a message is visible or the time is up.

    Raises:
        ConnectionAbortedError: the caller has gone.
    """
    until = time.monotonic() + seconds
    while not queue.messages and (left := until - time.monotonic()) > 0:
        if connection is not None and _gone(connection):
            raise ConnectionAbortedError("the poller has gone")
        with queue._messages_lock:  # noqa: SLF001  (moto notifies this condition when a message is sent)
            # Not wait_for: its predicate is run again on every message that some other poller has taken.
            if not queue.messages:
                queue._messages_lock.wait(min(TICK_SECONDS, left))  # noqa: SLF001
    if connection is not None and _gone(connection):
        raise ConnectionAbortedError("the poller has gone")


def _gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
