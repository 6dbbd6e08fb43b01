"""Read an annotated file: the tags that its header declares as added, and its records in blocks of whole lines."""

import gzip
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from annotator.effects import info_tags
from annotator.errors import EngineError
from annotator.tables.schema import VERSION, Kind, Metadata, SourceColumn

#: Bytes of records that are processed at once, not counting the rest of the last line.
BLOCK = 2 * 1024 * 1024

_ID = re.compile(r"##INFO=<ID=([^,>]+),")
_TYPE = re.compile(r",Type=(\w+)")
_DESCRIPTION = re.compile(r',Description="([^"\\]*+(?:\\.[^"\\]*+)*+)"').search
_SOURCE = re.compile(r',Source="([^"\\]*+(?:\\.[^"\\]*+)*+)"').search
_VERSION = re.compile(r',Version="([^"\\]*+(?:\\.[^"\\]*+)*+)"').search
_ESCAPED = re.compile(r"\\(.)")
_CONTIG = re.compile(r"##contig=<ID=([^,>]++)")
_LENGTH = re.compile(r",length=(\d++)")
_KINDS = {"Float": Kind.NUMBER, "Integer": Kind.INTEGER}


@dataclass(frozen=True)
class SourceTag:
    """A tag that an installed source has added.

    type: as declared: Float, Integer, String ...
    text: its description.
    source, version: of the source, as declared.
    """

    tag: str
    type: str
    text: str = ""
    source: str = ""
    version: str = ""


@dataclass(frozen=True)
class Added:
    """The contents of the header.

    order: the tags that annotation has added, in their order at the end of each INFO.
    sources: the added tags that come from sources.
    contigs: names and lengths; 0 if not declared.
    samples: names.
    """

    order: list[str]
    sources: list[SourceTag]
    contigs: list[tuple[str, int]] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)

    def metadata(self, names: Sequence[str]) -> Metadata:
        """Return the metadata of the Parquet file. names: the columns of sources."""
        columns = (
            SourceColumn(name, one.tag, _KINDS.get(one.type, Kind.TEXT), one.text, one.source, one.version)
            for name, one in zip(names, self.sources, strict=True)
        )
        return Metadata(VERSION, tuple(self.samples), tuple(self.contigs), tuple(columns))


def open_result(result: Path) -> IO[bytes]:
    """Open an annotated file for `read_header` and then `blocks`."""
    return cast("IO[bytes]", gzip.open(result))


def read_header(file: IO[bytes]) -> Added:
    """Read the whole header, and return what annotation has declared.

    The added declarations begin with CSQ; the tags of sources come last. An input file may declare its own tags with
    Source and Version, but those come before CSQ.
    """
    found = Added([], [])
    for raw in file:
        if raw.startswith(b"#CHROM\t"):
            found.samples.extend(_utf8(raw).decode().rstrip("\r\n").split("\t")[9:])
            return found
        if not raw.startswith(b"##"):
            break
        line = raw.decode("utf-8", "replace")
        if contig := _CONTIG.match(line):
            length = _LENGTH.search(line, contig.end())
            found.contigs.append((contig[1], int(length[1]) if length else 0))
        name = _ID.match(line)
        if name is None or (name[1] not in info_tags.OWN and not found.order):
            continue
        found.order.append(name[1])
        if name[1] not in info_tags.OWN:
            type_ = _TYPE.search(line)
            text, source, version = (_unquoted(one(line)) for one in (_DESCRIPTION, _SOURCE, _VERSION))
            found.sources.append(SourceTag(name[1], type_[1] if type_ else "String", text, source, version))
    raise EngineError("bad-result", "the annotated file has no line of column names")


def _unquoted(found: re.Match[str] | None) -> str:
    return _ESCAPED.sub(r"\1", found[1]) if found else ""


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the records as UTF-8 text in blocks of whole lines: about BLOCK bytes, or one longer line."""
    while block := file.read(BLOCK):
        yield _utf8(block + file.readline())


def _utf8(block: bytes) -> bytes:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return b"\n".join(_utf8_lines(block.split(b"\n")))
    return block


def _utf8_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Convert each line that is not UTF-8 from Latin-1, in which every byte is a character."""
    for line in lines:
        try:
            line.decode("utf-8")
            yield line
        except UnicodeDecodeError:
            yield line.decode("latin-1").encode("utf-8")
