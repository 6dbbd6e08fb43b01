"""Download one file, whole and verified, or say in a sentence why not. An interrupted download resumes.

While it grows the file is called `….part`, and `….part.json` says what it is a part of. It gets its own name
only when its size and its checksum are right, so a file with its own name is complete.

No library that is maintained does this. pooch compares checksums, but begins again at the first byte.
resumable-urlretrieve resumes, without If-Range, so that two halves of two releases would be joined, and neither retries
nor takes S3. A file here may have a gigabyte and come over a connection that is cut several times.
"""

import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

from annotator.install import checksums
from annotator.install.checksums import Checksum
from annotator.install.openers import OPENERS, Answer, BeyondEnd, Interrupted, NotThere, Opener, Refused

#: Tries in a row that bring nothing new, after which it is given up; and the waits between them, in seconds.
FRUITLESS_TRIES = 6
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0

#: What a full disk, a spent quota and a limit on the size of files are called.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Progress = Callable[[int, int | None], None]


class DownloadError(Exception):
    """The file could not be fetched. code: not-found, refused, cut, wrong-checksum, wrong-size, no-space or busy."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Fetched:
    """A file that is whole. modified is when it was changed last, as its server says ("" if it does not)."""

    url: str
    path: Path
    size: int
    sha256: str
    modified: str


def fetch(
    url: str,
    target: Path,
    *,
    expected_size: int | None = None,
    checksum: Checksum | None = None,
    progress: Progress | None = None,
    openers: Mapping[str, Opener] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Fetch url into the file target, whose folder is made where it is missing.

    A part that an earlier try left is resumed, as long as the server still has the same file. A target that is
    there already and has the checksum is left as it is; without a checksum it is downloaded again. A connection that is
    cut is taken up again, with growing waits, until FRUITLESS_TRIES in a row have brought nothing. progress is called
    with bytes and total (None if unknown), and may raise to stop: the part stays. openers adds schemes to http, https
    and file. Raises DownloadError.
    """
    known = {**OPENERS, **(openers or {})}
    opener = known.get(urlsplit(url).scheme)
    if opener is None:
        raise DownloadError("refused", f"{shown(url)} is no address that can be fetched ({', '.join(sorted(known))}).")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        download = _Download(url, target, opener, expected_size, checksum, progress, wait)
        return download.run()
    except OSError as error:
        if error.errno in FULL:
            raise no_space(target, None) from error
        raise DownloadError("refused", f"{target} cannot be written: {error.strerror or error}.") from error


def shown(url: str) -> str:
    """The address as people and logs may see it: without a password, or a signature in its query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def no_space(path: Path, needed: int | None) -> DownloadError:
    """The error for a full disk. needed: bytes that are still to be written there, if known."""
    with_number = f": {needed:,} bytes more are needed" if needed else ""
    return DownloadError(
        "no-space",
        f"There is not enough space for {path.name} in {path.parent}{with_number}. Make some and try again; the "
        "download resumes.",
    )


class _Download:
    """One call of fetch."""

    def __init__(
        self,
        url: str,
        target: Path,
        opener: Opener,
        expected_size: int | None,
        checksum: Checksum | None,
        progress: Progress | None,
        wait: Callable[[float], None],
    ) -> None:
        self._url = url
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._notes = target.with_name(target.name + ".part.json")
        self._open = opener
        self._expected_size = expected_size
        self._checksum = checksum
        self._progress = progress
        self._wait = wait
        self._total = expected_size
        self._version = ""
        self._modified = ""
        self._resumed = False

    def run(self) -> Fetched:
        if self._target.exists():
            if self._checksum and checksums.of_file(self._target, self._checksum.kind) == self._checksum:
                return self._fetched()
            self._target.unlink()
        with self._part.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DownloadError("busy", f"Another process is fetching {self._target.name} already.") from error
            self._take_up(file)
            self._fetch(file)
            if fault := self._fault(file):
                if not self._resumed:
                    self._discard(file)
                    raise fault
                # Two halves may belong to two files after all: download again, from the beginning.
                self._restart(file)
                self._fetch(file)
                if fault := self._fault(file):
                    self._discard(file)
                    raise fault
            file.flush()
            os.fsync(file.fileno())
            self._part.rename(self._target)
        self._notes.unlink(missing_ok=True)
        sync(self._target.parent)
        return self._fetched()

    def _fetched(self) -> Fetched:
        sha256 = checksums.of_file(self._target, "sha256").value
        return Fetched(self._url, self._target, self._target.stat().st_size, sha256, self._modified)

    def _take_up(self, file: IO[bytes]) -> None:
        """Take over what an earlier try has left, if it is of the same file."""
        notes: dict[str, object] = {}
        with suppress(OSError, ValueError):
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
        self._version, self._modified = str(notes.get("version", "")), str(notes.get("modified", ""))
        total = notes.get("total")
        same = notes.get("url") == self._url and (self._version or self._checksum)
        if not same or (self._expected_size and isinstance(total, int) and total != self._expected_size):
            self._restart(file)
            return
        self._total = self._expected_size or (total if isinstance(total, int) else None)
        self._resumed = _size(file) > 0

    def _restart(self, file: IO[bytes]) -> None:
        file.truncate(0)
        self._version = self._modified = ""
        self._total = self._expected_size
        self._resumed = False

    def _discard(self, file: IO[bytes]) -> None:
        file.truncate(0)
        self._part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _fetch(self, file: IO[bytes]) -> None:
        """Ask until everything is there."""
        furthest, tries, pause = _size(file), 0, FIRST_WAIT
        while True:
            try:
                if self._try(file):
                    return
                reason = f"it ended after {_size(file):,} of {self._total or 0:,} bytes"
            except NotThere as error:
                self._drop_empty(file)
                raise DownloadError("not-found", f"{shown(self._url)} cannot be fetched: {error}.") from error
            except Refused as error:
                self._drop_empty(file)
                raise DownloadError("refused", f"{shown(self._url)} cannot be fetched: {error}.") from error
            except Interrupted as error:
                reason = str(error)
            size = _size(file)
            if size > furthest:
                furthest, tries, pause = size, 0, FIRST_WAIT
            tries += 1
            if tries >= FRUITLESS_TRIES:
                self._drop_empty(file)
                raise DownloadError(
                    "cut",
                    f"{shown(self._url)} could not be fetched in full: {reason}, {tries} times in a row. "
                    "Try again later; the download resumes from there.",
                )
            self._wait(pause)
            pause = min(2 * pause, LONGEST_WAIT)

    def _drop_empty(self, file: IO[bytes]) -> None:
        if not _size(file):
            self._discard(file)

    def _try(self, file: IO[bytes]) -> bool:
        """One request; True once the whole file is there."""
        start = _size(file)
        if start and start == self._total:
            return True
        try:
            with self._open(self._url, start, self._version) as answer:
                self._check(answer, file)
                for chunk in answer.body:
                    file.write(chunk)
                    if self._progress:
                        self._progress(_size(file), self._total)
        except BeyondEnd as beyond:
            if beyond.total == start:
                return True
            self._restart(file)  # a shorter file is there now
            raise Interrupted("the file was changed meanwhile") from beyond
        finally:
            file.flush()
        return self._total is None or _size(file) >= self._total

    def _check(self, answer: Answer, file: IO[bytes]) -> None:
        """Return whether this answer continues the part. If not, start again with its body."""
        have = _size(file)
        changed = answer.version != self._version or (self._total and answer.total and answer.total != self._total)
        if answer.start and (answer.start != have or changed):
            self._restart(file)
            raise Interrupted("the file was changed meanwhile")
        if not answer.start:
            file.truncate(0)
            self._resumed = False
        if self._expected_size and answer.total and answer.total != self._expected_size:
            self._discard(file)
            raise DownloadError(
                "wrong-size",
                f"{shown(self._url)} has {answer.total:,} bytes, where {self._expected_size:,} are expected.",
            )
        self._total = answer.total or self._expected_size
        self._version, self._modified = answer.version, answer.modified
        notes = {"url": self._url, "version": self._version, "modified": self._modified, "total": self._total}
        self._notes.write_text(json.dumps(notes) + "\n", encoding="utf-8")
        needed = (answer.total or 0) - _size(file)
        if needed > shutil.disk_usage(self._target.parent).free:
            raise no_space(self._target, needed)

    def _fault(self, file: IO[bytes]) -> DownloadError | None:
        size = _size(file)
        if self._expected_size not in {None, size}:
            text = f"{shown(self._url)} came with {size:,} bytes, where {self._expected_size:,} are expected."
            return DownloadError("wrong-size", text)
        if self._checksum is None:
            return None
        found = checksums.of_file(self._part, self._checksum.kind)
        if found == self._checksum:
            return None
        return DownloadError(
            "wrong-checksum",
            f"{shown(self._url)} came damaged, or its published checksum is of another file: {found}, where "
            f"{self._checksum} is expected. It was thrown away.",
        )


def _size(file: IO[bytes]) -> int:
    return file.seek(0, os.SEEK_END)


def sync(path: Path) -> None:
    """Write a file's bytes, or the names in a folder, through to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
