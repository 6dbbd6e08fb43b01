"""Uploads in parts to the inputs bucket: begin, list, complete, abort. A part goes to a URL of `gas.aws.presigned`.

Source of the limits: "Amazon S3 multipart upload limits", Amazon S3 user guide (qfacts.html).
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from botocore.exceptions import ClientError
from django.conf import settings

from gas.aws.clients import error_code, s3
from gas.aws.presigned import UPLOAD_CONTENT_TYPE
from gas.aws.s3 import CopyDiffers

MAX_PARTS = 10_000
MAX_OBJECT_BYTES = 5 * 1024**4


class UploadGone(Exception):
    """S3 knows no such upload: it was completed, or aborted."""


class PartReplaced(CopyDiffers):
    """S3 no longer has a part as it was listed."""


@dataclass(frozen=True)
class StoredPart:
    """A part that S3 has.

    number: from 1.
    size: bytes.
    etag: as S3 gives it, quotes included.
    checksum: SHA-256 of its bytes, base64; "" if S3 does not tell.
    """

    number: int
    size: int
    etag: str
    checksum: str


@dataclass(frozen=True)
class CheckedPart:
    """A part as it is to be in the object.

    number: from 1.
    etag: of the part that S3 has.
    sha256: of its bytes, 32 bytes.
    """

    number: int
    etag: str
    sha256: bytes

    @property
    def checksum(self) -> str:
        """The SHA-256 as S3 writes it."""
        return base64.b64encode(self.sha256).decode()


def create(key: str) -> str:
    """Begin an upload whose parts are checked by SHA-256, and return its id."""
    answer = s3().create_multipart_upload(
        Bucket=settings.S3_INPUTS_BUCKET, Key=key, ContentType=UPLOAD_CONTENT_TYPE, ChecksumAlgorithm="SHA256"
    )
    return answer["UploadId"]


def stored_parts(key: str, upload_id: str) -> Iterator[StoredPart]:
    """Yield the parts that S3 has, by number. Raises UploadGone."""
    pages = s3().get_paginator("list_parts").paginate(Bucket=settings.S3_INPUTS_BUCKET, Key=key, UploadId=upload_id)
    try:
        for page in pages:
            for part in page.get("Parts", []):
                yield StoredPart(part["PartNumber"], part["Size"], part["ETag"], part.get("ChecksumSHA256", ""))
    except ClientError as error:
        raise _known(error, key) from error


def complete(key: str, upload_id: str, parts: Sequence[CheckedPart]) -> None:
    """Make the object of all its parts, in the order of their numbers.

    S3 compares each part with its SHA-256, and computes a checksum of all of them, which is compared here.

    Raises:
        UploadGone: it was completed before, or aborted.
        PartReplaced: list the parts again.
        CopyDiffers: the object is not made of these parts.
    """
    listed = [{"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": part.checksum} for part in parts]
    try:
        s3().complete_multipart_upload(
            Bucket=settings.S3_INPUTS_BUCKET,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": listed},  # type: ignore[typeddict-item]
        )
    except ClientError as error:
        if error_code(error) in {"InvalidPart", "BadDigest"}:
            raise PartReplaced(f"{key}: {error}") from error
        raise _known(error, key) from error
    all_parts = base64.b64encode(hashlib.sha256(b"".join(part.sha256 for part in parts)).digest()).decode()
    stored = s3().head_object(Bucket=settings.S3_INPUTS_BUCKET, Key=key, ChecksumMode="ENABLED")
    told = stored.get("ChecksumSHA256", "").partition("-")[0]
    if told != all_parts:
        raise CopyDiffers(f"{key}: S3 has the checksum {told!r}, the parts sent have {all_parts!r}")


def abort(key: str, upload_id: str) -> None:
    """Remove an upload and its parts. One that is gone already is no error."""
    with suppress(UploadGone):
        try:
            s3().abort_multipart_upload(Bucket=settings.S3_INPUTS_BUCKET, Key=key, UploadId=upload_id)
        except ClientError as error:
            raise _known(error, key) from error


def abort_all(prefix: str) -> None:
    """Remove every upload whose key begins with `prefix`, and its parts."""
    pages = s3().get_paginator("list_multipart_uploads").paginate(Bucket=settings.S3_INPUTS_BUCKET, Prefix=prefix)
    for page in pages:
        for upload in page.get("Uploads", []):
            abort(upload["Key"], upload["UploadId"])


def _known(error: ClientError, key: str) -> Exception:
    return UploadGone(key) if error_code(error) == "NoSuchUpload" else error
