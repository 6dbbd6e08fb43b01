"""Slices of a bgzip file: a run of whole blocks, which is a gzip file of its own; and single blocks."""

import gzip
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deflate import DeflateError, deflate_decompress

from annotator.bgzf import END, BgzfWriter

MOST = 0x10000  # bytes in any block, unpacked
#: Bytes of all extra fields, and the size of the block less one, which is in the first of them: SAM specification, 4.1.
_HEAD = struct.Struct("<10xH4xH").unpack_from
_LENGTH = struct.Struct("<I").unpack_from


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a slice is in its file, in bytes."""

    offset: int
    size: int


def read_text(path: Path, place: Slice) -> str:
    """Return a slice's text."""
    with path.open("rb") as file:
        file.seek(place.offset)
        return gzip.decompress(file.read(place.size)).decode("utf-8")


def unpack(block: bytes) -> bytes:
    """The text of the first block of these bytes. Raises ValueError or struct.error if it is damaged."""
    extra, size = _HEAD(block)
    # Its last number says how long the text is: to make room for the longest takes longer than to unpack a short one.
    (length,) = _LENGTH(block, size - 3)
    try:
        text = bytes(deflate_decompress(block[12 + extra :], min(length, MOST))) if length else b""
    except DeflateError as error:
        raise ValueError("a block of a bgzip file is damaged") from error
    if len(text) != length:
        raise ValueError("a block of a bgzip file is damaged")
    return text


def unpack_checked(block: bytes) -> bytes:
    """The text of a block, if it is what was packed. Raises ValueError or struct.error if it is damaged."""
    text = unpack(block)
    if struct.unpack_from("<II", block, len(block) - 8) != (zlib.crc32(text), len(text)):
        raise ValueError("the checksum of a block of a bgzip file is wrong")
    return text


def join(path: Path, places: Iterable[Slice], target: Path, more: bytes = b"") -> None:
    """Write a bgzip file of these slices, and more text behind them. Nothing is unpacked for it."""
    with path.open("rb") as file, target.open("wb") as out:
        for place in places:
            file.seek(place.offset)
            out.write(file.read(place.size))
        writer = BgzfWriter(out)
        writer.write(more)
        writer.finish()
        out.write(END)
