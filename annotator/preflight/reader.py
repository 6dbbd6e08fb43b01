"""Read lines of text from plain, gzip, bgzip and BCF files in chunks, within the limits on size."""

import signal
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from subprocess import PIPE
from typing import IO

from annotator.errors import InputError
from annotator.formats.bcftools import Tool
from annotator.preflight.sniff import Packing, Sniffed

CHUNK = 256 * 1024
LEAST_GIVEN = 1024  # minimum number of packed bytes to pass to zlib
GZIP_START = 0x1F
#: The empty block that ends every complete bgzip file (SAM specification, section 4.1.2).
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")

#: Signals that a crashed program ends with.
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}

Note = Callable[[str], None]
ToolFactory = Callable[[str, list[str | Path], int], Tool]


def human_bytes(size: int) -> str:
    """Return a size for people, such as 150 KiB or 2 GiB."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size} {unit}"
        size //= 1024
    return f"{size} GiB"


class Reader:
    """Numbered lines of a file. Bytes are read as Latin-1, so that they can be written back unchanged.

    Args:
        source: the file.
        sniffed: how it is packed.
        expanded_bytes: maximum size of the unpacked text.
        line_bytes: maximum size of a line.
        note: called with what a scientist should know about the packing.
        check: called once per chunk; may raise to stop.
        start_tool: starts a bcftools command, to read BCF.
    """

    def __init__(
        self,
        source: Path,
        sniffed: Sniffed,
        *,
        expanded_bytes: int,
        line_bytes: int,
        note: Note,
        check: Callable[[], None],
        start_tool: ToolFactory,
    ) -> None:
        self._source = source
        self._sniffed = sniffed
        self._expanded_bytes = expanded_bytes
        self._line_bytes = line_bytes
        # No chunk is longer than the longest line, so only lines that span chunks must be measured.
        self._chunk = min(CHUNK, line_bytes)
        self._note = note
        self._check = check
        self._start_tool = start_tool
        #: Whether the last line lacks a line end; valid after that line has been read.
        self.cut = False
        self._groups = self._read()
        self._current: Iterator[tuple[int, str]] = iter(())

    def close(self) -> None:
        """Stop reading. Needed only if the file is not read to its end."""
        self._groups.close()

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield (line number from 1, line without its line end). Another call resumes where the last one stopped."""
        while True:
            yield from self._current
            group = next(self._groups, None)
            if group is None:
                return
            self._current = enumerate(lines_of(group[1]), group[0])

    def put_back(self, number: int, line: str) -> None:
        """Make the line that `lines` yielded last the next one again, for another call of `lines` or `blocks`."""
        self._current = chain([(number, line)], self._current)

    def blocks(self, size: int) -> Iterator[tuple[int, bytes]]:
        """Yield the remaining lines in blocks of about `size` bytes, as (number of the first line, lines).

        Lines include their line ends; the last line of a file may have none.
        """
        waiting = list(self._current)
        first = waiting[0][0] if waiting else 0
        parts = ["".join(f"{line}\n" for _, line in waiting).encode("latin-1")]
        length = len(parts[0])
        for number, group in self._groups:
            first = first or number
            parts.append(group)
            length += len(group)
            if length >= size:
                yield first, b"".join(parts)
                first, parts, length = 0, [], 0
        if length:
            yield first, b"".join(parts)

    def _read(self) -> Generator[tuple[int, bytes]]:
        """Yield the lines that end in each chunk, as (number of the first, lines with their line ends)."""
        number = 1
        carried: list[bytes] = []  # parts of a line that has not ended yet
        carried_size = 0
        first = True
        with closing(self._chunks()) as chunks:
            for raw in chunks:
                chunk = raw[3:] if first and self._sniffed.bom else raw
                first = False
                if self._sniffed.newline == "\r":
                    chunk = chunk.replace(b"\r", b"\n")
                end = chunk.rfind(b"\n") + 1
                if end:
                    self._check_length(carried_size + chunk.index(b"\n"), number)
                    carried.append(chunk[:end])
                    lines = b"".join(carried)
                    yield number, lines
                    number += lines.count(b"\n")
                    carried, carried_size = [], 0
                carried.append(chunk[end:])
                carried_size += len(chunk) - end
                self._check_length(carried_size, number)
        if carried_size:
            self.cut = True
            yield number, b"".join(carried)

    def _check_length(self, size: int, number: int) -> None:
        if size > self._line_bytes:
            raise InputError(
                "line-too-long",
                f"Line {number} is longer than {human_bytes(self._line_bytes)}.",
                "Check that the file is a VCF with one record per line; split it by samples if it has very many.",
                number,
            )

    def _chunks(self) -> Generator[bytes]:
        size = 0
        with self._unpacked() as chunks:
            for chunk in chunks:
                size += len(chunk)
                if size > self._expanded_bytes:
                    raise InputError(
                        "too-large-expanded",
                        f"The file expands to more than {human_bytes(self._expanded_bytes)}.",
                        "Split it, by chromosome for example, and upload the parts.",
                    )
                self._check()
                yield chunk

    @contextmanager
    def _unpacked(self) -> Iterator[Iterator[bytes]]:
        if self._sniffed.packing is Packing.BCF:
            yield self._from_bcf()
            return
        with self._source.open("rb") as file:
            if self._sniffed.packing is Packing.PLAIN:
                yield iter(lambda: file.read(self._chunk), b"")
            else:
                yield self._from_gzip(file)

    def _from_gzip(self, file: IO[bytes]) -> Iterator[bytes]:
        last = b"\n"
        try:
            for chunk in self._members(file):
                last = chunk[-1:]
                yield chunk
        except zlib.error as error:
            raise InputError(
                "broken-gzip",
                "The compressed data is damaged: it cannot be decompressed to its end.",
                "Compress the original again, upload it in binary mode, and check it with gzip -t.",
            ) from error
        if self._sniffed.packing is Packing.BGZIP and not _has_bgzip_end(file):
            if last not in b"\r\n":
                raise _truncated()
            self._note("The bgzip end-of-file block is missing: check that the file was copied whole.")

    def _members(self, file: IO[bytes]) -> Iterator[bytes]:
        """Decompress the gzip members of a file in order: a bgzip file is a series of gzip members.

        zlib copies the input that it does not use. So it is passed about twice the size of the previous member, which
        keeps the time linear for a file of very many tiny members.
        """
        packed, at = self._next(file), 0
        size = CHUNK
        while at < len(packed):
            if packed[at] != GZIP_START:
                if packed[at:].strip(b"\0"):
                    self._note("Bytes after the end of the compressed data were left out.")
                return
            member = zlib.decompressobj(wbits=31)
            used = 0
            while not member.eof:
                given = member.unconsumed_tail
                if not given:
                    if at == len(packed):
                        packed, at = self._next(file), 0
                    given = packed[at : at + size]
                    at += len(given)
                    used += len(given)
                    size = min(2 * size, CHUNK)
                chunk = member.decompress(given, self._chunk)
                if chunk:
                    yield chunk
                elif not given:
                    raise _truncated()
            at -= len(member.unused_data)
            size = min(max(2 * (used - len(member.unused_data)), LEAST_GIVEN), CHUNK)
            if at == len(packed):
                packed, at = self._next(file), 0

    def _next(self, file: IO[bytes]) -> bytes:
        """Read the next packed bytes. Also check the run's limits here, because a member may have no text."""
        self._check()
        return file.read(CHUNK)

    def _from_bcf(self) -> Iterator[bytes]:
        tool = self._start_tool("view", ["--no-version", "-Ov", self._source.resolve()], PIPE)
        try:
            while chunk := tool.stdout.read(self._chunk):
                yield chunk
            # bcftools crashes on some damaged files, without a message.
            if (status := tool.process.wait()) > 0 or -status in CRASHES:
                raise InputError(
                    "broken-bcf",
                    "The BCF file is damaged or cut short: bcftools cannot read it to its end.",
                    "Write it again, for example with bcftools view -Oz, and upload that file.",
                )
            if failure := tool.failure():
                raise failure
        finally:
            tool.close()


def lines_of(data: bytes) -> list[str]:
    """Return the lines without their line ends."""
    text = data.decode("latin-1")
    return (text.removesuffix("\n")).split("\n")


def _has_bgzip_end(file: IO[bytes]) -> bool:
    size = file.seek(0, 2)
    file.seek(max(0, size - len(BGZIP_END)))
    return file.read() == BGZIP_END


def _truncated() -> InputError:
    return InputError(
        "truncated-gzip",
        "The compressed file ends before its data does: it was cut short.",
        "Copy or export it again and check it with gzip -t before the upload.",
    )
