"""Notices of finished retrievals: a vault's to its SNS topic, a bucket's to the queues and topics that it is set to."""

import json
import logging
import threading
from collections.abc import Callable

from moto.sns.models import sns_backends

from devstack.aws.credentials import ACCOUNT, REGION
from devstack.aws.glacier.vaults import Job, Vault, Vaults

TICK_SECONDS = 0.2

logger = logging.getLogger(__name__)


class Teller:
    """Send events for finished retrievals, in a thread that lives while some are unfinished. `due` does so for S3."""

    def __init__(self, vaults: Vaults, due: Callable[[], bool]) -> None:
        self.vaults, self._due = vaults, due
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="glacier-notices")
                self._thread.start()

    def tell(self) -> bool:
        """Send the notices that are due; True while there is more to come."""
        due, waiting = [], False
        with self.vaults.lock:
            for vault in self.vaults.vaults.values():
                for job in vault.jobs.values():
                    if job.status(self.vaults.clock.seconds()) == "InProgress":
                        waiting = True
                    elif not job.told:
                        job.told = True
                        due.append((vault, job))
        for vault, job in due:
            self._tell(vault, job)
        return self._due() or waiting

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(TICK_SECONDS)
            with self._lock:
                try:
                    more = self.tell()
                except Exception:
                    logger.exception("sending the events of finished retrievals")
                    more = False  # the next retrieval wakes it again
                if not more:
                    self._thread = None
                    return

    def _tell(self, vault: Vault, job: Job) -> None:
        topics = {job.topic} - {""}
        wanted = vault.notifications or {}
        if f"{job.action}Completed" in wanted.get("Events", []):
            topics.add(wanted["SNSTopic"])
        for topic in topics:
            try:
                message = json.dumps(self.vaults.described(vault, job))
                sns_backends[ACCOUNT][REGION].publish(message, arn=topic)
            except Exception:
                logger.warning("a notice could not be sent to %s", topic, exc_info=True)
