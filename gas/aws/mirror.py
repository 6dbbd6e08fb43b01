"""Objects of any bucket by s3:// address: read from any offset, as the annotation library downloads, and upload."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from annotator.install.openers import Answer, BeyondEnd, Interrupted, NotThere, Refused
from gas.aws import s3
from gas.aws.clients import error_code
from gas.aws.clients import s3 as client

#: Error codes of S3 that may be temporary; boto3 has retried several times.
PASSING = {
    "PreconditionFailed",
    "412",
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "500",
    "503",
}


def place(url: str) -> tuple[str, str]:
    """Return bucket and key of s3://bucket/key."""
    parts = urlsplit(url)
    return parts.netloc, unquote(parts.path).lstrip("/")


@contextmanager
def open_s3(url: str, start: int, version: str) -> Iterator[Answer]:
    """Open an object from byte `start` on, if its ETag is `version`. An opener for annotator.install.download."""
    bucket, key = place(url)
    info = _head(bucket, key)
    begin = start if start and info.etag == version else 0
    if begin > info.size:
        raise BeyondEnd(info.size)
    if begin == info.size:
        yield Answer(begin, info.size, info.etag, "", iter(()))
        return
    try:
        answer = client().get_object(Bucket=bucket, Key=key, IfMatch=info.etag, Range=f"bytes={begin}-")
        body = answer["Body"]
        with body:
            modified = answer["LastModified"].strftime("%a, %d %b %Y %H:%M:%S GMT")
            yield Answer(begin, info.size, info.etag, modified, body.iter_chunks(s3.CHUNK_BYTES))
    except ClientError as error:
        raise _fault(error) from error
    except BotoCoreError as error:
        raise Interrupted(f"S3 could not be read ({type(error).__name__})") from error


def _head(bucket: str, key: str) -> s3.ObjectInfo:
    try:
        info = s3.head(bucket, key)
    except ClientError as error:
        raise _fault(error) from error
    except BotoCoreError as error:
        raise Interrupted(f"S3 could not be reached ({type(error).__name__})") from error
    if info is None:
        raise NotThere("there is no such object")
    return info


def _fault(error: ClientError) -> Exception:
    code = error_code(error)
    if code in {"NoSuchKey", "NoSuchBucket", "404"}:
        return NotThere("there is no such object")
    if code in {"AccessDenied", "403"}:
        # S3 also returns this for missing objects, to clients that may not list the bucket.
        return Refused("S3 denies access, or there is no such object")
    if code in PASSING:
        return Interrupted(f"S3 answered {code}")
    return Refused(f"S3 answered {code}")


def read(url: str) -> bytes:
    """Return a small object's bytes. Raises s3.ObjectMissing."""
    return b"".join(s3.stream(*place(url)))


def size(url: str) -> int | None:
    """Return an object's size in bytes; None if it does not exist."""
    info = s3.head(*place(url))
    return info.size if info else None


def remove(url: str) -> int:
    """Delete all objects under an address that ends in "/". Returns how many there were. Raises s3.NotDeleted."""
    return s3.delete_prefix(*place(url))


def put(path: Path, url: str) -> None:
    """Upload a file, verified. Raises s3.CopyDiffers."""
    s3.upload(path, *place(url))
