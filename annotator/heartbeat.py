"""Keep a claimed job's lease alive while the job is annotated, and report its progress."""

from typing import TYPE_CHECKING

from django.conf import settings

from gas.jobs.lifecycle import heartbeat, leases
from gas.jobs.lifecycle.leases import Claim

if TYPE_CHECKING:
    from annotator.run.options import Progress

#: Minimum time between two updates of the progress, in seconds.
PROGRESS_SECONDS = 1.0
#: Maximum time until the worker notices that a job was cancelled, in seconds.
NOTICE_SECONDS = 2.0


class Heartbeat(heartbeat.Heartbeat):
    """Renews the lease when there is new progress, or when the lease or the check for cancelled jobs requires it."""

    def __init__(self, claim: Claim) -> None:
        every = max(0.05, min(PROGRESS_SECONDS, settings.LEASE_SECONDS / 4))
        super().__init__(f"job {claim.job.pk}", self._tell, every)
        self._claim = claim
        self._news = self._told = (claim.job.stage, 0)
        self._rounds_a_renewal = max(1, int(min(NOTICE_SECONDS, settings.LEASE_SECONDS / 4) / every))
        self._rounds = 0

    def progress(self, progress: "Progress") -> None:
        self._news = (progress.stage, progress.records)

    def stage(self, name: str) -> None:
        self._news = (name, self._news[1])

    def _tell(self) -> bool:
        self._rounds += 1
        news = self._news
        if news == self._told and self._rounds < self._rounds_a_renewal:
            return True
        self._rounds = 0
        held = leases.renew(self._claim, stage=news[0], records_done=news[1])
        self._told = news
        return held
