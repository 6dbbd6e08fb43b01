"""Celery tasks of the site, on the default queue. Each fetches by id and calls one function."""

from django.conf import settings

from gas import rounds
from gas.celery import app
from gas.jobs.lifecycle.sweep import sweep as run_sweep
from gas.jobs.mails import notices
from gas.jobs.storage import purge
from gas.tasknames import PURGE, SEND_NOTICE, SWEEP


@app.task(name=SEND_NOTICE)
def send_notice(notice_id: str) -> None:
    """Send the mail of a notice that is due.

    After: SES has the mail and the notice says when, or the next try is scheduled.
    """
    notices.send(int(notice_id))


@app.task(name=PURGE, autoretry_for=(Exception,), retry_backoff=5, retry_backoff_max=300, max_retries=4)
def empty_folders(purge_id: str) -> None:
    """Empty the folders of a Purge, and delete its row once nothing can be written there."""
    purge.empty_folders(int(purge_id))


@app.task(name=SWEEP)
def sweep() -> None:
    """Repair rows that are stuck: lost messages, expired leases, unfinished uploads, mails, folders."""
    if not rounds.just_taken("sweep", settings.SWEEP_SECONDS):
        run_sweep()
