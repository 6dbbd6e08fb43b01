"""Uploads that are not finished, in files: what a killed command left behind is resumed and not submitted twice.

An entry is made before the service is asked for an upload, with the Idempotency-Key of that request, and removed when
the command has done all that it was asked for. A command that ends early leaves its entries.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from gas_client import profiles
from gas_client.errors import Exit, Failed
from gas_client.files import read_json, write_json


@dataclass(frozen=True)
class Source:
    """A file to submit, as it was when the command began.

    Attributes:
        path: absolute.
        size: bytes.
        mtime: nanoseconds.
        reference: what it is annotated with.
    """

    path: Path
    size: int
    mtime: int
    reference: str

    @classmethod
    def of(cls, path: Path, reference: str) -> "Source":
        """Look at a file. Raises Failed if there is none."""
        try:
            found = path.stat()
        except OSError as error:
            raise Failed(Exit.USAGE, f"{path}: {error.strerror}.") from error
        if not path.is_file():
            raise Failed(Exit.USAGE, f"{path} is not a file.")
        return cls(path.resolve(), found.st_size, found.st_mtime_ns, reference)

    @property
    def changed(self) -> bool:
        """Whether the file is another one by now."""
        try:
            return Source.of(self.path, self.reference) != self
        except Failed:
            return True


class Entry:
    """What is kept of one upload: `key`, its Idempotency-Key; `job`, the job's id once it is known.

    Args:
        server: address of the service.
        account: names the account there.
        source: the file.
    """

    def __init__(self, server: str, account: str, source: Source) -> None:
        named = [server, account, str(source.path), source.size, source.mtime, source.reference]
        name = hashlib.sha256(json.dumps(named).encode()).hexdigest()
        self._path = profiles.state_dir() / "uploads" / f"{name}.json"
        self._kept = self._make({"file": str(source.path), "server": server, "key": str(uuid4()), "job": None})

    @property
    def key(self) -> str:
        return str(self._kept["key"])

    @property
    def job(self) -> str | None:
        return self._kept.get("job")

    @job.setter
    def job(self, job: str) -> None:
        self._kept["job"] = job
        write_json(self._path, self._kept)

    def begin_again(self) -> None:
        """Forget the job: the next request opens another upload."""
        self._kept = {**self._kept, "key": str(uuid4()), "job": None}
        write_json(self._path, self._kept)

    def remove(self) -> None:
        """The command has done what it was asked for."""
        self._path.unlink(missing_ok=True)

    def _make(self, new: dict[str, Any]) -> dict[str, Any]:
        """Return the entry that there is, or make one: of two commands at once both get the same."""
        mine = self._path.with_suffix(f".{os.getpid()}")
        write_json(mine, new)
        try:
            os.link(mine, self._path)
        except FileExistsError:
            found = read_json(self._path)
            if found.get("key"):
                return found
            mine.replace(self._path)  # damaged
        finally:
            mine.unlink(missing_ok=True)
        return new
