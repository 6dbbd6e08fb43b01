"""The vault's inventory, which Glacier updates about once a day and delivers some hours after a request.

Source: "Downloading a vault inventory", Glacier developer guide.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from typing import IO, cast

from botocore.exceptions import ClientError
from django.conf import settings

from gas.aws.archives import NotReady, RetrievalExpired
from gas.aws.clients import error_code, glacier


@dataclass(frozen=True)
class InventoryItem:
    """An archive in the inventory. `description` is what it was stored with; `size` is in bytes."""

    archive_id: str
    description: str
    created_at: datetime
    size: int
    tree_hash: str = ""


def ask() -> str:
    """Request the newest inventory. Returns the job's id. Raises `AWSError`."""
    job = {"Type": "inventory-retrieval", "Format": "CSV", "Description": "compare"}
    return str(glacier().initiate_job(vaultName=settings.GLACIER_VAULT, jobParameters=job)["jobId"])


def read(job_id: str) -> Iterator[InventoryItem]:
    """Yield every archive that the inventory lists, as a stream.

    Raises:
        NotReady: Glacier is still preparing it.
        RetrievalExpired: its output expired, or the job failed: request it again.
        AWSError: Glacier cannot be reached.
    """
    try:
        job = glacier().describe_job(vaultName=settings.GLACIER_VAULT, jobId=job_id)
        if not job["Completed"]:
            raise NotReady(job_id)
        if job["StatusCode"] != "Succeeded":
            raise RetrievalExpired(job_id)
        body = glacier().get_job_output(vaultName=settings.GLACIER_VAULT, jobId=job_id)["body"]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise RetrievalExpired(job_id) from error
        raise
    with TextIOWrapper(cast("IO[bytes]", body), encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, doublequote=False, escapechar="\\"):
            created = datetime.fromisoformat(row["CreationDate"])
            size, tree_hash = int(row["Size"]), row["SHA256TreeHash"]
            yield InventoryItem(row["ArchiveId"], row["ArchiveDescription"], created, size, tree_hash)
