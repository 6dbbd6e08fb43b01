"""Parts of a bgzip file in S3, as byte ranges of it and small blocks that stand in the answer itself.

A region rarely begins or ends where a block does. The whole blocks of it are a byte range of the file; what the first
and the last block have of it is cut out and packed again. The pieces in their order are a bgzip file.
"""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from annotator.formats.bgzf import END, BgzfWriter, block_size, unpack_checked
from gas.aws import s3
from gas.ga4gh.tabix_index import Chunk, TabixIndex

#: No block is larger: its size less one is in two bytes.
_MOST_BLOCK = 0x10000


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
END_OF_FILE = Inline(END)


@dataclass(frozen=True)
class IndexedFile:
    """A bgzip file in S3 and its index, whose objects never change under their keys.

    Attributes:
        bucket, key: of the file.
        size: of the file, in bytes.
        index_key: of its tabix index.
    """

    bucket: str
    key: str
    size: int
    index_key: str

    def index(self) -> TabixIndex:
        """Return the index. Raises gas.aws.s3.ObjectMissing."""
        return _index(self.bucket, self.index_key)

    def header(self) -> Iterator[Piece]:
        """Yield the pieces of what stands before the first record."""
        first = self.index().first_record()
        end_block = self.size - len(END)  # empty, at the end of every file
        yield from self.records(Chunk(0, end_block << 16 if first is None else first))

    def records(self, chunk: Chunk) -> Iterator[Piece]:
        """Yield the pieces of a chunk. Reads two blocks at most."""
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


@lru_cache(maxsize=4)  # each takes as many bytes as the index has before compression: some MB for a whole genome
def _index(bucket: str, key: str) -> TabixIndex:
    return TabixIndex(b"".join(s3.stream(bucket, key)))


def _packed(text: bytes) -> bytes:
    packed = io.BytesIO()
    writer = BgzfWriter(packed)
    writer.write(text)
    writer.finish()
    return packed.getvalue()
