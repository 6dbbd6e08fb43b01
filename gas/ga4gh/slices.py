"""Parts of a bgzip file in S3, as byte ranges of it and small blocks that stand in the answer itself.

A region rarely begins or ends where a block does. The whole blocks of it are a byte range of the file; what the first
and the last block have of it is cut out and packed again. The pieces in their order are a bgzip file.
"""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from annotator.formats.bgzf import END, BgzfWriter, unpack_checked
from gas.aws import s3
from gas.ga4gh.tabix_index import Chunk, Contig, block_size, parse

#: No block is larger: its size less one is in two bytes.
_MOST_BLOCK = 0x10000
#: Bytes of a file's beginning that are read at once to find where the header ends.
_HEADER_STEP = 1024**2


class HeaderTooLong(Exception):
    """The header of a file is larger than the service sends in an answer."""


@dataclass(frozen=True)
class Inline:
    """Bytes that stand in the answer."""

    data: bytes

    @property
    def url(self) -> str:
        return f"data:application/gzip;base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True)
class Range:
    """Bytes of the file, from `first` to `last`, both included."""

    first: int
    last: int


Piece = Inline | Range


@dataclass(frozen=True)
class IndexedFile:
    """A bgzip file in S3 and its index, whose objects never change under their keys."""

    bucket: str
    key: str
    index_key: str

    def contigs(self) -> dict[str, Contig]:
        """Return what the index says of each contig."""
        return _index(self.bucket, self.index_key)

    def header(self) -> Inline:
        """Return the lines at the beginning that begin with #, packed. Raises HeaderTooLong."""
        return Inline(_packed(_header(self.bucket, self.key)))

    def records(self, chunk: Chunk) -> Iterator[Piece]:
        """Yield the pieces of a chunk."""
        (first, skip), (last, stop) = divmod(chunk.begin, 1 << 16), divmod(chunk.end, 1 << 16)
        if first == last:
            yield Inline(_packed(unpack_checked(self._block(first))[skip:stop]))
            return
        if skip:
            block = self._block(first)
            yield Inline(_packed(unpack_checked(block)[skip:]))
            first += len(block)
        if first < last:
            yield Range(first, last - 1)
        if stop:
            yield Inline(_packed(unpack_checked(self._block(last))[:stop]))

    def _block(self, at: int) -> bytes:
        data = s3.read_range(self.bucket, self.key, at, at + _MOST_BLOCK - 1)
        return data[: block_size(data)]


END_OF_FILE = Inline(END)


@lru_cache(maxsize=16)
def _index(bucket: str, key: str) -> dict[str, Contig]:
    return parse(b"".join(s3.stream(bucket, key)))


@lru_cache(maxsize=64)
def _header(bucket: str, key: str) -> bytes:
    start = s3.read_range(bucket, key, 0, _HEADER_STEP - 1)
    text, at = bytearray(), 0
    while at + _MOST_BLOCK <= len(start) or (at < len(start) < _HEADER_STEP):
        size = block_size(start[at:])
        text += unpack_checked(start[at : at + size])
        at += size
        if (end := _header_end(text)) is not None:
            return bytes(text[:end])
    if len(start) < _HEADER_STEP:
        return bytes(text)  # a file without records
    raise HeaderTooLong(key)


def _header_end(text: bytearray) -> int | None:
    """Return where the first line begins that is not of the header; None if it is not in the text."""
    at = 0
    while at < len(text):
        if text[at : at + 1] != b"#":
            return at
        line_end = text.find(b"\n", at)
        if line_end < 0:
            return None
        at = line_end + 1
    return None


def _packed(text: bytes) -> bytes:
    packed = io.BytesIO()
    writer = BgzfWriter(packed)
    writer.write(text)
    writer.finish()
    return packed.getvalue()
