"""Objects in S3: verified upload, streamed download, list, delete."""

import base64
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError, FlexibleChecksumError

from gas.aws.clients import error_code, s3

CHUNK_BYTES = 1024 * 1024
#: Bounds memory to a few parts at once; boto3's default of ten is hardly faster.
_TRANSFER = TransferConfig(max_concurrency=4)


class ObjectMissing(Exception):
    """The object does not exist."""


class ObjectChanged(Exception):
    """The object is not the one that was read before: its ETag differs."""


class CopyDiffers(Exception):
    """The object in S3 differs from what was sent; the source must be kept."""


class StoredDiffers(CopyDiffers):
    """The source was right, but the stored object differs from it."""


class NotDeleted(Exception):
    """S3 refused to delete some of the objects."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object. `size` is in bytes; `etag` is as in S3's response, with quotes."""

    size: int
    etag: str


@dataclass(frozen=True)
class ListedObject:
    """An object in a listing. `size` is in bytes."""

    key: str
    size: int
    modified_at: datetime


@dataclass(frozen=True)
class ObjectPage:
    """A page of a listing. `more`: there are objects after the last of these."""

    objects: list[ListedObject]
    more: bool


def _is_missing(error: ClientError) -> bool:
    """Return whether a HEAD found no such object."""
    return error_code(error) in {"404", "NoSuchKey", "NotFound"}


def head(bucket: str, key: str) -> ObjectInfo | None:
    """Return size and ETag, or None when the object does not exist."""
    try:
        answer = s3().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if _is_missing(error):
            return None
        raise
    return ObjectInfo(size=answer["ContentLength"], etag=answer["ETag"])


def exists(bucket: str, key: str) -> bool:
    """Return whether the object exists. Tries only once, because a person waits. Raises AWSError."""
    try:
        s3(attempts=1).head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if _is_missing(error):
            return False
        raise
    return True


def stream(bucket: str, key: str, *, etag: str = "") -> Iterator[bytes]:
    """Yield the object's bytes in chunks of 1 MiB.

    Raises:
        ObjectMissing: the object does not exist.
        ObjectChanged: `etag` is given and the object has another.
        CopyDiffers: the received bytes differ from those that S3 stored.
    """
    body = _get(bucket, key, etag)["Body"]
    with body:
        yield from _chunks(key, body)


def _chunks(key: str, body: Any) -> Iterator[bytes]:
    """Yield a body in chunks of 1 MiB. botocore verifies the checksum that S3 has of the object, if it has one."""
    try:
        yield from body.iter_chunks(CHUNK_BYTES)
    except FlexibleChecksumError as error:
        raise CopyDiffers(f"{key}: {error}") from error


def _get(bucket: str, key: str, etag: str = "", byte_range: str = "") -> Any:
    """Ask for an object, or a range of it. Raises ObjectMissing, and ObjectChanged where `etag` is given."""
    options = {"IfMatch": etag} if etag else {}
    if byte_range:
        options["Range"] = byte_range
    try:
        return s3().get_object(Bucket=bucket, Key=key, **options)  # type: ignore[arg-type]
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            raise ObjectMissing(key) from error
        if error_code(error) in {"PreconditionFailed", "412"}:
            raise ObjectChanged(key) from error
        raise


def read_start(bucket: str, key: str, *, limit: int) -> tuple[str, bool]:
    """Return the first `limit` bytes as text, and whether there is more. Raises ObjectMissing."""
    answer = _get(bucket, key, byte_range=f"bytes=0-{limit - 1}")
    with answer["Body"] as body:
        text = body.read().decode("utf-8", errors="replace")
    total = int(answer.get("ContentRange", "/0").rpartition("/")[2])
    return text, total > limit


def read_range(bucket: str, key: str, first: int, last: int) -> bytes:
    """Return the bytes from `first` to `last`, both included, or to the object's end. Raises ObjectMissing."""
    with _get(bucket, key, byte_range=f"bytes={first}-{last}")["Body"] as body:
        data: bytes = body.read()
    return data


def download(bucket: str, key: str, path: Path, *, etag: str = "", size: int | None = None) -> None:
    """Stream the object to a file, and check what came.

    Args:
        bucket, key: of the object.
        path: of the file.
        etag: that the object must have; "" for any.
        size: in bytes, that it must have; None for any.

    Raises:
        ObjectMissing, ObjectChanged: as `stream`.
        CopyDiffers: the bytes that came are not `size`, or not what the object's ETag says, where that is an MD5.
        AWSError: the answer broke off.
    """
    answer = _get(bucket, key, etag)
    body, came, digest = answer["Body"], 0, hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file, body:
        for chunk in _chunks(key, body):
            file.write(chunk)
            digest.update(chunk)
            came += len(chunk)
    if size is not None and came != size:
        raise CopyDiffers(f"{key}: {came} bytes came, not {size}")
    if _etag_is_md5(answer) and answer["ETag"].strip('"') != digest.hexdigest():
        raise CopyDiffers(f"{key}: what came does not have the MD5 that its ETag says")


def _etag_is_md5(answer: Any) -> bool:
    """Return False for objects uploaded in parts or encrypted with KMS or customer keys ("Common Response Headers")."""
    encrypted = answer.get("ServerSideEncryption", "").startswith("aws:kms") or answer.get("SSECustomerAlgorithm")
    return not encrypted and len(answer["ETag"].strip('"')) == 32


def upload(path: Path, bucket: str, key: str, *, content_type: str = "application/octet-stream") -> str:
    """Put a file at `key`, verified, and return its SHA-256 in hex.

    boto3 sends a checksum with each part, which S3 verifies on arrival; the size is asked for afterwards.

    Raises:
        CopyDiffers: S3 holds another size.
    """
    digest = sha256(path)
    extra = {"ContentType": content_type, "Metadata": {"sha256": digest}}
    s3().upload_file(str(path), bucket, key, ExtraArgs=extra, Config=_TRANSFER)
    info = head(bucket, key)
    if info is None or info.size != path.stat().st_size:
        raise CopyDiffers(f"{key}: sent {path.stat().st_size} bytes, S3 has {info and info.size}")
    return digest


def delete(bucket: str, key: str) -> None:
    """Delete one object. An object that does not exist is no error."""
    s3().delete_object(Bucket=bucket, Key=key)


def delete_all(bucket: str, keys: Sequence[str]) -> None:
    """Delete up to 1,000 objects in one request. Objects that do not exist are no error.

    Raises:
        NotDeleted: S3 kept some; call again.
    """
    objects = [{"Key": key} for key in keys]
    answer = s3().delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
    if refused := answer.get("Errors"):  # the response is 200 nevertheless
        raise NotDeleted(f"{len(refused)} of {len(keys)} objects: {refused[0].get('Code')}")


def delete_prefix(bucket: str, prefix: str, *, keep: Collection[str] = ()) -> int:
    """Delete every object whose key begins with `prefix`, except the keys to keep. Returns how many there were.

    Raises:
        ValueError: the prefix is not a folder, so that it might name more than is meant.
        NotDeleted: S3 kept some; call again.
    """
    kind, *folders = prefix.split("/")
    if not (kind and len(folders) > 1 and all(folders[:-1]) and not folders[-1]):
        raise ValueError(f"not a job's or a person's folder: {prefix!r}")
    count = 0
    for page in s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        keys = [item["Key"] for item in page.get("Contents", []) if item["Key"] not in keep]
        if keys:
            delete_all(bucket, keys)
            count += len(keys)
    return count


def list_page(bucket: str, prefix: str, *, after: str = "", limit: int = 1000) -> ObjectPage:
    """Return one page of a listing in key order: the objects after key `after`. Costs one request."""
    answer = s3().list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after, MaxKeys=limit)
    objects = [ListedObject(item["Key"], item["Size"], item["LastModified"]) for item in answer.get("Contents", [])]
    return ObjectPage(objects, answer["IsTruncated"])


def list_all(bucket: str, prefix: str) -> Iterator[ListedObject]:
    """Yield all objects whose key begins with `prefix`."""
    after, more = "", True
    while more:
        page = list_page(bucket, prefix, after=after)
        yield from page.objects
        more, after = page.more, page.objects[-1].key if page.objects else ""


def recorded_sha256(bucket: str, key: str) -> str:
    """Return the SHA-256 that S3 has of an object, in hex, without reading the object; "" if there is none.

    It is the hash that S3 computed when the whole object was copied, or else the hash in the object's metadata.
    """
    try:
        answer: Any = s3().head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if _is_missing(error):
            return ""
        raise
    told = answer.get("ChecksumSHA256", "")
    if told and "-" not in told and answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        return base64.b64decode(told).hex()
    return str(answer.get("Metadata", {}).get("sha256", ""))


def read_sha256(bucket: str, key: str) -> str:
    """Read an object, and return the SHA-256 of its bytes in hex. Raises ObjectMissing."""
    digest = hashlib.sha256()
    for chunk in stream(bucket, key):
        digest.update(chunk)
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
