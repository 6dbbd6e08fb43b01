"""Write large bgzip files: several threads compress blocks, which are written in order."""

import io
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from annotator.formats.bgzf import BLOCK, END, BgzfWriter

PIECE = 1024 * 1024  # bytes for one thread, rounded down to whole blocks: only the last one of a file is shorter


def packed(data: bytes, level: int, block: int = BLOCK) -> bytes:
    """Return data as bgzip blocks, without the end-of-file block."""
    buffer = io.BytesIO()
    writer = BgzfWriter(buffer, level, block)
    writer.write(data)
    writer.finish()
    return buffer.getvalue()


class BgzipFile:
    """A new bgzip file. The same bytes written in the same pieces always make the same file."""

    def __init__(self, path: Path, level: int = 6, block: int = BLOCK) -> None:
        self._level = level
        self._block = block
        self._piece = PIECE // block * block
        self._file: IO[bytes] = path.open("wb")
        self._buffer = bytearray()
        workers = min(4, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="bgzip")
        self._waiting: deque[Future[bytes]] = deque()
        self._most = 4 * workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None:
                self.end_slice()
                self._file.write(END)
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._pool.shutdown(cancel_futures=True)
            self._file.close()

    def write(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= self._piece:
            self._submit(bytes(self._buffer[: self._piece]))
            del self._buffer[: self._piece]

    def _submit(self, data: bytes) -> None:
        self._waiting.append(self._pool.submit(packed, data, self._level, self._block))
        while len(self._waiting) > self._most:
            self._file.write(self._waiting.popleft().result())

    def end_slice(self) -> int:
        """End the current block, and return the offset in the file of the next one."""
        if self._buffer:
            self._submit(bytes(self._buffer))
            self._buffer.clear()
        while self._waiting:
            self._file.write(self._waiting.popleft().result())
        return self._file.tell()
