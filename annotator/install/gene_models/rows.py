"""Read the lines of a GFF3 or GTF file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from annotator.install.errors import InstallError

_GTF_PAIR = re.compile(r'(?<![^\s";=])([^\s";=]{1,100}+)\s++(?:"([^"]*+)"|([^\s";]++))\s*+(?:;|$)')
_GTF = re.compile(r'\s*[^\s";=]{1,100}\s+"').match
#: An accession with its version, such as ENST00000373020.9 or NM_000059.4, and GENCODE's suffix on chromosome Y. In any
#: other name, a number after a dot belongs to the name: AT1G01020.1 and AT1G01020.2 are two transcripts.
_VERSIONED = re.compile(r"(ENS[A-Z]{0,8}\d{6,15}|[NXY][MRP]_\d{6,12})\.(\d{1,6})(_PAR_Y)?").fullmatch


@dataclass(frozen=True, slots=True)
class Row:
    """One line. tags: the decoded values of each attribute; start and end: 1-based, inclusive."""

    contig: str
    kind: str
    start: int
    end: int
    strand: str
    phase: str
    tags: Mapping[str, Sequence[str]]
    is_gtf: bool

    def first(self, *keys: str) -> str:
        """Return the first value of the first of these attributes that the row has; "" if it has none of them."""
        return next((self.tags[key][0] for key in keys if self.tags.get(key)), "")


def read_row(line: str, number: int, source: str) -> Row | None:
    """Read a line.

    Args:
        line: Without its line end.
        number: The line number, from 1.
        source: The file's name, for errors.

    Returns:
        The row; None for comments and blank lines.

    Raises:
        InstallError: The line is neither GFF3 nor GTF.
    """
    if not line.strip() or line.startswith("#"):
        return None
    cells = line.split("\t")
    if len(cells) != 9:
        raise _fault(source, number, f"has {len(cells)} columns, not the 9 of GFF3 and GTF")
    contig, _, kind, start, end, _, strand, phase, text = cells
    if not (start.isdecimal() and end.isdecimal() and len(start) < 12 and len(end) < 12):
        raise _fault(source, number, f"has no positions in columns 4 and 5 ({start[:20]!r}, {end[:20]!r})")
    if not 1 <= int(start) <= int(end):
        raise _fault(source, number, f"ends before it starts ({start}-{end})")
    is_gtf = bool(_GTF(text))
    tags = _gtf(text) if is_gtf else _gff3(text)
    return Row(contig, kind, int(start), int(end), strand, phase, tags, is_gtf)


def split_version(name: str) -> tuple[str, str]:
    """Split an accession into name and version; return any other name unchanged, with ""."""
    found = _VERSIONED(name)
    return (found[1] + (found[3] or ""), found[2]) if found else (name, "")


def _fault(source: str, number: int, what: str) -> InstallError:
    return InstallError("bad-genes", f"{source}, line {number:,}, {what}. Give a GFF3 or GTF file of gene models.")


def _gff3(text: str) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        if equals:
            tags.setdefault(key.strip(), []).extend(unquote(one) for one in value.strip().split(","))
    return tags


def _gtf(text: str) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for key, quoted, bare in _GTF_PAIR.findall(text):
        tags.setdefault(key, []).append(quoted or bare)
    return tags
