"""Archive results in Glacier and restore them: one protocol for both of Glacier's services.

An archive is stored and verified in one call. Before it can be read it must be retrieved, which takes minutes to hours
and costs money. After that its bytes can be read for a limited time: about a day on the vault, RESTORE_COPY_DAYS on
the storage classes. Nothing here knows jobs or owners.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

Route = Literal["vault", "class"]
#: From the fastest and most expensive to the slowest and cheapest.
Tier = Literal["Expedited", "Standard", "Bulk"]
#: Expedited retrievals are meant for less than this ("Archive retrieval options", S3 user guide).
EXPEDITED_MAX_BYTES = 250 * 1000**2


class ArchiveMissing(Exception):
    """The archive does not exist."""


class ExpeditedUnavailable(Exception):
    """Glacier has no capacity for an Expedited retrieval now, or never for such an archive: use Standard."""


class NotReady(Exception):
    """The retrieval is not finished."""


class RetrievalExpired(Exception):
    """There is nothing to read: the retrieval failed, its output expired, or there was none. Begin another."""


class RetrievalState(StrEnum):
    """The state of a retrieval at Glacier."""

    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    FAILED = "FAILED"
    MISSING = "MISSING"


@dataclass(frozen=True)
class StoredArchive:
    """A verified archive. `size` is in bytes, hashes are in hex; `tree_hash` is "" on the storage classes."""

    archive_id: str
    size: int
    sha256: str
    tree_hash: str
    route: Route


@dataclass(frozen=True)
class Retrieval:
    """A retrieval. `state` is MISSING when Glacier does not have it. Times are None if Glacier reports none."""

    archive_id: str
    retrieval_id: str
    state: RetrievalState
    tier: str = ""
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    message: str = ""


class Archive(Protocol):
    """Either service of Glacier. All calls may also raise `gas.aws.clients.AWSError`."""

    route: Route

    def store(self, *, source_key: str, archive_key: str, size: int, sha256: str) -> StoredArchive:
        """Copy an object of the results bucket into the archive, and verify the copy.

        Args:
            archive_key: an ASCII name, never reused after its archive is deleted: on the storage classes it is the
                object's key, and a late second delete would hit the newer copy. Names that begin with the owner's id
                keep an owner's archives next to each other, which makes them cheap to poll.
            size, sha256: of the object, in bytes and hex.

        Raises:
            ObjectMissing: the object does not exist.
            CopyDiffers: the object does not match `size` and `sha256`; or, as StoredDiffers, the stored bytes do not
                match the object. Nothing was kept.
        """
        ...

    def attempt_id(self, archive_key: str) -> str | None:
        """Return the id that `store` gives, or would give, for this name; None where Glacier assigns it afterwards."""
        ...

    def begin_retrieval(self, archive_id: str, *, tier: Tier, size: int, look_first: bool = True) -> str:
        """Request the retrieval of an archive, once, and return the retrieval's id.

        A retrieval that is under way or still readable is returned instead of a new one, whatever its tier: it is paid
        for. `look_first=False` omits that check, for a caller that knows that there is none.

        Raises:
            ExpeditedUnavailable: for tier Expedited only; nothing was requested or paid.
            ArchiveMissing: the archive does not exist.
        """
        ...

    def find_retrievals(self, archive_ids: Collection[str]) -> Mapping[str, str]:
        """Return {archive id: retrieval id} of retrievals that are under way or still readable.

        The check of `begin_retrieval`, for many archives at the cost of `retrieval_status`.
        """
        ...

    def retrieval_status(self, retrievals: Sequence[tuple[str, str]]) -> dict[str, Retrieval]:
        """Return {retrieval id: its state} for (archive id, retrieval id) pairs. Cost: see each implementation."""
        ...

    def read(self, archive_id: str, retrieval_id: str) -> Iterator[bytes]:
        """Return the archive's bytes, in chunks of at most 1 MiB.

        Raises:
            NotReady, RetrievalExpired: before the first chunk, or later when the output expires while it is read.
        """
        ...

    def restore_to(self, archive_id: str, retrieval_id: str, target_key: str, *, size: int, sha256: str) -> None:
        """Restore the archive as an object of class STANDARD in the results bucket, and verify it.

        Raises:
            NotReady, RetrievalExpired: as `read`.
            CopyDiffers: the restored bytes differ from the stored ones. No object is left; the archive is untouched.
        """
        ...

    def delete(self, archive_id: str) -> None:
        """Delete the archive. An archive that does not exist is no error."""
        ...

    def exists(self, archive_id: str) -> bool | None:
        """Return whether the archive exists; None where Glacier cannot answer (the vault: see inventory)."""
        ...
