"""Download files of a job: to a .part file, resumed with Range, checked by SHA-256, and then renamed."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx2

from gas_client.api import TRIES, Api, pause_before, unreachable
from gas_client.errors import Exit, Failed

_PIECE: Final = 256 * 1024

#: Called with the bytes that have arrived so far.
Progress = Callable[[int], None]


def download(api: Api, job: str, kind: str, folder: Path, progress: Progress, *, force: bool = False) -> Path:
    """Download one file of a job into a folder, and return its path. A file that is there already is kept.

    Args:
        api: the service.
        job: id of the job.
        kind: of the file.
        folder: is made if it is missing.
        progress: called with the bytes that have arrived so far.
        force: replace another file of the same name.

    Raises:
        Failed: there is no such file, another file has its name, or it does not arrive as the service has it.
    """
    found = api.get(f"jobs/{job}/outputs/{kind}")
    path = folder / safe_name(found["name"])
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists() and not force:
        if found["sha256"] and _sha256(path) == found["sha256"]:
            return path
        raise Failed(Exit.USAGE, f"{path} exists and is another file. Use --force, or another folder.", "file-exists")
    part = path.with_name(f"{path.name}.{job[:8]}.part")
    if not found["sha256"]:
        part.unlink(missing_ok=True)  # nothing tells whether the beginning is of the same file
    resumed = part.exists()
    _fetch(api, job, kind, part, found, progress)
    if found["sha256"] and _sha256(part) != found["sha256"] and resumed:
        part.unlink()
        _fetch(api, job, kind, part, found, progress)
    if found["sha256"] and _sha256(part) != found["sha256"]:
        part.unlink()
        raise Failed(Exit.FAILED, f"{path.name} did not arrive as the service has it. Try again.", "checksum-differs")
    part.replace(path)
    return path


def safe_name(name: str) -> str:
    """Return a file name of the service without any folder."""
    plain = name.replace("\\", "/").rpartition("/")[2]
    if plain in {"", ".", ".."} or "\0" in plain:
        raise Failed(Exit.FAILED, "The service names a file that cannot be saved.")
    return plain


def _fetch(api: Api, job: str, kind: str, part: Path, found: dict[str, Any], progress: Progress) -> None:
    """Bring the file to the end. Only tries that bring no bytes are counted."""
    fruitless = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        if _attempt(api, part, found["url"], progress):
            return
        fruitless = fruitless + 1 if part.exists() and part.stat().st_size <= before else 0
        if fruitless >= TRIES:
            raise unreachable("The storage of the service")
        api.sleep(pause_before(fruitless))
        found = {**found, "url": api.get(f"jobs/{job}/outputs/{kind}")["url"]}  # an address works for minutes


def _attempt(api: Api, part: Path, url: str, progress: Progress) -> bool:
    """Append what is missing. Returns whether the file is at its end."""
    with part.open("ab") as file:
        have = file.tell()
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with api.storage.stream("GET", url, headers={**headers, "Accept-Encoding": "identity"}) as answer:
                if answer.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
                    return True  # it is here whole; the checksum tells
                if not answer.is_success:
                    return False
                if answer.status_code != httpx2.codes.PARTIAL_CONTENT:
                    file.truncate(0)
                expected = answer.headers.get("Content-Length")
                got = 0
                for piece in answer.iter_raw(_PIECE):
                    file.write(piece)
                    got += len(piece)
                    progress(file.tell())
        except httpx2.TransportError:
            return False
        return expected is None or got == int(expected)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
