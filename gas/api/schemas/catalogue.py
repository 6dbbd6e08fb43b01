"""What files can be annotated with."""

from ninja import Schema
from pydantic import Field


class ReferenceOut(Schema):
    """A reference that new files can be annotated with."""

    id: str = Field(description="What an upload names it by.")
    title: str
    organism: str
    version: str
    description: str
    default: bool = Field(description="Whether the upload page chooses it.")


class ReferencesOut(Schema):
    """The references on offer."""

    items: list[ReferenceOut]


class SourceOut(Schema):
    """A source of known variants that new jobs use."""

    reference: str = Field(description="The reference that it is for.")
    name: str
    title: str
    version: str
    tags: list[str] = Field(description="The INFO tags that it adds.")
    alleles: int = Field(description="How many it knows.")


class SourcesOut(Schema):
    """The sources on offer."""

    items: list[SourceOut]
