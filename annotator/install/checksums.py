"""Checksums of files: SHA-256 and MD5, and the 16-bit sum of BSD's `sum`, which Ensembl publishes."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Checksum:
    """kind is "sha256" or "md5" (hex digits), or "sum": "checksum blocks" of BSD `sum`, in blocks of 1,024 bytes."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def of_file(path: Path, kind: str) -> Checksum:
    """Compute a file's checksum of this kind. Raises ValueError for a kind that is not known."""
    if kind == "sum":
        return Checksum(kind, bsd_sum(path))
    if kind not in {"sha256", "md5"}:
        raise ValueError(f"no checksum of kind {kind!r}")
    with path.open("rb") as file:
        return Checksum(kind, hashlib.file_digest(file, kind).hexdigest())


def parse_sums(text: str) -> dict[str, Checksum]:
    """Read a CHECKSUMS file of Ensembl's (`sum` output: `12345 678 name`) or an md5sum.txt (`0123…  name`).

    Lines of other shapes are passed over. Names are without their folder.
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
    """Return what `sum` prints: a rotating 16-bit checksum of five digits, and the number of blocks of 1,024 bytes."""
    program = shutil.which("sum")
    if program:
        # A byte takes a nanosecond there and a hundred in a Python loop, and a genome has billions.
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
