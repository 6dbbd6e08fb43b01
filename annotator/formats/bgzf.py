"""Bgzip: gzip in blocks of at most 64 KiB that an index can point into (SAM specification, section 4)."""

import struct
import zlib
from array import array
from typing import IO

from deflate import DeflateError, deflate_compress, deflate_decompress

#: Bytes in a block before compression. This is bgzip's size, with which even incompressible data fits into a block.
BLOCK = 0xFF00
#: Of libdeflate: twice as fast as zlib's 6, and 7 % larger. A level gives the same bytes on every processor.
LEVEL = 4
END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


class BgzfWriter:
    """Compresses bytes into blocks. The caller writes the end-of-file block: files without one can be concatenated."""

    def __init__(self, file: IO[bytes], level: int = LEVEL, block: int = BLOCK) -> None:
        """block: bytes in each block before compression, BLOCK at most."""
        self._file = file
        self._level = level
        self._size = block
        self._buffer = bytearray()
        #: Offset of each block relative to the first one, and the end of the last one.
        self.blocks = array("Q", [0])

    def write(self, data: bytes | memoryview) -> None:
        """Compress complete blocks, and buffer the rest."""
        view, at = memoryview(data), 0
        if self._buffer:
            at = self._size - len(self._buffer)
            self._buffer += view[:at]
            if len(self._buffer) < self._size:
                return
            self._block(bytes(self._buffer))
            self._buffer.clear()
        while at + self._size <= len(view):
            self._block(view[at : at + self._size])
            at += self._size
        self._buffer += view[at:]

    def finish(self) -> None:
        """Write the buffered bytes. The file stays open."""
        if self._buffer:
            self._block(bytes(self._buffer))
            self._buffer.clear()

    def _block(self, data: bytes | memoryview) -> None:
        packed = bytes(deflate_compress(data, self._level))
        if len(packed) > BLOCK + 200:
            packer = zlib.compressobj(0, zlib.DEFLATED, -15)
            packed = packer.compress(data) + packer.flush()
        # No time and no name in the gzip header, so that the same text always gives the same bytes.
        self._file.write(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0")
        self._file.write(struct.pack("<H", len(packed) + 25))
        self._file.write(packed)
        self._file.write(struct.pack("<II", zlib.crc32(data), len(data)))
        self.blocks.append(self.blocks[-1] + len(packed) + 26)


MOST = 0x10000  # maximum bytes of a block, uncompressed
#: Size of all extra fields, and of the block minus one, from the first extra field: SAM specification, 4.1.
_HEAD = struct.Struct("<10xH4xH").unpack_from
_LENGTH = struct.Struct("<I").unpack_from


def block_size(data: bytes, at: int = 0) -> int:
    """Return the bytes of the block that begins at `at`, compressed. Raises struct.error if the data ends before."""
    size: int = _HEAD(data, at)[1]
    return size + 1


def unpack(block: bytes) -> bytes:
    """Return the text of the first block in these bytes. Raises ValueError or struct.error if it is damaged."""
    extra, size = _HEAD(block)
    # The block's last number is the length of its text. Allocating the maximum takes longer than unpacking a short
    # text.
    (length,) = _LENGTH(block, size - 3)
    try:
        text = bytes(deflate_decompress(block[12 + extra :], min(length, MOST))) if length else b""
    except DeflateError as error:
        raise ValueError("a block of a bgzip file is damaged") from error
    if len(text) != length:
        raise ValueError("a block of a bgzip file is damaged")
    return text


def unpack_checked(block: bytes) -> bytes:
    """Return the text of a block after comparing its checksum. Raises ValueError or struct.error if it is damaged."""
    text = unpack(block)
    if struct.unpack_from("<II", block, len(block) - 8) != (zlib.crc32(text), len(text)):
        raise ValueError("the checksum of a block of a bgzip file is wrong")
    return text
