"""Local copies of results' files, in a folder of bounded size that the processes of a machine share.

A copy is named by the SHA-256 of its content, so it never changes and never belongs to another job. A process that
uses a copy holds a shared lock on it. When room is needed, the copy that was used longest ago is deleted, unless it is
in use.
"""

import contextlib
import fcntl
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from gas.aws import s3

log = logging.getLogger(__name__)

FOLDER = "gas-explorer"
#: How the names of folders begin in which DuckDB writes what memory does not hold; the process's id comes next.
SPILL = "spill-"
_PART = re.compile(r"\.part-(\d+)-")
#: Temporary files that are older than this were left by a process that died.
LEFTOVER_SECONDS = 3600


class NoRoom(Exception):
    """The file is larger than the cache, or the disk is full of copies that are in use."""


@dataclass
class LocalFile:
    """A copy that stays while this is open. size: in bytes."""

    path: Path
    _held: IO[bytes]

    @property
    def size(self) -> int:
        return os.fstat(self._held.fileno()).st_size

    def close(self) -> None:
        """Let go of the copy. More than once does no harm."""
        self._held.close()


def folder() -> Path:
    """Return the folder of copies, and make it if it is not there."""
    root: Path = settings.EXPLORER_CACHE_DIR or Path(settings.WORK_DIR or tempfile.gettempdir()) / FOLDER
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root.resolve()


def fetch(bucket: str, key: str, *, sha256: str, size: int, ending: str) -> LocalFile:
    """Return the local copy of an object, brought from S3 if it is not here.

    Args:
        sha256: of the object, in hex; names the copy.
        size: in bytes.
        ending: of the copy's name, such as ".parquet".

    Raises:
        CopyDiffers: S3 has something else under the key.
        ObjectMissing: S3 has nothing there.
        NoRoom: the copy does not fit.
    """

    def bring(part: Path) -> None:
        s3.download(bucket, key, part)
        if s3.sha256(part) != sha256:
            raise s3.CopyDiffers(f"{key} has another SHA-256 than {sha256}")

    return once(folder() / f"{sha256}{ending}", size, bring)


def once(path: Path, size: int, bring: Callable[[Path], None]) -> LocalFile:
    """Return a file of the folder of copies, which `bring` writes if it is not there.

    Args:
        size: in bytes, at most.
        bring: writes the file that it is given, which exists and is empty.

    Raises:
        NoRoom: the file does not fit.
    """
    if found := hold(path):
        return found
    with _alone(path.with_suffix(".lock")):
        if found := hold(path):  # somebody else was quicker
            return found
        part = path.with_suffix(f".part-{size}-{os.getpid()}-{threading.get_ident()}")
        with _alone(path.parent / "room.lock"):
            make_room(size)
            part.touch()  # others count the size in its name
        try:
            bring(part)
            part.chmod(0o400)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        found = hold(path)
    if found is None:
        raise NoRoom(f"{path.name} was removed at once")
    return found


def hold(path: Path) -> LocalFile | None:
    """Open a copy and lock it; None if there is none."""
    while True:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)
        if _is_at(file, path):
            os.utime(path)
            return LocalFile(path, file)
        file.close()  # it was removed between the two steps


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock that other processes and threads wait for. Its file goes with it."""
    while True:
        with lock.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, lock):  # the last holder has removed it
                continue
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Return whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def make_room(size: int) -> None:
    """Remove copies that nobody uses, those of longest ago first, until `size` bytes more fit. Raises NoRoom."""
    limit: int = settings.EXPLORER_CACHE_BYTES
    if size > limit:
        raise NoRoom(f"{size} bytes are more than EXPLORER_CACHE_BYTES")
    copies, total = _copies()
    for path, stat in sorted(copies, key=lambda copy: copy[1].st_mtime):
        if total + size <= limit and shutil.disk_usage(path.parent).free > size:
            return
        if _remove(path):
            total -= stat.st_size
    if total + size > limit or shutil.disk_usage(folder()).free <= size:
        raise NoRoom(f"{size} bytes do not fit next to what is in use")


def _copies() -> tuple[list[tuple[Path, os.stat_result]], int]:
    """Return what can be removed, and the bytes of that and of what is being fetched."""
    found, total, oldest = [], 0, time.time() - LEFTOVER_SECONDS
    for path in folder().iterdir():
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            if path.is_dir():
                _remove_leftover(path)
            elif (fetched := _PART.search(path.name)) and stat.st_mtime >= oldest:
                total += int(fetched[1])
            elif path.suffix != ".lock":
                found.append((path, stat))
                total += stat.st_size
    return found, total


def _remove_leftover(folder: Path) -> None:
    """Remove the folder of a DuckDB instance whose process is gone."""
    pid = folder.name.removeprefix(SPILL).partition("-")[0]
    if folder.name.startswith(SPILL) and pid.isdecimal() and not Path("/proc", pid).exists():
        shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> bool:
    """Remove a copy if nobody uses it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have removed this copy and fetched it again; the new one may be in use.
            if _is_at(file, path):
                path.unlink()
            return True
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
