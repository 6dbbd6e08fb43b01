"""Download one file, complete and verified, or give the reason in a sentence. An interrupted download resumes.

An incomplete file is called `….part`; `….part.json` describes the whole file. The file is renamed to its own name only
after its size and its checksum have been verified, so a file with its own name is complete.

No maintained library does this. pooch compares checksums, but starts again at the first byte. resumable-urlretrieve
resumes, but without If-Range, so it could join halves of two releases; it does not retry, and does not support S3. A
file here may have a gigabyte and come over a connection that breaks several times.
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

#: Number of consecutive tries without new bytes after which the download fails; the first and longest wait, in seconds.
FRUITLESS_TRIES = 6
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0

#: Errors for a full disk, an exhausted quota, and the maximum size of files.
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
    """A complete file. modified: the time of the last change, as the server gives it ("" if it does not)."""

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
    """Download a URL into a file; create the file's folder if it is missing.

    The partial file of an earlier try is resumed if the server still has the same file. An existing target with the
    right checksum is kept; without a checksum it is downloaded again. A broken connection is resumed after growing
    waits, until FRUITLESS_TRIES consecutive tries have brought nothing. progress is called with the bytes so far and
    the total (None if unknown); if it raises, the download stops, and the partial file stays. openers adds schemes to
    http, https and file. Raises DownloadError.
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
    """Return the address for people and logs: without a password, and without the query, which may have a signature."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def no_space(path: Path, needed: int | None) -> DownloadError:
    """Return the error for a full disk. needed: bytes still to be written, if known."""
    with_number = f": {needed:,} bytes more are needed" if needed else ""
    return DownloadError(
        "no-space",
        f"There is not enough space for {path.name} in {path.parent}{with_number}. Make some and try again; the "
        "download resumes.",
    )


class _Download:
    """One call of `fetch`."""

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
                # The two halves may be of different files: download again from the beginning.
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
        """Resume from the partial file of an earlier try, if it belongs to the same file."""
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
        """Send requests until the file is complete."""
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
        """Send one request; return whether the file is complete."""
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
            self._restart(file)  # the server now has a shorter file
            raise Interrupted("the file was changed meanwhile") from beyond
        finally:
            file.flush()
        return self._total is None or _size(file) >= self._total

    def _check(self, answer: Answer, file: IO[bytes]) -> None:
        """Check whether an answer continues the partial file; if not, start again with the answer's body."""
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
    """Flush a file's bytes, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
