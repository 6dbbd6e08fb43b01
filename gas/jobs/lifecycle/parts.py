"""Multipart uploads: for a file too large for one form, or sent by a program. They can be interrupted and resumed.

The server chooses the size and number of the parts. The client states the SHA-256 of a part, and gets an address that
accepts only these bytes: S3 checks them as they arrive. S3 lists the parts that have arrived, so that an upload of the
same file can be resumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from gas.aws import multipart, presigned
from gas.jobs.models import Job, PartedUpload, UploadPart

_MEBIBYTE = 1024**2
#: Maximum number of addresses per request.
SIGN_AT_ONCE = 100


class PartsMissing(Exception):
    """Not all parts have arrived: `missing` of `count` are still to be sent."""

    def __init__(self, missing: int, count: int) -> None:
        super().__init__(f"{missing} of {count} parts have not arrived.")
        self.missing, self.count = missing, count


class NoSuchPart(Exception):
    """The upload has no part with this number."""


@dataclass(frozen=True)
class ArrivedPart:
    """A part that is in S3 as it was announced.

    number: from 1.
    size: bytes.
    sha256: of its bytes, in hexadecimal.
    """

    number: int
    size: int
    sha256: str


@dataclass(frozen=True)
class PartAddress:
    """Where a part is put.

    number: from 1.
    url: for an HTTP PUT.
    headers: that the request must carry.
    """

    number: int
    url: str
    headers: Mapping[str, str]


def part_size(size: int) -> int:
    """Return the part size in bytes for a file of `size` bytes: UPLOAD_PART_BYTES, or more if 10,000 are too few."""
    least = -(-size // multipart.MAX_PARTS)
    return max(settings.UPLOAD_PART_BYTES, -(-least // _MEBIBYTE) * _MEBIBYTE)


def begin(job: Job, size: int) -> PartedUpload:
    """Begin an upload in S3 for a file of `size` bytes, and return its row, not saved."""
    upload_id = multipart.create(job.input_key)
    return PartedUpload(job=job, upload_id=upload_id, size=size, part_size=part_size(size))


def addresses(upload: PartedUpload, checksums: Mapping[int, str]) -> list[PartAddress]:
    """Store the checksums of parts, and return the addresses to send them to, by number.

    Args:
        checksums: number → SHA-256 of the part's bytes, in hexadecimal.

    Raises:
        NoSuchPart: a number is not one of the upload's.
    """
    for number in checksums:
        if not 1 <= number <= upload.count:
            raise NoSuchPart(f"There is no part {number}: this upload has {upload.count}.")
    rows = [UploadPart(upload=upload, number=number, sha256=sha256) for number, sha256 in checksums.items()]
    UploadPart.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["upload", "number"], update_fields=["sha256"]
    )
    return [_address(upload, number, checksums[number]) for number in sorted(checksums)]


def _address(upload: PartedUpload, number: int, sha256: str) -> PartAddress:
    key, checksum = upload.job.input_key, multipart.CheckedPart(number, "", bytes.fromhex(sha256)).checksum
    url = presigned.part_url(key, upload.upload_id, number, size=upload.size_of(number), checksum=checksum)
    return PartAddress(number, url, {"x-amz-checksum-sha256": checksum})


def arrived(upload: PartedUpload) -> list[ArrivedPart]:
    """Return the complete parts in S3, by number. Raises gas.aws.multipart.UploadGone."""
    return [ArrivedPart(part.number, upload.size_of(part.number), part.sha256.hex()) for part in _checked_parts(upload)]


def _checked_parts(upload: PartedUpload) -> list[multipart.CheckedPart]:
    announced = dict(upload.parts.values_list("number", "sha256"))
    checked = []
    for part in multipart.stored_parts(upload.job.input_key, upload.upload_id):
        if part.number not in announced or part.size != upload.size_of(part.number):
            continue
        whole = multipart.CheckedPart(part.number, part.etag, bytes.fromhex(announced[part.number]))
        if part.checksum in {"", whole.checksum}:
            checked.append(whole)
    return checked


def complete(upload: PartedUpload) -> None:
    """Combine the parts into one object. Does nothing if that is done already.

    Raises:
        PartsMissing: some parts have not arrived.
        gas.aws.s3.CopyDiffers: the bytes in S3 are not those announced.
    """
    try:
        try:
            _complete(upload)
        except multipart.PartReplaced:  # sent once more between the two requests, as from another tab
            _complete(upload)
    except multipart.UploadGone:
        return  # it is completed or aborted: the caller looks for the object


def _complete(upload: PartedUpload) -> None:
    parts = _checked_parts(upload)
    if len(parts) < upload.count:
        raise PartsMissing(upload.count - len(parts), upload.count)
    multipart.complete(upload.job.input_key, upload.upload_id, parts)


def end(upload: PartedUpload) -> None:
    """Remove the parts of an upload that has ended, and its row. An object made of the parts stays."""
    multipart.abort(upload.job.input_key, upload.upload_id)
    upload.delete()
