"""Keeps a lease alive while a worker works."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)


class Heartbeat:
    """A thread with its own database connection, for the time of a `with` block, that renews every quarter of a lease.

    `lost()` is true once the lease is somebody else's, or what it was for is cancelled or deleted. A database that
    cannot be reached is not a loss: the lease runs on until it expires, and by then it is one.

    Args:
        name: of what is leased, for the log.
        renew: says whether the lease is still the caller's.
        every: seconds between two rounds.
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
