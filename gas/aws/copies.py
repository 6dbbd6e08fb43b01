"""Copy an object within S3, between storage classes, verified by the SHA-256 of the written object.

CopyObject with `ChecksumAlgorithm` SHA256 makes S3 compute and return the hash of the whole object that it wrote, so
nothing is read to verify. Above 5 GB S3 requires a multipart copy, for which it returns the SHA-256 of each part but
not of the whole ("Checking object integrity", S3 user guide). Then the source is read once, as a stream with the same
ETag, to compute the hashes of the parts and the whole.
"""

import base64
import hashlib
import logging
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from gas.aws import s3
from gas.aws.clients import AWSError, error_code
from gas.aws.clients import s3 as client
from gas.aws.s3 import CopyDiffers, ObjectMissing, StoredDiffers
from gas.aws.spool import checked

#: CopyObject takes no larger source.
SINGLE_COPY_MAX_BYTES = 5 * 1024**3
#: At most 10,000 parts: enough for 4.8 TiB, and S3's largest object is 5 TB.
PART_BYTES = 512 * 1024**2

logger = logging.getLogger(__name__)


def copy(bucket: str, source: str, target: str, *, size: int, sha256: str, storage_class: str) -> None:
    """Copy one object to another key and class of the same bucket; its metadata goes with it.

    Raises:
        ObjectMissing: there is no source.
        CopyDiffers: the source or the copy is not `size` bytes with this SHA-256. The copy was deleted.
    """
    try:
        if size > SINGLE_COPY_MAX_BYTES:
            _copy_parts(bucket, source, target, size, sha256, storage_class)
        else:
            _copy_whole(bucket, source, target, sha256, storage_class)
        _check(bucket, target, size, storage_class)
    except CopyDiffers:
        s3.delete(bucket, target)
        raise


def _copy_whole(bucket: str, source: str, target: str, sha256: str, storage_class: str) -> None:
    try:
        answer: Any = client().copy_object(
            Bucket=bucket,
            Key=target,
            CopySource={"Bucket": bucket, "Key": source},
            StorageClass=storage_class,  # type: ignore[arg-type]
            MetadataDirective="COPY",
            ChecksumAlgorithm="SHA256",
        )
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            raise ObjectMissing(source) from error
        raise
    told = answer["CopyObjectResult"].get("ChecksumSHA256", "")
    if told != _base64(bytes.fromhex(sha256)):
        raise CopyDiffers(f"{target}: SHA-256 {sha256} was expected; S3 says {told or 'nothing'} (base64)")


def _copy_parts(bucket: str, source: str, target: str, size: int, sha256: str, storage_class: str) -> None:
    try:
        info: Any = client().head_object(Bucket=bucket, Key=source)
    except ClientError as error:
        if error_code(error) == "404":
            raise ObjectMissing(source) from error
        raise
    place: Any = {"Bucket": bucket, "Key": target}
    upload = client().create_multipart_upload(
        **place,
        StorageClass=storage_class,  # type: ignore[arg-type]
        ContentType=info["ContentType"],
        Metadata=info["Metadata"],
        ChecksumAlgorithm="SHA256",
    )["UploadId"]
    try:
        chunks = checked(s3.stream(bucket, source, etag=info["ETag"]), size=size, sha256=sha256)
        options = {**place, "UploadId": upload, "CopySource": {"Bucket": bucket, "Key": source}}
        options["CopySourceIfMatch"] = info["ETag"]
        made = [_copy_part(options, number, *part) for number, part in enumerate(_part_hashes(chunks), 1)]
        client().complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": made})
    except BaseException:
        _abort(place, upload)
        raise


def _copy_part(options: Any, number: int, start: int, length: int, digest: bytes) -> Any:
    """Copy one part, and return its entry for the call that completes the upload."""
    answer: Any = client().upload_part_copy(
        **options, PartNumber=number, CopySourceRange=f"bytes={start}-{start + length - 1}"
    )
    part = answer["CopyPartResult"]
    if part.get("ChecksumSHA256") != _base64(digest):
        raise StoredDiffers(f"{options['Key']}: part {number} is not as it was read")
    return {"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}


def _part_hashes(chunks: Iterator[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Yield (start, length, SHA-256) of each part, the last one after all chunks were read and checked."""
    start, held, digest = 0, 0, hashlib.sha256()
    for chunk in chunks:
        left = memoryview(chunk)
        while left:
            if held == PART_BYTES:
                yield start, held, digest.digest()
                start, held, digest = start + held, 0, hashlib.sha256()
            piece, left = left[: PART_BYTES - held], left[PART_BYTES - held :]
            digest.update(piece)
            held += len(piece)
    yield start, held, digest.digest()


def _check(bucket: str, target: str, size: int, storage_class: str) -> None:
    info = client().head_object(Bucket=bucket, Key=target)
    found = info["ContentLength"], info.get("StorageClass", "STANDARD")
    if found != (size, storage_class):
        raise StoredDiffers(f"{target}: {size} bytes of {storage_class} were expected; there are {found}")


def _abort(place: Any, upload: str) -> None:
    """Abort an upload: its parts cost money. If even this fails, a lifecycle rule must delete them."""
    try:
        client().abort_multipart_upload(**place, UploadId=upload)
    except AWSError as error:
        logger.warning("an unfinished copy is left behind: %s", error_code(error) or type(error).__name__)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
