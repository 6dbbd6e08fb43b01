"""Checksums of files: SHA-256, MD5, and the 16-bit sum of BSD's `sum`, which Ensembl publishes."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Checksum:
    """A checksum of a file.

    Attributes:
        kind: "sha256", "md5" or "sum".
        value: hex digits; for "sum", "checksum blocks" as BSD `sum` prints it, in blocks of 1,024 bytes.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def of_file(path: Path, kind: str) -> Checksum:
    """Compute a file's checksum of one kind. Raises ValueError for an unknown kind."""
    if kind == "sum":
        return Checksum(kind, bsd_sum(path))
    if kind not in {"sha256", "md5"}:
        raise ValueError(f"no checksum of kind {kind!r}")
    with path.open("rb") as file:
        return Checksum(kind, hashlib.file_digest(file, kind).hexdigest())


def parse_sums(text: str) -> dict[str, Checksum]:
    """Parse Ensembl's CHECKSUMS (`sum` output: `12345 678 name`) or an md5sum.txt (`0123…  name`).

    Other lines are skipped. Names are without their folder.
    """
    found: dict[str, Checksum] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0].isdecimal() and words[1].isdecimal():
            found[Path(words[2]).name] = Checksum("sum", f"{int(words[0]):05d} {int(words[1])}")
        elif len(words) == 2 and len(words[0]) == 32:
            found[Path(words[1].removeprefix("*")).name] = Checksum("md5", words[0].lower())
    return found


def bsd_sum(path: Path) -> str:
    """Return the output of `sum`: a rotating 16-bit checksum in five digits, and the number of 1,024-byte blocks."""
    program = shutil.which("sum")
    if program:
        # `sum` takes a nanosecond per byte, a Python loop a hundred, and a genome has billions of bytes.
        with path.open("rb") as file:
            done = subprocess.run([program, "-r"], stdin=file, capture_output=True, text=True, check=False)
        words = done.stdout.split()
        if done.returncode == 0 and len(words) >= 2 and words[0].isdecimal() and words[1].isdecimal():
            return f"{int(words[0]):05d} {-(-path.stat().st_size // 1024)}"
    return _bsd_sum(path)


def _bsd_sum(path: Path) -> str:
    total = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for byte in chunk:
                total = (total >> 1 | (total & 1) << 15) + byte & 0xFFFF
    return f"{total:05d} {-(-path.stat().st_size // 1024)}"
