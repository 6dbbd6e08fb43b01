"""Where results are, and how they come back from the archive."""

from datetime import datetime
from uuid import UUID

from ninja import Schema
from pydantic import Field

from gas.jobs.models import RestoreBatch
from gas.jobs.states import ResultState


class TierOut(Schema):
    """One way to bring results back from the archive."""

    name: str
    price: float = Field(description="About how many US dollars it costs the service.")
    words: str = Field(description="How long it takes.")


class EstimateOut(Schema):
    """What bringing archived results back would take."""

    count: int = Field(description="Results.")
    size: int = Field(description="Bytes of them.")
    large: int = Field(description="Results that are too large for the fastest tier.")
    tiers: list[TierOut]


class StateOut(Schema):
    """How many results are in one state."""

    state: ResultState
    count: int
    size: int = Field(description="Bytes of them.")


class StorageOut(Schema):
    """Where the account's results are."""

    results: list[StateOut]
    archived: EstimateOut | None = Field(description="What bringing the archived ones back would take; null for none.")
    can_restore: bool = Field(description="Whether the plan brings archived results back.")


class RetrievalOut(Schema):
    """A result on its way back from the archive."""

    tier: str
    asked_at: datetime
    expected_by: datetime
    fraction: float = Field(description="From 0 to 1, by the time that the tier takes.")
    late: bool


class JobStorageOut(Schema):
    """Where the result of a job is."""

    state: ResultState
    size: int = Field(description="Bytes.")
    archive_due_at: datetime | None = Field(description="When it is archived; null for never.")
    archived_at: datetime | None
    retrieval: RetrievalOut | None = Field(description="Its way back from the archive; null if it is on none.")
    restore: EstimateOut | None = Field(description="What bringing it back would take; null unless it is archived.")


class RestoreIn(Schema):
    """Results to bring back from the archive."""

    jobs: list[UUID] | None = Field(
        None, min_length=1, max_length=1000, description="The jobs whose results come back; null for all."
    )


class RestoreOut(Schema):
    """Results that come back from the archive together."""

    id: int
    tiers: list[str] = Field(description="Retrieval tiers, in the order in which they are asked for.")
    created_at: datetime
    finished_at: datetime | None = Field(description="When all of them were back or given up; null until then.")
    restored: int = Field(description="Results that are back.")
    given_up: int = Field(description="Results that could not be brought back. Staff look at them.")

    @classmethod
    def of(cls, batch: RestoreBatch) -> "RestoreOut":
        """Make it of a row."""
        return cls(
            id=batch.pk,
            tiers=batch.tiers,
            created_at=batch.created_at,
            finished_at=batch.finished_at,
            restored=batch.restored,
            given_up=batch.given_up,
        )
