"""Reference packs in S3: published once, and fetched by each machine whose jobs need them.

A pack is s3://REFERENCES_S3/<id>/. Its files are uploaded first and its manifest last. A published pack never changes,
because results refer to it.
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

#: Facts that the annotation library does not have.
OPENERS: dict[str, Opener] = {"s3": mirror.open_s3}


class NotPublished(Exception):
    """The pack could not be published to S3. The text says why."""


def load(pack_id: str, check: Callable[[], None] = lambda: None) -> Reference:
    """Return the pack. If this machine lacks the pack, fetch it from REFERENCES_S3 first.

    Args:
        pack_id: id of the pack.
        check: called from time to time; it may raise to stop.

    Raises:
        EngineError: there is no such pack, it could not be fetched, or this machine has another pack under the id than
            the registered one, so that results would depend on the machine.
    """
    if not is_here(pack_id) and settings.REFERENCES_S3:
        fetch_pack(pack_id, check)
    reference = load_reference(pack_id, settings.REFERENCES_DIR)
    compare(reference)
    return reference


def compare(reference: Reference) -> None:
    """Raise EngineError if another pack is registered under the id. An operator has to choose: nothing is replaced."""
    if references.is_built_in(reference.id):  # built-in packs are upgraded with the software, machine by machine
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
    """Return whether this machine has the pack, built in or in REFERENCES_DIR."""
    folder: Path | None = settings.REFERENCES_DIR
    return references.is_built_in(pack_id) or (folder is not None and (folder / pack_id / MANIFEST).is_file())


def fetch_pack(pack_id: str, check: Callable[[], None] = lambda: None) -> None:
    """Fetch a published pack to this machine. One process fetches; the others wait for it.

    An interrupted download is resumed.

    Raises:
        EngineError: the pack could not be fetched.
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
    """Fetch all files of a pack, and return their names."""
    row = ReferencePack.objects.filter(pk=pack_id).first()
    # The bucket must have the pack that was registered from it: the manifest has the checksums of all other files.
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
    """Return the address of a file of a published pack."""
    return f"s3://{settings.REFERENCES_S3}/{pack_id}/{name}"


def publish(pack_id: str, told: Callable[[str], None] = lambda _: None) -> bool:
    """Publish a pack of this machine to S3 for the workers.

    The manifest is uploaded last: workers find the pack only from then on.

    Args:
        pack_id: id of the pack.
        told: called with the name of each file.

    Returns:
        False if the pack is published already.

    Raises:
        NotPublished: the pack cannot be published.
        AWSError: S3 cannot be reached or refuses.
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
