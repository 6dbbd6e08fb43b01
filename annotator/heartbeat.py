"""Keeps a claimed job's lease alive while its worker works, and tells its progress."""

import logging
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import connection

from gas.jobs import leases
from gas.jobs.leases import Claim

if TYPE_CHECKING:
    from annotator.pipeline import Progress

log = logging.getLogger(__name__)

#: How often progress is written at most, in seconds.
PROGRESS_SECONDS = 1.0


class Heartbeat:
    """A thread with its own database connection, for the time of a `with` block.

    `lost()` is true once the lease is somebody else's or the job was cancelled or deleted. A database that cannot
    be reached is not a loss: the lease runs on until it expires, and by then it is one.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._stage, self._records = claim.job.stage, 0
        self._told = (self._stage, self._records)
        self._lost = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat-{claim.job.pk}", daemon=True)

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

    def progress(self, progress: "Progress") -> None:
        self._stage, self._records = progress.stage, progress.records

    def stage(self, name: str) -> None:
        self._stage = name

    def _run(self) -> None:
        every = max(0.05, min(PROGRESS_SECONDS, settings.LEASE_SECONDS / 4))
        rounds_per_renewal = max(1, int(settings.LEASE_SECONDS / 4 / every))
        rounds = 0
        try:
            while not self._stop.wait(every):
                rounds += 1
                news = (self._stage, self._records)
                if news != self._told or rounds >= rounds_per_renewal:
                    self._renew(news)
                    rounds = 0
        finally:
            connection.close()

    def _renew(self, news: tuple[str, int]) -> None:
        try:
            if not leases.renew(self._claim, stage=news[0], records_done=news[1]):
                self._lost.set()
                self._stop.set()
            self._told = news
        except Exception:
            log.exception("job %s: heartbeat", self._claim.job.pk)
            connection.close()
