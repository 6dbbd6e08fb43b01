"""Streams of bytes: verified while they are read, and split into parts on disk, so that memory stays small."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from django.conf import settings

from gas.aws.s3 import CHUNK_BYTES, CopyDiffers
from gas.aws.treehash import TreeHash


@dataclass(frozen=True)
class Part:
    """A part. `file` holds its bytes from position 0, and is reused for the next part. `tree` is the tree hash."""

    file: IO[bytes]
    start: int
    size: int
    tree: bytes


def checked(chunks: Iterable[bytes], *, size: int, sha256: str) -> Iterator[bytes]:
    """Yield the same chunks.

    Raises:
        CopyDiffers: the chunks are not `size` bytes with this SHA-256; raised at the end, or earlier if they are too
            many.
    """
    digest, seen = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        seen += len(chunk)
        if seen > size:
            break
        yield chunk
    if seen != size:
        raise CopyDiffers(f"{size} bytes were expected; there are {'more' if seen > size else seen}")
    if digest.hexdigest() != sha256:
        raise CopyDiffers(f"SHA-256 {sha256} was expected; it is {digest.hexdigest()}")


def parts(chunks: Iterable[bytes], part_bytes: int) -> Iterator[Part]:
    """Split into parts of `part_bytes`, the last one shorter. Each is on disk (in WORK_DIR) until the next is read."""
    with tempfile.TemporaryFile(dir=settings.WORK_DIR) as file:
        start, held, tree = 0, 0, TreeHash()
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                if held == part_bytes:
                    yield _whole(file, start, held, tree)
                    file.seek(0)
                    file.truncate()
                    start, held, tree = start + held, 0, TreeHash()
                piece, left = left[: part_bytes - held], left[part_bytes - held :]
                file.write(piece)
                tree.update(piece)
                held += len(piece)
        yield _whole(file, start, held, tree)


def fill(file: IO[bytes], chunks: Iterable[bytes]) -> Part:
    """Write all chunks into a file, replacing its contents."""
    file.seek(0)
    file.truncate()
    size, tree = 0, TreeHash()
    for chunk in chunks:
        file.write(chunk)
        tree.update(chunk)
        size += len(chunk)
    return _whole(file, 0, size, tree)


def file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks of CHUNK_BYTES."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _whole(file: IO[bytes], start: int, size: int, tree: TreeHash) -> Part:
    file.seek(0)
    return Part(file, start, size, tree.digest())
