"""The states of a job and of a result, and which state may follow which.

`gas.jobs.moves` has the only functions that assign a state.
"""

from django.db import models


class JobStatus(models.TextChoices):
    """The status of a job."""

    UPLOADING = "UPLOADING", "Uploading"
    PENDING = "PENDING", "Waiting"
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class ResultState(models.TextChoices):
    """Where the bytes of a result are."""

    AVAILABLE = "AVAILABLE", "Available"
    ARCHIVING = "ARCHIVING", "Archiving"
    ARCHIVED = "ARCHIVED", "Archived"
    RESTORING = "RESTORING", "Restoring"
    DELETED = "DELETED", "Deleted"


#: from → to. RUNNING → PENDING is a lost or released lease; FAILED and CANCELLED → PENDING is a retry.
JOB_TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.UPLOADING: frozenset({JobStatus.PENDING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.PENDING: frozenset({JobStatus.RUNNING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.RUNNING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.PENDING}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset({JobStatus.PENDING}),
    JobStatus.CANCELLED: frozenset({JobStatus.PENDING}),
}
RESULT_TRANSITIONS: dict[ResultState, frozenset[ResultState]] = {
    ResultState.AVAILABLE: frozenset({ResultState.ARCHIVING, ResultState.DELETED}),
    ResultState.ARCHIVING: frozenset({ResultState.ARCHIVED, ResultState.AVAILABLE, ResultState.DELETED}),
    ResultState.ARCHIVED: frozenset({ResultState.RESTORING, ResultState.DELETED}),
    ResultState.RESTORING: frozenset({ResultState.AVAILABLE, ResultState.ARCHIVED, ResultState.DELETED}),
    ResultState.DELETED: frozenset(),
}

ACTIVE = frozenset({JobStatus.UPLOADING, JobStatus.PENDING, JobStatus.RUNNING})
FINISHED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})
