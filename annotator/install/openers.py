"""Read a file from an address, starting at any byte: http, https and file. Callers can add other schemes."""

import http
import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from annotator import __version__

TIMEOUT_SECONDS = 60  # timeout if no byte arrives
CHUNK_BYTES = 256 * 1024
#: Status codes of temporary errors.
PASSING = {408, 425, 429, 500, 502, 503, 504}


class Refused(Exception):
    """The server does not provide the file, and a retry would not help. The text gives the reason."""


class NotThere(Refused):
    """The file does not exist."""


class Interrupted(Exception):
    """A temporary error; a retry may resume where this try stopped. The text gives the reason."""


class BeyondEnd(Exception):
    """The file ends before the requested byte. total: size of the whole file, if the server gave it."""

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self.total = total


@dataclass(frozen=True)
class Answer:
    """The answer of a server.

    Attributes:
        start: offset of the first byte of the body, 0 if the server sends the whole file instead.
        total: bytes of the whole file, None if unknown.
        version: changes when the file changes, "" if unknown.
        modified: the time of the last change, as the server writes it.
        body: the bytes, in chunks.
    """

    start: int
    total: int | None
    version: str
    modified: str
    body: Iterator[bytes]


#: Called with (address, first byte, required version); returns an Answer. Raises Refused, Interrupted or BeyondEnd,
#: also while the body is read. A body may end early without an error, so the caller compares its size with total.
Opener = Callable[[str, int, str], AbstractContextManager[Answer]]


@contextmanager
def open_http(url: str, start: int, version: str) -> Iterator[Answer]:
    """Request the file from byte `start` on, on condition that it still is `version`, if that is known."""
    request = urllib.request.Request(url, headers={"User-Agent": f"gas-annotator/{__version__}"})  # noqa: S310 - http(s)
    if start:
        request.add_header("Range", f"bytes={start}-")
        if version:
            request.add_header("If-Range", version)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http(s)
            yield _http_answer(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise _http_fault(error) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise Refused(f"its certificate is not valid ({error.reason.verify_message})") from error
        raise Interrupted(f"there is no connection ({error.reason})") from error
    except TimeoutError as error:
        raise Interrupted(f"nothing came for {TIMEOUT_SECONDS} s") from error
    except (ConnectionError, http.client.HTTPException, ssl.SSLError) as error:
        raise Interrupted(f"the connection was cut ({type(error).__name__})") from error


def _http_answer(answer: http.client.HTTPResponse) -> Answer:
    headers = answer.headers
    length = headers.get("Content-Length", "")
    start, total = 0, int(length) if length.isdecimal() else None
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if not found:
            raise Refused("it sent a part of the file without saying which")
        start, total = int(found[1]), int(found[2]) if found[2] != "*" else None
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    # A weak ETag may stay the same when bytes change, so it must not be used for range requests (RFC 9110, 13.1.5).
    version = etag if etag and not etag.startswith("W/") else modified
    return Answer(start, total, version, modified, iter(lambda: answer.read(CHUNK_BYTES), b""))


def _http_fault(error: urllib.error.HTTPError) -> Exception:
    if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        total = error.headers.get("Content-Range", "").rpartition("/")[2]
        return BeyondEnd(int(total) if total.isdecimal() else None)
    said = f"the server answered {error.code} {error.reason}".rstrip()
    if error.code in {404, 410}:
        return NotThere(said)
    return Interrupted(said) if error.code in PASSING else Refused(said)


@contextmanager
def open_file(url: str, start: int, version: str) -> Iterator[Answer]:
    """Open a local file, with an address such as file:///path/to/it."""
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"}:
        raise Refused("a file:// address has three slashes: file:///folder/file")
    path = Path(unquote(parts.path))
    try:
        with path.open("rb") as file:
            known = path.stat()
            current = f"{known.st_mtime_ns}-{known.st_size}"
            if start > known.st_size:
                raise BeyondEnd(known.st_size)
            begin = start if current == version else 0
            file.seek(begin)
            yield Answer(begin, known.st_size, current, "", iter(lambda: file.read(CHUNK_BYTES), b""))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotThere("there is no such file") from error
    except (PermissionError, IsADirectoryError) as error:
        raise Refused(f"it cannot be read ({error.strerror})") from error


def address(where: str, *, folder: bool = False) -> str:
    """Return the address of a file or folder that a person named by address or path.

    Args:
        where: an address, or a path on this machine.
        folder: whether to return the folder of a file, if `where` is the path of a file.

    Raises:
        NotThere: `where` is not an address, and there is no such file or folder.
    """
    if "://" in where:
        return where
    path = Path(where).expanduser().resolve()
    if not path.exists():
        raise NotThere(f"{where} is neither an address nor a file or folder of this machine")
    return (path.parent if folder and path.is_file() else path).as_uri()


OPENERS: dict[str, Opener] = {"http": open_http, "https": open_http, "file": open_file}
