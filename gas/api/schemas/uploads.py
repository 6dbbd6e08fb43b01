"""Uploads: a file on its way to a job."""

from datetime import datetime
from uuid import UUID

from ninja import Schema
from pydantic import Field

from gas.jobs.lifecycle import parts

#: No S3 object is larger than 50 TB.
LARGEST = 2**63 - 1
#: No upload has more parts.
LAST_PART = 10_000


class UploadIn(Schema):
    """A file to upload."""

    name: str = Field(max_length=1000, description="The name of the file, such as sample.vcf.gz.")
    size: int = Field(ge=0, le=LARGEST, strict=True, description="Bytes of the file.")
    reference: str = Field(max_length=64, description="The id of one of /references.")
    in_parts: bool = Field(False, description="Send the file in parts, however small it is. Large files always are.")


class FormOut(Schema):
    """A form that takes the file in one piece."""

    url: str = Field(description="POST the file there as multipart/form-data, without the token.")
    fields: dict[str, str] = Field(description="Send these fields first, and then the file as the field file.")


class PartsOut(Schema):
    """How the file is cut into parts."""

    size: int = Field(description="Bytes of each part but the last.")
    count: int = Field(description="Number of parts; they are numbered from 1.")


class UploadOut(Schema):
    """A job that waits for its file, and how to send it: with a form or in parts."""

    job: UUID = Field(description="The id of the job.")
    form: FormOut | None = Field(
        description="For a file in one piece; null for one in parts, and when the answer is repeated by an "
        "Idempotency-Key: GET the upload for a form."
    )
    parts: PartsOut | None = Field(description="For a file in parts; null for one in one piece.")
    expires_at: datetime = Field(
        description="When the form stops working: GET the upload for a new one. An upload in parts ends then, "
        "unless more parts are sent."
    )


class PartIn(Schema):
    """A part that is about to be sent."""

    number: int = Field(ge=1, le=LAST_PART, strict=True, description="Of the part, from 1.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of its bytes, in lower-case hex.")


class PartsIn(Schema):
    """Parts that are about to be sent."""

    parts: list[PartIn] = Field(min_length=1, max_length=parts.SIGN_AT_ONCE)


class PartAddressOut(Schema):
    """Where to send a part."""

    number: int
    url: str = Field(description="PUT the bytes of the part there, without the token.")
    headers: dict[str, str] = Field(description="Headers that the PUT must have. The storage refuses other bytes.")


class PartAddressesOut(Schema):
    """Where to send some parts."""

    items: list[PartAddressOut]


class ArrivedPartOut(Schema):
    """A part that has arrived."""

    number: int
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="SHA-256 of its bytes, in hex.")


class ArrivedPartsOut(Schema):
    """The parts that have arrived."""

    items: list[ArrivedPartOut]
