"""A thread that renews a lease while a worker works."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)


class Heartbeat:
    """A thread with its own database connection that renews a lease four times per lease time, as a context manager.

    `lost()` is true once another worker has the lease, or the leased row is cancelled or deleted. A database that
    cannot be reached is not a loss: the lease is lost only when it expires.

    Args:
        name: name of what is leased, for the log.
        renew: extends the lease, and returns whether the caller still has it.
        every: seconds between two renewals.
    """

    def __init__(self, name: str, renew: Callable[[], bool], every: float | None = None) -> None:
        self._name, self._renew = name, renew
        self._every = settings.LEASE_SECONDS / 4 if every is None else every
        self._lost = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat of {name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def lost(self) -> bool:
        return self._lost.is_set()

    def _run(self) -> None:
        try:
            while not self._lost.is_set() and not self._stop.wait(self._every):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            if not self._renew():
                self._lost.set()
        except Exception:
            log.exception("heartbeat of %s", self._name)
            connection.close()
