"""The folder that holds everything a stack keeps. It is emptied only if a stack has made it."""

import fcntl
import os
import shutil
from pathlib import Path

MARKER = ".devstack"
_TEXT = "This folder belongs to the devstack, which empties it at every start. Keep nothing here.\n"


class NotOurs(Exception):
    """The folder must not be emptied; the message says why, in a sentence."""


class DataDir:
    """Claimed by one process at a time, through a lock on its marker file."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: int | None = None

    def claim(self) -> None:
        """Make the folder, or take over one that a stack made, and empty it.

        Raises:
            NotOurs: somebody else's folder, or another stack is running in it.
        """
        marker = self.path / MARKER
        if self.path.exists() and not self.path.is_dir():
            raise NotOurs(f"{self.path} is not a folder.")
        if self.path.exists() and not marker.is_file() and any(self.path.iterdir()):
            raise NotOurs(f"{self.path} was not made by the devstack, so it will not be emptied: name another.")
        self.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise NotOurs(f"Another devstack is running in {self.path}: stop it, or name another folder.") from error
        os.truncate(lock, 0)
        os.write(lock, _TEXT.encode())
        self._lock = lock
        self.empty()

    def is_claimed(self) -> bool:
        """Return whether a running process has claimed the folder."""
        try:
            lock = os.open(self.path / MARKER, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def empty(self) -> None:
        """All but the marker. Links are removed, never followed."""
        if self._lock is None:
            raise NotOurs(f"{self.path} has not been claimed.")
        for entry in self.path.iterdir():
            if entry.name == MARKER:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
