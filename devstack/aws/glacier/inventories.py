"""A vault's inventory, as a retrieval job of type `inventory-retrieval` gives it.

Glacier takes it about once a day, so that it does not know the newest archives. Source: "Output of a vault inventory
job", Glacier developer guide.
"""

import io

from devstack.aws.glacier.vaults import Content, Job, Tape, Vault, iso, token

COLUMNS = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"


def as_csv(vault: Vault, taken: float) -> bytes:
    """Return what was in the vault at `taken`."""
    lines = [COLUMNS]
    for archive in list(vault.archives.values()):
        if archive.created <= taken:
            described = archive.description.replace('"', '\\"')
            size = archive.content.size
            lines.append(f'{archive.id},"{described}",{iso(archive.created)},{size},{archive.tree_hash}')
    return "".join(f"{line}\r\n" for line in lines).encode()


def begin(vault: Vault, tape: Tape, *, now: float, taken: float, seconds: float, topic: str) -> Job:
    """Return the job, which is done after this many seconds."""
    body = as_csv(vault, taken)
    content = Content([tape.write(io.BytesIO(body), len(body))])
    job = Job(token(92), "InventoryRetrieval", None, content, "", "", topic, "", now, now + seconds)
    vault.jobs[job.id] = job
    return job
