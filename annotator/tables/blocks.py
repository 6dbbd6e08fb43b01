"""The annotated file, read again: what its header says of added tags, and its records in blocks of whole lines."""

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from annotator.effects import info_tags
from annotator.errors import EngineError

#: Bytes of records that are worked on at once, before the line that is then read to its end.
BLOCK = 2 * 1024 * 1024

_ID = re.compile(r"##INFO=<ID=([^,>]+),")
_TYPE = re.compile(r",Type=(\w+)")


@dataclass(frozen=True)
class SourceTag:
    """A tag that an installed source has added, and its type as declared: Float, Integer, String ..."""

    tag: str
    type: str


@dataclass(frozen=True)
class Added:
    """The tags that annotation has added to the file, in the order in which they end each INFO; those of sources."""

    order: list[str]
    sources: list[SourceTag]


def open_result(result: Path) -> IO[bytes]:
    """Open an annotated file for `read_header` and then `blocks`."""
    return cast("IO[bytes]", gzip.open(result))


def read_header(file: IO[bytes]) -> Added:
    """Read the header to its end, and return what annotation has declared.

    That begins with CSQ; tags of sources follow ours. A file may declare tags with Source and Version of its own, but
    those come before.
    """
    found = Added([], [])
    for raw in file:
        if raw.startswith(b"#CHROM\t"):
            return found
        if not raw.startswith(b"##"):
            break
        line = raw.decode("utf-8", "replace")
        name = _ID.match(line)
        if name is None or (name[1] not in info_tags.OWN and not found.order):
            continue
        found.order.append(name[1])
        if name[1] not in info_tags.OWN:
            declared = _TYPE.search(line)
            found.sources.append(SourceTag(name[1], declared[1] if declared else "String"))
    raise EngineError("bad-result", "the annotated file has no line of column names")


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the records as UTF-8 text in blocks of whole lines, each of about BLOCK bytes or one line."""
    while block := file.read(BLOCK):
        yield _utf8(block + file.readline())


def _utf8(block: bytes) -> bytes:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return b"\n".join(_utf8_lines(block.split(b"\n")))
    return block


def _utf8_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Decode a line that is not UTF-8 as Latin-1, in which every byte is a letter."""
    for line in lines:
        try:
            line.decode("utf-8")
            yield line
        except UnicodeDecodeError:
            yield line.decode("latin-1").encode("utf-8")
