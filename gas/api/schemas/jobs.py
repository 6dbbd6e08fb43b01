"""Jobs, their events and logs, as programs see them.

A page of jobs is polled by every client, so that its items are pydantic's own models: ninja's Schema looks each value
up once more.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Schema
from pydantic import BaseModel, Field

from gas.api.paging import PageQuery
from gas.jobs.lifecycle import actions
from gas.jobs.models import Job, JobEvent, ResultFile
from gas.jobs.output_files import JobFile
from gas.jobs.states import JobStatus, ResultState

StateFilter = Literal[
    "",
    "UPLOADING",
    "PENDING",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "AVAILABLE",
    "ARCHIVING",
    "ARCHIVED",
    "RESTORING",
]


class JobQuery(PageQuery):
    """Which jobs are asked for."""

    q: str = Field(
        "", max_length=255, pattern=r"^[^\x00]*$", description="Jobs whose name contains this text, in whatever case."
    )
    status: StateFilter = Field("", description="Jobs in this state, or whose result is in this state.")


class FailureOut(BaseModel):
    """Why a job failed."""

    code: str = Field(description="A stable name of the reason.")
    message: str = Field(description="What happened and where.")
    advice: str = Field(description="What its owner can do.")


class ResultOut(BaseModel):
    """The annotated VCF of a job."""

    state: ResultState = Field(description="Where its bytes are. Only an AVAILABLE result can be downloaded.")
    size: int = Field(description="Bytes of the annotated VCF.")
    sha256: str = Field(description="SHA-256 of the annotated VCF, in hex.")
    archive_due_at: datetime | None = Field(description="When it is archived; null for never.")
    retrieval_tier: str = Field(description="How it is brought back from the archive; empty if it is not.")


class JobOut(BaseModel):
    """One uploaded file and the work on it."""

    id: UUID
    name: str = Field(description="The name of the uploaded file.")
    reference: str = Field(description="The reference that it is annotated with.")
    status: JobStatus
    stage: str = Field(description="What a running job is doing.")
    records_done: int = Field(description="Records that a running job has annotated.")
    queue_position: int | None = Field(description="1 for the job that is next; null if it does not wait.")
    input_size: int | None = Field(description="Bytes of the upload; null until it is confirmed.")
    created_at: datetime
    submitted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    failure: FailureOut | None = Field(description="Why it failed; null unless its status is FAILED.")
    result: ResultOut | None = Field(description="The annotated VCF; null while there is none.")
    can_cancel: bool
    can_retry: bool

    @classmethod
    def of(cls, job: Job, *, queue_position: int | None) -> "JobOut":
        """Make it of a row whose owner and result are at hand."""
        result: ResultFile | None = getattr(job, "result", None)
        failed = job.status == JobStatus.FAILED
        return cls(
            id=job.pk,
            name=job.name,
            reference=job.reference,
            status=JobStatus(job.status),
            stage=job.stage,
            records_done=job.records_done,
            queue_position=queue_position,
            input_size=job.input_size,
            created_at=job.created_at,
            submitted_at=job.submitted_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            failure=FailureOut(code=job.failure_code, message=job.failure_message, advice=job.failure_advice)
            if failed
            else None,
            result=ResultOut(
                state=ResultState(result.state),
                size=result.size,
                sha256=result.sha256,
                archive_due_at=result.archive_due_at,
                retrieval_tier=result.retrieval_tier,
            )
            if result
            else None,
            can_cancel=job.can_cancel,
            can_retry=not actions.retry_refusal(job),
        )


class EventOut(Schema):
    """One line of a job's timeline."""

    at: datetime
    message: str
    machine: str = Field(description="What moved: job, result, or empty.")
    from_state: str
    to_state: str

    @classmethod
    def of(cls, event: JobEvent) -> "EventOut":
        """Make it of a row."""
        return cls(
            at=event.at,
            message=event.message,
            machine=event.machine,
            from_state=event.from_state,
            to_state=event.to_state,
        )


class LogOut(Schema):
    """The beginning of a job's log."""

    text: str
    truncated: bool = Field(description="Whether there is more; the whole is the output of kind log.")


class OutputOut(Schema):
    """A file of a job."""

    kind: str = Field(description="Names the file in addresses.")
    label: str
    name: str = Field(description="The name to save it under.")
    size: int | None = Field(description="Bytes; null if it is not known.")

    @classmethod
    def of(cls, file: JobFile) -> "OutputOut":
        """Make it of a file."""
        return cls(kind=file.kind, label=file.label, name=file.saved_as, size=file.size)


class OutputsOut(Schema):
    """The files of a job that can be downloaded now."""

    items: list[OutputOut]


class DownloadOut(OutputOut):
    """A file of a job, and where to download it."""

    url: str = Field(description="Send a GET without the token there; Range is understood.")
    expires_at: datetime = Field(description="When the address stops working. Ask again for another.")
    sha256: str | None = Field(description="SHA-256 of the file, in hex; null if it is not known.")
