"""Put a pack into its folder, completely or not at all, one process at a time."""

import fcntl
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotator.errors import EngineError
from annotator.install.checksums import of_file
from annotator.install.download import sync
from annotator.install.errors import InstallError, of_disk
from annotator.reference.pack import MANIFEST, Reference, load_pack

STAGING = ".installing-"
#: Follows the id in a staging folder's name. Ids cannot contain it, so no such name is a prefix of another one.
_END = "+"
LOCKS = ".locks"
DOWNLOADS = ".downloads"
_POLL_SECONDS = 0.2


@contextmanager
def exclusive(folder: Path, name: str, check: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock against other processes on this machine; it ends with the process. check is called while waiting."""
    locks = folder / LOCKS
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"{name}.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                check()
                time.sleep(_POLL_SECONDS)
        yield


@contextmanager
def staged(folder: Path, pack_id: str) -> Iterator[Path]:
    """Yield a folder to fill: it becomes folder/pack_id at the end of the block, and is removed if the block fails.

    Call it under `exclusive(folder, pack_id)`, because it first removes what a killed process has left of the same
    pack. Raises InstallError, also if the disk is full or not writable.
    """
    target = folder / pack_id
    start = f"{STAGING}{pack_id}{_END}"
    try:
        for left in folder.glob(f"{start}*"):
            shutil.rmtree(left, ignore_errors=True)
        outer = Path(tempfile.mkdtemp(prefix=start, dir=folder))
    except OSError as error:
        raise of_disk(error, folder) from error
    try:
        outer.chmod(0o755)
        inner = outer / pack_id
        inner.mkdir()
        yield inner
        verify(inner)
        if target.exists():
            raise InstallError("exists", f"There is a pack {pack_id} in {folder} already.")
        inner.rename(target)
        sync(folder)
    except OSError as error:
        raise of_disk(error, folder) from error
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def manifest_of(pack: Path) -> dict[str, Any] | None:
    """Return a pack's manifest; None if there is no such pack. Raises InstallError if it cannot be read."""
    try:
        manifest = json.loads((pack / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InstallError("damaged", f"The manifest of {pack.name} cannot be read ({error}).") from error
    if not isinstance(manifest, dict):
        raise InstallError("damaged", f"The manifest of {pack.name} is not one.")
    return manifest


def verify(pack: Path) -> Reference:
    """Check every file of a pack against its manifest, and load it. Raises InstallError."""
    manifest = manifest_of(pack)
    if manifest is None:
        raise InstallError("damaged", f"{pack.name} has no {MANIFEST}.")
    for row in manifest.get("files", {}).values():
        path = pack / safe_name(row["name"])
        if not path.is_file() or of_file(path, "sha256").value != row["sha256"]:
            raise InstallError("damaged", f"{row['name']} of {pack.name} is missing or not what the manifest says.")
    try:
        reference = load_pack(pack)
        lengths = reference.sequence.lengths
    except (EngineError, OSError, ValueError) as error:
        raise InstallError("damaged", f"{pack.name} cannot be loaded: {error}.") from error
    if lengths != reference.lengths:
        raise InstallError("damaged", f"The sequences of {pack.name} are not those of its manifest.")
    return reference


def remove(pack: Path) -> None:
    """Take a pack out of use in one step, and delete it."""
    outer = Path(tempfile.mkdtemp(prefix=f"{STAGING}{pack.name}{_END}", dir=pack.parent))
    pack.rename(outer / pack.name)
    shutil.rmtree(outer, ignore_errors=True)


def safe_name(name: str) -> str:
    """Return a file name from an external manifest. Raises InstallError if it would be outside of the pack."""
    if not name or name in {".", ".."} or "/" in name or "\\" in name or "\0" in name:
        raise InstallError("damaged", f"{name!r} is no file's name in a pack.")
    return name
