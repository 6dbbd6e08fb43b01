"""Uploads: a file on its way to a job."""

from datetime import datetime
from uuid import UUID

from ninja import Schema
from pydantic import Field

#: No S3 object is larger than 50 TB.
LARGEST = 2**63 - 1


class UploadIn(Schema):
    """A file to upload."""

    name: str = Field(max_length=1000, description="The name of the file, such as sample.vcf.gz.")
    size: int = Field(ge=0, le=LARGEST, strict=True, description="Bytes of the file.")
    reference: str = Field(max_length=64, description="The id of one of /references.")


class UploadOut(Schema):
    """A job that waits for its file, and the form to send it with."""

    job: UUID = Field(description="The id of the job.")
    url: str = Field(description="POST the file there as multipart/form-data, without the token.")
    fields: dict[str, str] = Field(description="Send these fields first, and then the file as the field file.")
    expires_at: datetime = Field(description="When the form stops working. GET the upload for a new one.")
