"""Archives in a vault of the Glacier service (API of 2012-06-01), which is closed to new customers.

The vault chooses the id of each archive, and a new one for each upload. Reading one takes a retrieval job, whose output
can be read for about a day after it is done. Everything is hashed on its way, and each answer's tree hash compared.

One module because it is one implementation of the protocol `gas.aws.archives.Archive`.
"""

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from gas.aws import s3
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
from gas.aws.clients import AWSError, error_code, glacier
from gas.aws.s3 import CopyDiffers, StoredDiffers
from gas.aws.spool import Part, checked, file_chunks, fill, parts
from gas.aws.treehash import root_of

#: Maximum page size of ListJobs ("List Jobs (GET jobs)", Glacier developer guide).
PAGE = 50
#: Maximum number of parts of a multipart upload.
PARTS_MAX = 10_000
#: A finished job can be read for at least 24 hours. A job with less time left than this is not used.
REUSE_FOR = timedelta(hours=20)
READ_ATTEMPTS = 3

logger = logging.getLogger(__name__)


class VaultArchive:
    """See `gas.aws.archives.Archive`."""

    route: Route = "vault"

    def store(self, *, source_key: str, archive_key: str, size: int, sha256: str) -> StoredArchive:
        """Stream through this process: disk for one part of ARCHIVE_PART_BYTES, memory for a few MiB.

        The SHA-256 is verified before the archive is created. If the response to an upload in one piece is lost, an
        unknown archive may remain; the vault's inventory identifies it by its description.
        """
        chunks = checked(s3.stream(settings.S3_RESULTS_BUCKET, source_key), size=size, sha256=sha256)
        description = f"{archive_key} sha256={sha256}"
        part_bytes = part_size(size)
        if size > part_bytes:
            answer, tree = _upload_parts(chunks, description, part_bytes, size)
        else:
            answer, tree = _upload_whole(chunks, description)
        if answer.get("checksum") != tree:
            self.delete(answer["archiveId"])
            raise StoredDiffers(f"{archive_key}: tree hash {tree} was sent; the vault has {answer.get('checksum')}")
        return StoredArchive(answer["archiveId"], size, sha256, tree, self.route)

    def attempt_id(self, archive_key: str) -> None:
        return None

    def begin_retrieval(self, archive_id: str, *, tier: Tier, size: int, look_first: bool = True) -> str:
        """The check costs up to one request per 50 jobs of the vault: for many archives use `find_retrievals`."""
        if look_first and (found := self.find_retrievals([archive_id])):
            return found[archive_id]
        if tier == "Expedited" and size > EXPEDITED_MAX_BYTES:
            raise ExpeditedUnavailable(f"{size} bytes are too many")
        job = {"Type": "archive-retrieval", "ArchiveId": archive_id, "Tier": tier, "Description": "restore"}
        try:
            # One try: if botocore repeated it after a lost response, it would be paid for twice.
            answer = glacier(attempts=1).initiate_job(vaultName=_vault(), jobParameters=job)
        except ClientError as error:
            code = error_code(error)
            if tier == "Expedited" and code in {"InsufficientCapacityException", "PolicyEnforcedException"}:
                raise ExpeditedUnavailable(code) from error
            if _not_found(error):
                raise ArchiveMissing(archive_id) from error
            raise
        return str(answer["jobId"])

    def find_retrievals(self, archive_ids: Collection[str]) -> Mapping[str, str]:
        wanted, found = set(archive_ids), {}
        for jobs in _job_pages() if wanted else []:
            found.update(
                {job["ArchiveId"]: job["JobId"] for job in jobs if job.get("ArchiveId") in wanted and _usable(job)}
            )
            if len(found) == len(wanted):
                break
        return found

    def retrieval_status(self, retrievals: Sequence[tuple[str, str]]) -> dict[str, Retrieval]:
        """One ListJobs request returns the state of 50 jobs, the vault's oldest first.

        For N of a vault's M jobs this takes M / 50 requests, or N / 50 if they are next to each other among the oldest.
        After as many useless pages as jobs are still missing, the missing jobs are requested one by one: so a few of
        many jobs cost a few requests, and no call costs more than about twice the cheaper way. A job that is in no
        page, because it has expired, costs one more request to be sure.
        """
        left = {retrieval_id: archive_id for archive_id, retrieval_id in retrievals}
        found: dict[str, Retrieval] = {}
        useless = 0
        for jobs in _job_pages() if left else []:
            here = {job["JobId"]: _retrieval(job) for job in jobs if job["JobId"] in left}
            found.update(here)
            for retrieval_id in here:
                del left[retrieval_id]
            useless += not here
            if useless >= len(left):
                break
        for retrieval_id, archive_id in left.items():
            job = _describe(retrieval_id)
            missing = Retrieval(archive_id, retrieval_id, RetrievalState.MISSING)
            found[retrieval_id] = _retrieval(job) if job else missing
        return found

    def read(self, archive_id: str, retrieval_id: str) -> Iterator[bytes]:
        """Read in ranges of ARCHIVE_PART_BYTES, each spooled to disk, verified, and retried if the line broke."""
        job = _readable(archive_id, retrieval_id)
        size, part_bytes, trees = job["ArchiveSizeInBytes"], part_size(job["ArchiveSizeInBytes"]), []
        with tempfile.TemporaryFile(dir=settings.WORK_DIR) as file:
            for start in range(0, size, part_bytes):
                trees.append(_fetch(file, retrieval_id, start, min(start + part_bytes, size), size))
                yield from file_chunks(file)
        if (tree := root_of(trees).hex()) != job.get("SHA256TreeHash", tree):
            raise CopyDiffers(f"tree hash {job['SHA256TreeHash']} was expected; it is {tree}")

    def restore_to(self, archive_id: str, retrieval_id: str, target_key: str, *, size: int, sha256: str) -> None:
        """Stream through this process: disk for the whole archive, memory for a few MiB."""
        with tempfile.NamedTemporaryFile(dir=settings.WORK_DIR) as file:
            for chunk in checked(self.read(archive_id, retrieval_id), size=size, sha256=sha256):
                file.write(chunk)
            file.flush()
            sent = s3.upload(Path(file.name), settings.S3_RESULTS_BUCKET, target_key)
        if sent != sha256:
            s3.delete(settings.S3_RESULTS_BUCKET, target_key)
            raise CopyDiffers(f"{target_key}: SHA-256 {sha256} was expected; {sent} was sent")

    def delete(self, archive_id: str) -> None:
        try:
            glacier().delete_archive(vaultName=_vault(), archiveId=archive_id)
        except ClientError as error:
            if not _not_found(error):
                raise

    def exists(self, archive_id: str) -> None:
        return None


def part_size(size: int) -> int:
    """ARCHIVE_PART_BYTES, doubled until an archive of this size fits into 10,000 parts."""
    part_bytes: int = settings.ARCHIVE_PART_BYTES
    while part_bytes * PARTS_MAX < size:
        part_bytes *= 2
    return part_bytes


def _vault() -> str:
    return str(settings.GLACIER_VAULT)


def _not_found(error: ClientError) -> bool:
    """Return whether an archive or a job is missing. A missing vault is an error in the settings instead."""
    return error_code(error) == "ResourceNotFoundException" and "ault not found" not in str(error)


# --- Uploading


def _upload_whole(chunks: Iterable[bytes], description: str) -> tuple[Any, str]:
    with tempfile.TemporaryFile(dir=settings.WORK_DIR) as file:
        tree = fill(file, chunks).tree.hex()
        answer = glacier().upload_archive(vaultName=_vault(), archiveDescription=description, checksum=tree, body=file)
    return answer, tree


def _upload_parts(chunks: Iterable[bytes], description: str, part_bytes: int, size: int) -> tuple[Any, str]:
    """Upload in parts. Only the completing call creates an archive; repeated, it returns the same archive."""
    upload = glacier().initiate_multipart_upload(
        vaultName=_vault(), archiveDescription=description, partSize=str(part_bytes)
    )["uploadId"]
    try:
        trees = [_upload_part(upload, part) for part in parts(chunks, part_bytes)]
        tree = root_of(trees).hex()
        answer = glacier().complete_multipart_upload(
            vaultName=_vault(), uploadId=upload, archiveSize=str(size), checksum=tree
        )
    except BaseException:
        _abort(upload)
        raise
    return answer, tree


def _upload_part(upload: str, part: Part) -> bytes:
    answer = glacier().upload_multipart_part(
        vaultName=_vault(),
        uploadId=upload,
        checksum=part.tree.hex(),
        range=f"bytes {part.start}-{part.start + part.size - 1}/*",
        body=part.file,
    )
    if answer.get("checksum") != part.tree.hex():
        raise StoredDiffers(f"the part at {part.start} is not what was sent")
    return part.tree


def _abort(upload: str) -> None:
    try:
        glacier().abort_multipart_upload(vaultName=_vault(), uploadId=upload)
    except AWSError as error:  # Glacier deletes an upload after a day without requests
        logger.warning("an unfinished upload is left behind: %s", error_code(error) or type(error).__name__)


# --- Jobs


def _job_pages() -> Iterator[list[Any]]:
    marker: dict[str, str] = {}
    while True:
        answer = glacier().list_jobs(vaultName=_vault(), limit=str(PAGE), **marker)
        yield answer["JobList"]
        if not answer.get("Marker"):
            return
        marker = {"marker": answer["Marker"]}


def _describe(job_id: str) -> Any:
    """Return the job; None when it does not exist, or no longer."""
    try:
        return glacier().describe_job(vaultName=_vault(), jobId=job_id)
    except ClientError as error:
        if _not_found(error):
            return None
        raise


def _retrieval(job: Any) -> Retrieval:
    states = {"Succeeded": RetrievalState.DONE, "Failed": RetrievalState.FAILED}
    return Retrieval(
        job.get("ArchiveId", ""),
        job["JobId"],
        states.get(job["StatusCode"], RetrievalState.IN_PROGRESS),
        tier=job.get("Tier") or "",
        completed_at=_time(job.get("CompletionDate")),
        message=job.get("StatusMessage") or "",
    )


def _usable(job: Any) -> bool:
    """Return whether the job will give, or still gives, a whole archive."""
    if job.get("Action") != "ArchiveRetrieval" or job["StatusCode"] == "Failed":
        return False
    if job.get("RetrievalByteRange") not in {None, f"0-{job['ArchiveSizeInBytes'] - 1}"}:
        return False
    done = _time(job.get("CompletionDate"))
    return done is None or datetime.now(UTC) < done + REUSE_FOR


def _readable(archive_id: str, retrieval_id: str) -> Any:
    job = _describe(retrieval_id)
    if job is None or job["StatusCode"] == "Failed" or job.get("ArchiveId") != archive_id:
        raise RetrievalExpired(retrieval_id)
    if not job["Completed"]:
        raise NotReady(retrieval_id)
    return job


def _fetch(file: IO[bytes], retrieval_id: str, start: int, end: int, size: int) -> bytes:
    """Write the bytes from `start` to before `end` to the file, verified, and return their tree hash."""
    options = {} if end - start == size else {"range": f"bytes={start}-{end - 1}"}
    for attempt in range(1, READ_ATTEMPTS + 1):
        try:
            answer = _output(retrieval_id, options)
            body = answer["body"]  # entered, it would give the bare connection, which does not count what is missing
            with body:
                part = fill(file, body.iter_chunks(s3.CHUNK_BYTES))
        except BotoCoreError as error:
            if attempt == READ_ATTEMPTS:
                raise
            logger.warning("the output of a retrieval broke off: %s", type(error).__name__)
            continue
        told = answer.get("checksum") or part.tree.hex()  # Glacier tells it for ranges that align with the tree
        if (part.size, part.tree.hex()) == (end - start, told):
            return part.tree
        logger.warning("the output of a retrieval does not match its checksum")
    raise CopyDiffers(f"bytes {start} to {end} of a retrieval do not match their checksum")


def _output(retrieval_id: str, options: dict[str, str]) -> Any:
    try:
        return glacier().get_job_output(vaultName=_vault(), jobId=retrieval_id, **options)
    except ClientError as error:
        if _not_found(error):
            raise RetrievalExpired(retrieval_id) from error
        raise


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
