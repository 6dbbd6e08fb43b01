"""Archives as objects of S3's Glacier storage classes, in the results bucket under `archive/`.

A retrieval makes a readable copy of the object for RESTORE_COPY_DAYS. S3 assigns it no id: an object has at most one
retrieval, whose id here is the archive's. Source: "Working with archived objects", S3 user guide.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings

from gas.aws import copies, s3
from gas.aws.archives import (
    EXPEDITED_MAX_BYTES,
    ArchiveMissing,
    ExpeditedUnavailable,
    NotReady,
    Retrieval,
    RetrievalExpired,
    RetrievalState,
    Route,
    StoredArchive,
    Tier,
)
from gas.aws.clients import error_code
from gas.aws.clients import s3 as client
from gas.aws.s3 import ObjectMissing

PREFIX = "archive/"
ARCHIVED_CLASSES = {"GLACIER", "DEEP_ARCHIVE"}
#: A readable copy that expires sooner is extended, for the price of a request.
SOON = timedelta(hours=6)
#: S3's largest page.
PAGE = 1000


class StorageClassArchive:
    """See `gas.aws.archives.Archive`."""

    route: Route = "class"

    def store(self, *, source_key: str, archive_key: str, size: int, sha256: str) -> StoredArchive:
        """Copy within S3: up to 5 GB no byte passes through this process. See `gas.aws.copies`."""
        key = self.attempt_id(archive_key)
        copies.copy(_bucket(), source_key, key, size=size, sha256=sha256, storage_class=settings.GLACIER_STORAGE_CLASS)
        return StoredArchive(key, size, sha256, "", self.route)

    def attempt_id(self, archive_key: str) -> str:
        return PREFIX + archive_key

    def begin_retrieval(self, archive_id: str, *, tier: Tier, size: int, look_first: bool = True) -> str:
        if look_first:
            info = _head(archive_id)
            found = _restore_header(archive_id, info)
            soon = found.expires_at is not None and found.expires_at < datetime.now(UTC) + SOON
            # A second request while it is under way, with a faster tier, would count as an upgrade and cost money.
            if found.state is RetrievalState.IN_PROGRESS or (found.state is RetrievalState.DONE and not soon):
                return archive_id
            if tier == "Expedited" and info.get("StorageClass") == "DEEP_ARCHIVE":
                raise ExpeditedUnavailable("Deep Archive has no Expedited retrievals")
        if tier == "Expedited" and size > EXPEDITED_MAX_BYTES:
            raise ExpeditedUnavailable(f"{size} bytes are too many")
        _restore(archive_id, tier)
        return archive_id

    def find_retrievals(self, archive_ids: Collection[str]) -> Mapping[str, str]:
        found = self.retrieval_status([(one, one) for one in archive_ids])
        return {
            one: one for one in archive_ids if found[one].state in {RetrievalState.IN_PROGRESS, RetrievalState.DONE}
        }

    def retrieval_status(self, retrievals: Sequence[tuple[str, str]]) -> dict[str, Retrieval]:
        """One ListObjectsV2 request returns the state of 1,000 neighbors in key order.

        After each page the next one starts at the next requested key. N archives cost N / 1,000 requests when they are
        next to each other, one request each when they are far apart, and never more.
        """
        states: dict[str, Retrieval] = {}
        left = sorted({archive_id for archive_id, _ in retrievals}, reverse=True)
        last = ""
        while left:
            answer: Any = client().list_objects_v2(
                Bucket=_bucket(),
                Prefix=PREFIX,
                StartAfter=max(last, _just_before(left[-1])),
                MaxKeys=PAGE,
                OptionalObjectAttributes=["RestoreStatus"],
            )
            page = {item["Key"]: item for item in answer.get("Contents", [])}
            last = max(page, default=last)
            while left and (not answer["IsTruncated"] or left[-1] <= last):
                key = left.pop()
                states[key] = _listed(key, page.get(key))
        return {retrieval_id: states[archive_id] for archive_id, retrieval_id in retrievals}

    def read(self, archive_id: str, retrieval_id: str) -> Iterator[bytes]:
        try:
            yield from s3.stream(_bucket(), archive_id)
        except ObjectMissing as error:
            raise RetrievalExpired(f"{archive_id}: no such archive") from error
        except ClientError as error:
            _raise_unreadable(archive_id, error)

    def restore_to(self, archive_id: str, retrieval_id: str, target_key: str, *, size: int, sha256: str) -> None:
        """Copy within S3: up to 5 GB no byte passes through this process. See `gas.aws.copies`."""
        try:
            copies.copy(_bucket(), archive_id, target_key, size=size, sha256=sha256, storage_class="STANDARD")
        except ObjectMissing as error:
            raise RetrievalExpired(f"{archive_id}: no such archive") from error
        except ClientError as error:
            _raise_unreadable(archive_id, error)

    def delete(self, archive_id: str) -> None:
        if not archive_id.startswith(PREFIX):
            raise ValueError(f"not an archive: {archive_id!r}")
        s3.delete(_bucket(), archive_id)

    def exists(self, archive_id: str) -> bool:
        return s3.head(_bucket(), archive_id) is not None


def _just_before(key: str) -> str:
    """Return a key just before this one, because a listing with `StartAfter` excludes that key itself."""
    return key[:-1] + chr(ord(key[-1]) - 1) + "~~~~"


def _bucket() -> str:
    return str(settings.S3_RESULTS_BUCKET)


def _head(key: str) -> Any:
    try:
        return client().head_object(Bucket=_bucket(), Key=key)
    except ClientError as error:
        if error_code(error) in {"404", "NoSuchKey", "NotFound"}:
            raise ArchiveMissing(key) from error
        raise


def _restore(key: str, tier: Tier) -> None:
    request: Any = {"Days": settings.RESTORE_COPY_DAYS, "GlacierJobParameters": {"Tier": tier}}
    try:
        # One try: a lack of capacity is a 503, which botocore would retry seven times as a temporary error.
        client(attempts=1).restore_object(Bucket=_bucket(), Key=key, RestoreRequest=request)
    except ClientError as error:
        code = error_code(error)
        if code == "RestoreAlreadyInProgress":
            return
        if code == "NoSuchKey":
            raise ArchiveMissing(key) from error
        if code == "GlacierExpeditedRetrievalNotAvailable" or (
            tier == "Expedited" and "Retrieval option is not supported" in str(error)
        ):
            raise ExpeditedUnavailable(code) from error
        raise


def _restore_header(key: str, info: Any) -> Retrieval:
    """Parse a HEAD's `x-amz-restore`: ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"."""
    header = info.get("Restore", "")
    if 'ongoing-request="true"' in header:
        return Retrieval(key, key, RetrievalState.IN_PROGRESS)
    if header:
        expires = parsedate_to_datetime(header.partition('expiry-date="')[2].rstrip('"'))
        return _readable(key, expires)
    if info.get("StorageClass") in ARCHIVED_CLASSES:
        return Retrieval(key, key, RetrievalState.MISSING)
    return Retrieval(key, key, RetrievalState.DONE)


def _listed(key: str, item: Any) -> Retrieval:
    if item is None:
        return Retrieval(key, key, RetrievalState.MISSING, message="there is no such archive")
    status = item.get("RestoreStatus")
    if status is None:
        archived = item.get("StorageClass") in ARCHIVED_CLASSES
        return Retrieval(key, key, RetrievalState.MISSING if archived else RetrievalState.DONE)
    if status.get("IsRestoreInProgress"):
        return Retrieval(key, key, RetrievalState.IN_PROGRESS)
    return _readable(key, status["RestoreExpiryDate"])


def _readable(key: str, expires: datetime) -> Retrieval:
    state = RetrievalState.DONE if expires > datetime.now(UTC) else RetrievalState.MISSING
    return Retrieval(key, key, state, expires_at=expires)


def _raise_unreadable(key: str, error: ClientError) -> None:
    """Raise the reason why S3 refused to read or copy an archived object."""
    if error_code(error) not in {"InvalidObjectState", "ObjectNotInActiveTierError"}:
        raise error
    try:
        state = _restore_header(key, _head(key)).state
    except ArchiveMissing:
        state = RetrievalState.MISSING
    if state is RetrievalState.IN_PROGRESS:
        raise NotReady(key) from error
    raise RetrievalExpired(key) from error
