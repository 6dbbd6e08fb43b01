"""Archiving results in Glacier and bringing them back: one protocol, which both of Glacier's services implement.

An archive is stored and verified in one call. To be read it must first be retrieved, which takes minutes to hours
and costs money; when that is done, its bytes can be read for a time, about a day on the vault and
RESTORE_COPY_DAYS on the storage classes. Nothing here knows of jobs or owners.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

Route = Literal["vault", "class"]
#: From the fastest and dearest to the slowest and cheapest.
Tier = Literal["Expedited", "Standard", "Bulk"]
#: Expedited retrievals are meant for less than this ("Archive retrieval options", S3 user guide).
EXPEDITED_MAX_BYTES = 250 * 1000**2


class ArchiveMissing(Exception):
    """There is no such archive."""


class ExpeditedUnavailable(Exception):
    """Glacier has no room for an Expedited retrieval now, or never has for such an archive: ask for Standard."""


class NotReady(Exception):
    """The retrieval is not finished."""


class RetrievalExpired(Exception):
    """There is nothing to read: the retrieval failed, its output is gone, or nobody asked. Begin another."""


class RetrievalState(StrEnum):
    """The state of a retrieval at Glacier."""

    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    FAILED = "FAILED"
    MISSING = "MISSING"


@dataclass(frozen=True)
class StoredArchive:
    """A verified archive. `size` in bytes, hashes in hex; `tree_hash` is "" on the storage classes, which know none."""

    archive_id: str
    size: int
    sha256: str
    tree_hash: str
    route: Route


@dataclass(frozen=True)
class Retrieval:
    """`state` is MISSING when Glacier no longer has it, or never had. Times are None where Glacier does not tell."""

    archive_id: str
    retrieval_id: str
    state: RetrievalState
    tier: str = ""
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    message: str = ""


class Archive(Protocol):
    """Glacier, by either route. All calls may also raise `gas.aws.clients.AWSError`."""

    route: Route

    def store(self, *, source_key: str, archive_key: str, size: int, sha256: str) -> StoredArchive:
        """Copy an object of the results bucket into the archive, and verify the copy.

        Args:
            archive_key: a name in ASCII, never used again once its archive has been deleted: on the storage
                classes it is the object's key, where a late second delete would meet the newer copy. One that
                begins with the owner's id keeps an owner's archives side by side, which makes them cheap to poll.
            size, sha256: of the object, in bytes and hex.

        Raises:
            ObjectMissing: there is no such object.
            CopyDiffers: the object is not what it should be; or, as StoredDiffers, what was stored of it is not.
                Nothing was kept.
        """
        ...

    def attempt_id(self, archive_key: str) -> str | None:
        """The id that `store` gives, or would give, under this name; None where Glacier tells it afterwards only."""
        ...

    def begin_retrieval(self, archive_id: str, *, tier: Tier, size: int, look_first: bool = True) -> str:
        """Ask for an archive, once, and return the retrieval's id.

        One that is under way or can still be read is taken instead of a new one, whatever its tier: it is paid
        for. `look_first=False` spares that look, for a caller who knows that nobody has asked before.

        Raises:
            ExpeditedUnavailable: for tier Expedited only; nothing was asked or paid.
            ArchiveMissing: there is no such archive.
        """
        ...

    def find_retrievals(self, archive_ids: Collection[str]) -> Mapping[str, str]:
        """{archive id: retrieval id} of those that are under way or can still be read.

        The look that `begin_retrieval` would take, for many archives at the cost of `retrieval_status`.
        """
        ...

    def retrieval_status(self, retrievals: Sequence[tuple[str, str]]) -> dict[str, Retrieval]:
        """{retrieval id: its state now} for (archive id, retrieval id) pairs. How cost grows: see each route."""
        ...

    def read(self, archive_id: str, retrieval_id: str) -> Iterator[bytes]:
        """Return the archive's bytes, in chunks of at most 1 MiB.

        Raises:
            NotReady, RetrievalExpired: before the first chunk, or later when the output expires while it is read.
        """
        ...

    def restore_to(self, archive_id: str, retrieval_id: str, target_key: str, *, size: int, sha256: str) -> None:
        """Bring the archive back as an object of class STANDARD in the results bucket, and verify it.

        Raises:
            NotReady, RetrievalExpired: as `read`.
            CopyDiffers: what came back is not what was stored. No object is left; the archive is untouched.
        """
        ...

    def delete(self, archive_id: str) -> None:
        """Delete the archive. One that is gone already is no error."""
        ...

    def exists(self, archive_id: str) -> bool | None:
        """Whether there is such an archive; None where Glacier cannot tell (the vault lists its own once a day)."""
        ...
