"""Reference packs between machines: published to S3 once, and fetched by each machine that a job needs them on.

A pack is s3://REFERENCES_S3/<id>/, its files first and its manifest last. It is never changed there, since results
refer to it.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from annotator.errors import EngineError
from annotator.install.checksums import Checksum
from annotator.install.download import DownloadError, fetch
from annotator.install.errors import InstallError, of_disk
from annotator.install.install import ID
from annotator.install.openers import Opener
from annotator.install.place import DOWNLOADS, exclusive, manifest_of, safe_name, staged, verify
from annotator.reference.pack import MANIFEST, Reference, load_reference
from gas.aws import mirror, s3
from gas.jobs.catalogue import references
from gas.jobs.models import ReferencePack

#: What the library does not know itself.
OPENERS: dict[str, Opener] = {"s3": mirror.open_s3}


class NotPublished(Exception):
    """The pack could not be put into S3; the text says why."""


def load(pack_id: str, check: Callable[[], None] = lambda: None) -> Reference:
    """The pack, fetched from REFERENCES_S3 first if this machine lacks it. check is called now and then, and may raise.

    Raises EngineError: there is no such pack, it could not be fetched, or what this machine has under the id is not
    what was registered, so that results would depend on who works.
    """
    if not is_here(pack_id) and settings.REFERENCES_S3:
        fetch_pack(pack_id, check)
    reference = load_reference(pack_id, settings.REFERENCES_DIR)
    compare(reference)
    return reference


def compare(reference: Reference) -> None:
    """Raise EngineError if another pack is registered under the id. Nothing is replaced: an operator has to choose."""
    if references.is_built_in(reference.id):  # those are upgraded with the software, machine by machine
        return
    row = ReferencePack.objects.filter(pk=reference.id).first()
    if row is None or row.checksum == reference.checksum:
        return
    if row.published_at:
        advice = "remove the folder, and the published one is fetched; to keep this one, install it under another id"
    else:
        advice = "install the registered one here, or run install_reference again on the machine that has the right one"
    state = "published" if row.published_at else "registered"
    raise EngineError(
        "reference-differs",
        f"reference pack {reference.id} of this machine ({reference.version}, manifest {reference.checksum}) is not "
        f"the {state} one ({row.version}, manifest {row.checksum}): {advice}",
    )


def _folder() -> Path:
    if settings.REFERENCES_DIR is None:
        raise EngineError("no-folder", "REFERENCES_DIR, where packs are kept, is not set")
    return settings.REFERENCES_DIR


def is_here(pack_id: str) -> bool:
    """Whether this machine has the pack, built in or in REFERENCES_DIR."""
    folder: Path | None = settings.REFERENCES_DIR
    return references.is_built_in(pack_id) or (folder is not None and (folder / pack_id / MANIFEST).is_file())


def fetch_pack(pack_id: str, check: Callable[[], None] = lambda: None) -> None:
    """Bring a published pack to this machine: one process does, the others wait for it. Raises EngineError.

    A download that an earlier try began is resumed.
    """
    folder = _folder()
    if not ID(pack_id):
        raise EngineError("no-reference", f"there is no reference pack {pack_id[:64]!r}")
    try:
        with exclusive(folder, pack_id, check):
            if is_here(pack_id):
                return
            downloads = folder / DOWNLOADS / pack_id
            names = _fetch_into(downloads, pack_id, check)
            with staged(folder, pack_id) as inner:
                for name in names:
                    (downloads / name).rename(inner / name)
            shutil.rmtree(downloads, ignore_errors=True)
    except (DownloadError, InstallError) as error:
        code = "no-reference" if error.code == "not-found" else f"reference-{error.code}"
        raise EngineError(code, f"reference pack {pack_id} could not be fetched: {error.message}") from error
    except OSError as error:
        raise EngineError("reference-disk", f"reference pack {pack_id}: {of_disk(error, folder).message}") from error


def _fetch_into(downloads: Path, pack_id: str, check: Callable[[], None]) -> set[str]:
    """Fetch all of a pack; returns the names of its files."""
    row = ReferencePack.objects.filter(pk=pack_id).first()
    # What is in the bucket must be what was registered, where it was: the manifest has the checksums of all the rest.
    known = Checksum("sha256", row.checksum) if row else None

    def progress(_: int, __: int | None) -> None:
        check()

    def one(name: str, checksum: Checksum | None, size: int | None) -> None:
        path = downloads / safe_name(name)
        fetch(address(pack_id, name), path, checksum=checksum, expected_size=size, progress=progress, openers=OPENERS)

    one(MANIFEST, known, None)
    manifest = manifest_of(downloads) or {}
    files = manifest.get("files", {}).values()
    for file in files:
        one(file["name"], Checksum("sha256", file["sha256"]), file.get("size"))
    return {MANIFEST, *(file["name"] for file in files)}


def address(pack_id: str, name: str) -> str:
    """Where a file of a published pack is."""
    return f"s3://{settings.REFERENCES_S3}/{pack_id}/{name}"


def publish(pack_id: str, told: Callable[[str], None] = lambda _: None) -> bool:
    """Put a pack of this machine into S3, for the workers; False if it is there already.

    The manifest goes last: until then no worker finds a pack there. told is called with each file's name. Raises
    NotPublished, and what gas.aws raises.
    """
    if not settings.REFERENCES_S3:
        raise NotPublished("Set REFERENCES_S3 to the bucket and prefix that packs are published at.")
    folder = _folder() / pack_id
    try:
        reference = verify(folder)
    except InstallError as error:
        raise NotPublished(error.message) from error
    new = not _published(pack_id, reference)
    if new:
        files: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())["files"]
        for file in files.values():
            told(file["name"])
            mirror.put(folder / file["name"], address(pack_id, file["name"]))
        told(MANIFEST)
        mirror.put(folder / MANIFEST, address(pack_id, MANIFEST))
    references.register(reference)
    ReferencePack.objects.filter(pk=pack_id, published_at=None).update(published_at=timezone.now())
    return new


def _published(pack_id: str, reference: Reference) -> bool:
    try:
        text = mirror.read(address(pack_id, MANIFEST))
    except s3.ObjectMissing:
        return False
    if hashlib.sha256(text).hexdigest() != reference.checksum:
        raise NotPublished(
            f"There is another pack {pack_id} at s3://{settings.REFERENCES_S3} already, and results refer to it: "
            "install yours under another id (--id)."
        )
    return True
