"""Presigned forms and URLs: they give a browser or a program temporary access to one object, without a key."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.http import content_disposition_header

from gas.aws.clients import s3

UPLOAD_CONTENT_TYPE = "application/octet-stream"


def upload_form(key: str, *, max_bytes: int) -> dict[str, Any]:
    """Return a form that lets a browser put one object at `key` of the inputs bucket: {"url": …, "fields": {…}}.

    The policy fixes the key, the content type, 1 to `max_bytes` bytes, and `upload_seconds()`.
    """
    return s3().generate_presigned_post(
        settings.S3_INPUTS_BUCKET,
        key,
        Fields={"Content-Type": UPLOAD_CONTENT_TYPE},
        Conditions=[{"Content-Type": UPLOAD_CONTENT_TYPE}, ["content-length-range", 1, max_bytes]],
        ExpiresIn=upload_seconds(),
    )


def part_url(key: str, upload_id: str, number: int, *, size: int, checksum: str) -> str:
    """Return a URL to which one part of an upload is put, for `upload_seconds()`.

    Args:
        key: of the object in the inputs bucket.
        upload_id: S3's id of the multipart upload.
        number: of the part, from 1.
        size: bytes of the part. S3 refuses more or fewer.
        checksum: SHA-256 of the part's bytes, base64. S3 refuses other bytes; the request must carry it in the header
            `x-amz-checksum-sha256`.
    """
    return s3().generate_presigned_url(
        "upload_part",
        Params={
            "Bucket": settings.S3_INPUTS_BUCKET,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size,
            "ChecksumSHA256": checksum,
        },
        ExpiresIn=upload_seconds(),
    )


def download_url(bucket: str, key: str, *, filename: str) -> str:
    """Return a URL that downloads the object as `filename`, for DOWNLOAD_EXPIRES_SECONDS at most."""
    disposition = content_disposition_header(as_attachment=True, filename=filename) or "attachment"
    return s3().generate_presigned_url(
        "get_object",
        Params={"Bucket": bucket, "Key": key, "ResponseContentDisposition": disposition},
        ExpiresIn=_lifetime(settings.DOWNLOAD_EXPIRES_SECONDS),
    )


def upload_seconds() -> int:
    """Return the lifetime in seconds of a form or part URL that is signed now: at most UPLOAD_EXPIRES_SECONDS."""
    return _lifetime(settings.UPLOAD_EXPIRES_SECONDS)


def _lifetime(seconds: int) -> int:
    """Return `seconds`, or the remaining lifetime of the credentials if that is less.

    S3 refuses URLs signed in a role's session once the session has ended, even before their expiry.
    """
    credentials: Any = s3()._get_credentials()  # type: ignore[attr-defined]  # noqa: SLF001 (botocore has no other way)
    if credentials is None:
        return seconds
    credentials.get_frozen_credentials()  # renews them if they end soon, as signing does
    ends: datetime | None = getattr(credentials, "_expiry_time", None)
    if ends is None:
        return seconds
    return max(1, min(seconds, int((ends - datetime.now(UTC)).total_seconds())))
