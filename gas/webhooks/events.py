"""The types of events, and the JSON that reports one. To add a type, add a member and the move that it reports."""

import json
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import models
from django.urls import reverse

from gas.jobs.states import JobStatus, ResultState


class Event(models.TextChoices):
    """What an endpoint can be sent. The value is the `type` in the JSON."""

    COMPLETED = "job.completed", "A job is completed: its result can be read"
    FAILED = "job.failed", "A job failed"
    ARCHIVED = "job.archived", "A job’s result moved to the archive"
    RESTORED = "job.restored", "A job’s result is back from the archive"
    DELETED = "job.deleted", "A job was deleted"


#: The type of an event that its owner asks for, to try an endpoint.
TEST = "webhook.test"
#: The state in the JSON of a job that is no longer there.
DELETED_STATE = "DELETED"


def event_of(machine: str, seen: str, to: str) -> Event | None:
    """Return the event that reports a move of a job or a result; None if no event does."""
    if machine == "job":
        return {JobStatus.COMPLETED: Event.COMPLETED, JobStatus.FAILED: Event.FAILED}.get(JobStatus(to))
    return {
        (ResultState.ARCHIVING, ResultState.ARCHIVED): Event.ARCHIVED,
        (ResultState.RESTORING, ResultState.AVAILABLE): Event.RESTORED,
    }.get((ResultState(seen), ResultState(to)))


def body(event: str, at: datetime, *, job: UUID | None = None, state: str = "") -> str:
    """Return the JSON of an event: which job, its addresses and its state, and nothing of what is in it.

    Args:
        event: the type.
        at: when it happened.
        job: the job's id; None for a test.
        state: the new state of the job, or of its result.
    """
    data = {"job": str(job), "url": _page(job), "api_url": _resource(job), "state": state} if job else {}
    return json.dumps({"type": event, "timestamp": at.isoformat(timespec="milliseconds"), "data": data})


def _page(job: UUID) -> str:
    return f"{settings.SITE_URL}{reverse('jobs:detail', args=[job])}"


def _resource(job: UUID) -> str:
    return f"{settings.SITE_URL}{reverse('api-v1:get_job', args=[job])}"
