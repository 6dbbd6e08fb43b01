"""Convert a FASTA, plain or gzip, to bgzip with its indexes, in one pass and without an uncompressed copy."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from annotator.install import htslib
from annotator.install.bgzip import BgzipFile
from annotator.install.errors import InstallError

_CHUNK = 4 * 1024 * 1024
#: Bytes of text in a block. REF of each record is compared with the reference. In a small file the records are far
#: apart, so a block is unpacked for each one. That takes a seventh of the time of a 64 KiB block, for 2 % more space.
BLOCK = 8 * 1024
LEVEL = 4  # compression level of libdeflate; higher levels make bases hardly smaller
_UPPER = bytes(range(256)).upper()
_NOT_BASES = b"\r\n\t "


@dataclass(frozen=True)
class Sequence:
    """One sequence of a FASTA. md5: of its upper-case bases, as M5 in SAM's @SQ lines."""

    name: str
    length: int
    md5: str


class _Growing:
    def __init__(self, header: bytes) -> None:
        words = header[1:].split(None, 1)
        self.name = words[0].decode("utf-8", "replace") if words else ""
        self.length = 0
        # MD5 names sequences in SAM and CRAM; it protects no secret here.
        self._md5 = hashlib.md5(usedforsecurity=False)

    def add(self, lines: bytes) -> None:
        bases = lines.translate(_UPPER, _NOT_BASES)
        self.length += len(bases)
        self._md5.update(bases)

    def done(self) -> Sequence:
        return Sequence(self.name, self.length, self._md5.hexdigest())


def pack_genome(source: Path, target: Path, progress: Callable[[int], None] | None = None) -> list[Sequence]:
    """Write a FASTA as bgzip to `target`, with target.fai and target.gzi, and return its sequences.

    progress is called with the number of bytes read from source. Raises InstallError.
    """
    sequences = _copy(source, target, progress)
    _check(source, sequences)
    if fault := htslib.index("faidx", target):
        raise InstallError("bad-fasta", f"{source.name} is not a FASTA that can be indexed: {fault}.")
    indexed = {}
    for line in target.with_name(target.name + ".fai").read_text(encoding="utf-8").splitlines():
        name, length = line.split("\t")[:2]
        indexed[name] = int(length)
    if indexed != {sequence.name: sequence.length for sequence in sequences}:
        raise InstallError("bad-fasta", f"htslib finds other sequences in {target.name} than {source.name} has.")
    return sequences


def _copy(source: Path, target: Path, progress: Callable[[int], None] | None) -> list[Sequence]:
    found: list[Sequence] = []
    current: _Growing | None = None
    with source.open("rb") as packed, BgzipFile(target, LEVEL, BLOCK) as out:
        for lines in whole_lines(packed, source.name, progress):
            out.write(lines)
            at = 0
            while at < len(lines):
                if lines[at] == 62:  # ">"
                    end = lines.find(b"\n", at) + 1 or len(lines)
                    if current is not None:
                        found.append(current.done())
                    current = _Growing(lines[at:end])
                    at = end
                    continue
                following = lines.find(b"\n>", at)
                end = following + 1 if following >= 0 else len(lines)
                if current is None:
                    raise InstallError("bad-fasta", f"{source.name} is not a FASTA: it does not begin with “>”.")
                current.add(lines[at:end])
                at = end
    if current is not None:
        found.append(current.done())
    return found


def _check(source: Path, sequences: list[Sequence]) -> None:
    names = {sequence.name for sequence in sequences}
    if not sequences:
        raise InstallError("bad-fasta", f"{source.name} has no sequences.")
    if len(names) < len(sequences) or "" in names:
        raise InstallError("bad-fasta", f"{source.name} has sequences with one name, or without one.")
    empty = [sequence.name for sequence in sequences if not sequence.length]
    if empty:
        raise InstallError("bad-fasta", f"Sequence {empty[0]} of {source.name} has no bases.")


def whole_lines(packed: IO[bytes], name: str, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    """Yield the text of an open file in pieces of several megabytes that end at a line end.

    Args:
        packed: At its beginning; plain or gzip.
        name: The file's name, for errors.
        progress: Called with the number of bytes read from the file.

    Raises:
        InstallError: The file is cut short or damaged.
    """
    rest = b""
    is_gzip = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    try:
        with gzip.GzipFile(fileobj=packed) if is_gzip else nullcontext(packed) as text:
            while chunk := text.read(_CHUNK):
                if progress:
                    progress(packed.tell())
                rest += chunk
                end = rest.rfind(b"\n") + 1
                if end:
                    yield rest[:end]
                    rest = rest[end:]
    except EOFError as error:
        raise InstallError("cut-short", f"{name} is cut short.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InstallError("damaged", f"{name} is damaged ({error}).") from error
    if rest:
        yield rest
