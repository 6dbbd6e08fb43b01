"""Upload a stream to S3 while it is produced."""

import io
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from gas.aws.clients import s3
from gas.aws.s3 import CopyDiffers, head

#: S3 takes 10,000 parts: up to 156 GB, more than a task has time for.
PART_BYTES = 16 * 1024**2


class _Chunks(io.RawIOBase):
    """Chunks as a file that can be read once, from its start. Counts the bytes that were read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        self.size += count
        return count


def upload_stream(chunks: Iterator[bytes], bucket: str, key: str) -> int:
    """Upload the chunks as object `key`, verified, and return its size. Memory holds one part, disk nothing.

    The chunks are read in the calling thread, because they may use its database connection: boto3's own upload reads in
    another thread.

    Raises:
        CopyDiffers: the object in S3 has another size.
    """
    source = _Chunks(chunks)
    # Each read returns a whole part: S3 accepts only the last part shorter.
    parts = iter(partial(io.BufferedReader(source, PART_BYTES).read, PART_BYTES), b"")
    first = next(parts, b"")
    if len(first) < PART_BYTES:
        s3().put_object(Bucket=bucket, Key=key, Body=first)
    else:
        _upload_parts(chain([first], parts), bucket, key)
    info = head(bucket, key)
    if info is None or info.size != source.size:
        raise CopyDiffers(f"{key}: sent {source.size} bytes, S3 has {info and info.size}")
    return source.size


def _upload_parts(parts: Iterable[bytes], bucket: str, key: str) -> None:
    """Upload in parts, and complete or abort the upload."""
    upload = s3().create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    try:
        done = []
        for number, part in enumerate(parts, start=1):
            answer = s3().upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part)
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
        s3().complete_multipart_upload(
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            MultipartUpload={"Parts": done},  # type: ignore[typeddict-item]
        )
    except BaseException:
        s3().abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        raise
