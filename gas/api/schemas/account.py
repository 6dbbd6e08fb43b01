"""The account, its plan and usage, and its tokens."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from gas.api.models import AccessToken


class PlanOut(Schema):
    """What the account may do."""

    id: str
    title: str
    max_upload_bytes: int = Field(description="Bytes of the largest file.")
    concurrent_jobs: int = Field(description="Jobs that run at the same time.")
    archive_after_seconds: float | None = Field(
        description="Seconds after which results are archived; null if they stay in the storage."
    )
    lasts_until: datetime | None = Field(description="When it ends if nobody renews it; null if it has no known end.")


class UsageOut(Schema):
    """What the account has used."""

    jobs: int
    active_jobs: int
    stored_results: int
    stored_bytes: int
    archived_results: int
    archived_bytes: int


class TokenOut(Schema):
    """A personal token, without its secret."""

    id: UUID
    name: str
    hint: str = Field(description="The first characters of the token.")
    scopes: list[str]
    state: Literal["active", "revoked", "expired"]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: AccessToken) -> "TokenOut":
        """Make it of a row."""
        return cls(
            id=row.pk,
            name=row.name,
            hint=row.hint,
            scopes=row.scopes,
            state=row.state,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )


class AccountOut(Schema):
    """The account that the token is of."""

    id: UUID
    email: str
    name: str
    plan: PlanOut
    usage: UsageOut
    scopes: list[str] = Field(description="What this request's token allows.")
    token: TokenOut | None = Field(description="This request's token; null for other ways to sign in.")
