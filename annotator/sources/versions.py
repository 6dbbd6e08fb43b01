"""Folders of versions: locked while a run opens their files, and deleted in one step when no process uses them."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from annotator.sources.manifest import MANIFEST, Source

#: Prefix of the names of folders that are being deleted; nothing reads them.
GONE = ".gone-"


def hold(source: Source) -> IO[bytes] | None:
    """Keep a version from being deleted until the returned file is closed; None if it no longer exists.

    The lock ends with the process.
    """
    path = source.folder / MANIFEST
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        # Another process may have deleted the version before this one had the lock.
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        file.close()
        raise
    file.close()
    return None


def discard(version: Path) -> bool:
    """Delete the folder of a version unless a process uses it. Returns whether it no longer exists.

    A folder under its own name is always complete.
    """
    try:
        file = (version / MANIFEST).open("rb")
    except (FileNotFoundError, NotADirectoryError):  # no run can begin to use it
        _away(version)
        return True
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        _away(version)
    return True


def sweep(folder: Path) -> None:
    """Delete folders whose deletion was interrupted because the process was killed."""
    for left in folder.glob(f"{GONE}*"):
        shutil.rmtree(left, ignore_errors=True)


def _away(version: Path) -> None:
    with suppress(FileNotFoundError):  # another process may have deleted it
        if version.is_symlink() or not version.is_dir():
            version.unlink()
            return
        outer = Path(tempfile.mkdtemp(prefix=GONE, dir=version.parent))
        try:
            version.rename(outer / version.name)
        finally:
            shutil.rmtree(outer, ignore_errors=True)
