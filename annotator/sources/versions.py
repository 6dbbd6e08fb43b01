"""Folders of versions: held while a run is to open their files, and deleted in one step once nobody holds them."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from annotator.sources.manifest import MANIFEST, Source

#: What is on its way out has a name that begins like this, and nobody reads it.
GONE = ".gone-"


def hold(source: Source) -> IO[bytes] | None:
    """Keep a version from being deleted until the file that is returned is closed; None if it is gone already.

    The hold goes with its process.
    """
    path = source.folder / MANIFEST
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        # Another process may have deleted it before the lock was taken.
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
    """Delete the folder of a version unless a process uses it. Returns whether it is gone.

    Under its own name the folder is always complete.
    """
    try:
        file = (version / MANIFEST).open("rb")
    except (FileNotFoundError, NotADirectoryError):  # no run can begin with it
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
    """Delete what killed processes have left on its way out."""
    for left in folder.glob(f"{GONE}*"):
        shutil.rmtree(left, ignore_errors=True)


def _away(version: Path) -> None:
    with suppress(FileNotFoundError):  # another process is quicker
        if version.is_symlink() or not version.is_dir():
            version.unlink()
            return
        outer = Path(tempfile.mkdtemp(prefix=GONE, dir=version.parent))
        try:
            version.rename(outer / version.name)
        finally:
            shutil.rmtree(outer, ignore_errors=True)
