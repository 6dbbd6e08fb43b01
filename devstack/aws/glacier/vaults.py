"""The vault service's state: vaults, archives, uploads in parts, and retrieval jobs.

Bytes are kept in one temporary file without a name, so that they take no memory and vanish with the process.

One module because vaults, archives, uploads and jobs change together under one lock.
"""

import hashlib
import os
import secrets
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from botocore.utils import calculate_tree_hash

from devstack.aws.credentials import ACCOUNT, REGION
from devstack.aws.glacier.retrieval import Clock, Rules

CHUNK_BYTES = 1024 * 1024
MIB = 1024 * 1024


class GlacierError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def missing(what: str, name: str) -> GlacierError:
    return GlacierError(404, "ResourceNotFoundException", f"{what} not found: {name}")


def invalid(message: str) -> GlacierError:
    return GlacierError(400, "InvalidParameterValueException", message)


class Tape:
    """Bytes, by where they begin. Room is never used again."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (for as long as anything is on it)
        weakref.finalize(self, self._file.close)
        self._end = 0
        self._lock = threading.Lock()

    def write(self, source: IO[bytes], size: int) -> "Extent":
        with self._lock:
            start, self._end = self._end, self._end + size
        written = 0
        while written < size and (chunk := source.read(min(CHUNK_BYTES, size - written))):
            written += os.pwrite(self._file.fileno(), chunk, start + written)
        return Extent(self, start, written)

    def read(self, start: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, start)

    def flip(self, start: int) -> None:
        """Damage one byte."""
        os.pwrite(self._file.fileno(), bytes([self.read(start, 1)[0] ^ 1]), start)


@dataclass(frozen=True)
class Extent:
    tape: Tape
    start: int
    size: int


class Content:
    """Extents in their order, read as a file is."""

    def __init__(self, extents: Iterable[Extent]) -> None:
        self.extents = list(extents)
        self.size = sum(one.size for one in self.extents)

    def part(self, start: int, end: int) -> "Content":
        """From `start` to before `end`."""
        found, position = [], 0
        for one in self.extents:
            first, last = max(start - position, 0), min(end - position, one.size)
            if first < last:
                found.append(Extent(one.tape, one.start + first, last - first))
            position += one.size
        return Content(found)

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        for one in self.extents:
            for offset in range(0, one.size, size):
                yield one.tape.read(one.start + offset, min(size, one.size - offset))

    def tree_hash(self) -> str:
        return str(calculate_tree_hash(_Reader(self)))  # type: ignore[arg-type]

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


class _Reader:
    """Just enough of a file for botocore's tree hash, which is what ours is compared with."""

    def __init__(self, content: Content) -> None:
        self._content, self._position = content, 0

    def read(self, size: int) -> bytes:
        start, self._position = self._position, min(self._position + size, self._content.size)
        return b"".join(self._content.part(start, self._position).chunks())


@dataclass(frozen=True)
class StoredArchive:
    id: str
    description: str
    content: Content
    tree_hash: str
    created: float


@dataclass
class Upload:
    id: str
    description: str
    part_size: int
    created: float
    parts: dict[int, tuple[Content, str]] = field(default_factory=dict)


@dataclass
class Job:
    id: str
    action: str
    archive: StoredArchive | None
    content: Content
    tree_hash: str
    description: str
    topic: str
    tier: str
    created: float
    done_at: float
    failed: str = ""
    told: bool = False

    def status(self, now: float) -> str:
        if now < self.done_at:
            return "InProgress"
        return "Failed" if self.failed else "Succeeded"


@dataclass
class Vault:
    name: str
    created: float
    archives: dict[str, StoredArchive] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    uploads: dict[str, Upload] = field(default_factory=dict)
    completed: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    notifications: dict[str, Any] | None = None
    #: Retrievals that were paid for, over all time.
    paid: int = 0

    @property
    def arn(self) -> str:
        return f"arn:aws:glacier:{REGION}:{ACCOUNT}:vaults/{self.name}"

    def described(self) -> dict[str, Any]:
        return {
            "CreationDate": iso(self.created),
            "LastInventoryDate": None,
            "NumberOfArchives": len(self.archives),
            "SizeInBytes": sum(one.content.size for one in self.archives.values()),
            "VaultARN": self.arn,
            "VaultName": self.name,
        }


class Vaults:
    """Every call under one lock, but for the reading and writing of bytes."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self.clock, self.rules, self.tape = clock, rules, Tape()
        self.vaults: dict[str, Vault] = {}
        self.lock = threading.RLock()

    def vault(self, name: str) -> Vault:
        """With its expired jobs gone.

        Raises:
            GlacierError: there is none.
        """
        found = self.vaults.get(name)
        if found is None:
            arn = f"arn:aws:glacier:{REGION}:{ACCOUNT}:vaults/{name}"
            raise GlacierError(404, "ResourceNotFoundException", f"Vault not found for ARN: {arn}")
        oldest = self.clock.seconds() - self.rules.keep_seconds
        for job in [job for job in found.jobs.values() if job.done_at < oldest]:
            del found.jobs[job.id]
        return found

    def add(self, vault: Vault, content: Content, description: str, tree_hash: str) -> StoredArchive:
        archive = StoredArchive(token(138), description, content, tree_hash, self.clock.seconds())
        vault.archives[archive.id] = archive
        if self.rules.take("damage"):
            self.tape.flip(content.extents[0].start)
        return archive

    def complete(self, vault: Vault, upload_id: str, size: int, tree_hash: str) -> StoredArchive:
        """Safe to repeat, as on AWS."""
        if upload_id in vault.completed:
            return vault.archives[vault.completed[upload_id]]
        upload = self.upload(vault, upload_id)
        content, expected = Content([]), 0
        for start, (part, _) in sorted(upload.parts.items()):
            if start != expected:
                raise invalid(f"Missing content range: expected a part at {expected}, found {start}")
            content, expected = Content([*content.extents, *part.extents]), start + part.size
            if part.size != upload.part_size and start != max(upload.parts):
                raise invalid("Only the last part may be shorter than the part size")
        if content.size != size:
            raise invalid(f"Archive size mismatch: expected {size}, server has {content.size}")
        actual = content.tree_hash()
        if actual != tree_hash:
            raise invalid(f"Checksum mismatch: expected {tree_hash} server computed {actual}")
        archive = self.add(vault, content, upload.description, actual)
        vault.completed[upload_id] = archive.id
        del vault.uploads[upload_id]
        return archive

    def upload(self, vault: Vault, upload_id: str) -> Upload:
        if upload_id not in vault.uploads:
            raise missing("Upload ID", upload_id)
        return vault.uploads[upload_id]

    def retrieve(self, vault: Vault, archive_id: str, tier: str, description: str, topic: str) -> Job:
        archive = vault.archives.get(archive_id)
        if archive is None:
            raise missing("The archive ID was", archive_id)
        if tier not in self.rules.seconds:
            raise invalid(f"Invalid retrieval tier: {tier}")
        if tier == "Expedited" and self.rules.take("refuse_expedited"):
            raise GlacierError(400, self.rules.refusal, "The retrieval was refused: there is no capacity for it.")
        now = self.clock.seconds()
        job = Job(
            token(92),
            "ArchiveRetrieval",
            archive,
            archive.content,
            archive.tree_hash,
            description,
            topic,
            tier,
            now,
            now + self.rules.seconds[tier],
            failed="The retrieval failed." if self.rules.take("fail_jobs") else "",
        )
        vault.jobs[job.id] = job
        vault.paid += 1
        return job

    def delete(self, vault: Vault, archive_id: str) -> None:
        """A second time is no error; a job that is still under way fails, and one that is done can still be read."""
        archive = vault.archives.pop(archive_id, None)
        if archive is None and archive_id not in vault.deleted:
            raise missing("The archive ID was", archive_id)
        vault.deleted.add(archive_id)
        for job in vault.jobs.values():
            if archive is not None and job.archive is archive and job.done_at > self.clock.seconds():
                job.failed = "The archive was deleted."

    def described(self, vault: Vault, job: Job) -> dict[str, Any]:
        """As DescribeJob, ListJobs and the notices show it ("GlacierJobDescription", Glacier developer guide)."""
        status = job.status(self.clock.seconds())
        of_archive = job.archive is not None
        return {
            "Action": job.action,
            "ArchiveId": job.archive.id if job.archive else None,
            "ArchiveSHA256TreeHash": job.archive.tree_hash if job.archive else None,
            "ArchiveSizeInBytes": job.content.size if of_archive else None,
            "Completed": status != "InProgress",
            "CompletionDate": iso(job.done_at) if status != "InProgress" else None,
            "CreationDate": iso(job.created),
            "InventorySizeInBytes": None if of_archive else job.content.size,
            "JobDescription": job.description or None,
            "JobId": job.id,
            "RetrievalByteRange": f"0-{job.content.size - 1}" if of_archive else None,
            "SHA256TreeHash": job.tree_hash if of_archive else None,
            "SNSTopic": job.topic or None,
            "StatusCode": status,
            "StatusMessage": job.failed or status if status != "InProgress" else None,
            "Tier": job.tier or None,
            "VaultARN": vault.arn,
        }


def token(length: int) -> str:
    return secrets.token_urlsafe(length)[:length]


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
