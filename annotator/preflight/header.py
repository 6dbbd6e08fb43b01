"""The header of a VCF: read it, check it, and normalize it so that every tool can read it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from annotator.effects import csq_field, info_tags
from annotator.errors import InputError
from annotator.preflight.declarations import (
    LONGEST_DECLARATION,
    Field,
    contig_length,
    declared,
    modern,
    retyped,
)
from annotator.preflight.journal import Journal
from annotator.preflight.text import ADVICE_EXPORT, separated_by_spaces, shown

COLUMNS = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
HEADER_BYTES = 32 * 1024 * 1024
OLDEST, NEWEST = (3, 3), (4, 5)
WRITTEN_FOR_OLD = "VCFv4.2"  # version to write for a 3.x file, whose header lines are converted

LONGEST_VERSION = 3  # digits in each part of the version

# No pattern in this module can match a text in two ways, so each one takes linear time.
_VERSION = re.compile(r"##fileformat=VCFv(\d++)(?:\.(\d++))?", re.IGNORECASE | re.ASCII)
#: Lines of an earlier annotation.
_DROPPED = re.compile(rf"##(?:INFO=<ID=(?:{'|'.join(info_tags.DESCRIPTIONS)})[,>]|gas_)", re.ASCII)
_OWN_CSQ = f'##INFO=<ID={info_tags.CSQ},Number=.,Type=String,Description="{csq_field.DESCRIPTION}.'


@dataclass
class Header:
    """The parts of a header that the writer and the checks of records use."""

    named: bool = False  # whether there is a valid ##fileformat line
    version: tuple[int, int] = (4, 2)
    fileformat: str = "VCFv4.2"
    meta: list[str] = field(default_factory=list)  # the ## lines to write, without fileformat
    columns: str = ""
    column_count: int = 8
    samples: int = 0
    infos: dict[str, Field] = field(default_factory=dict)
    formats: dict[str, Field] = field(default_factory=dict)
    filters: set[str] = field(default_factory=lambda: {"PASS", "."})
    contigs: dict[str, int | None] = field(default_factory=dict)
    line: int = 0  # number of the #CHROM line
    replaced: Mapping[str, str] = field(default_factory=dict)  # INFO tags to overwrite, and the source of each
    renamed: dict[str, str] = field(default_factory=lambda: dict(info_tags.FOREIGN))  # of other annotators' tags
    #: Where in meta each tag is declared, by (INFO or FORMAT, tag).
    places: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def widen(self, kind: str, tag: str, type_: str) -> None:
        """Declare an INFO or FORMAT tag with another type. The rest of its header lines stays the same."""
        for place in self.places[kind, tag]:
            self.meta[place] = retyped(self.meta[place], type_)


def read_header(
    lines: Iterator[tuple[int, str]], journal: Journal, replaced: Mapping[str, str] = MappingProxyType({})
) -> Header:
    """Read the lines up to and including #CHROM.

    Args:
        lines: (line number, line).
        journal: gets every repair.
        replaced: INFO tags that annotation will write, with their source. The file's own values of these are left out.

    Raises:
        InputError: this is not the header of a VCF.
    """
    header = Header(replaced=replaced)
    size = 0
    for number, raw in lines:
        line = raw.rstrip("\r")
        size += len(line)
        if size > HEADER_BYTES:
            raise InputError(
                "header-too-large",
                f"The header is longer than {HEADER_BYTES // 1024 // 1024} MiB (line {number}).",
                "Remove the header lines that are not needed.",
                number,
            )
        if line.startswith("##"):
            _read_meta(header, line, number, journal)
            header.line = number
        elif line[:6].upper() in ("#CHROM", "CHROM\t", "CHROM "):
            _read_columns(header, line, number, journal)
            header.line = number
            _check_version(header, journal)
            return header
        elif line.strip():
            raise _no_columns(line, number)
        else:
            journal.repair("blank-lines", "Blank lines were left out", number)
    raise InputError(
        "header-missing",
        "The header is incomplete: there is no line that starts with #CHROM.",
        "Check that the whole file was copied; " + ADVICE_EXPORT[0].lower() + ADVICE_EXPORT[1:],
        header.line or None,
    )


def _no_columns(line: str, number: int) -> InputError:
    columns = line.split("\t")
    if len(columns) >= 5 and columns[1].isdigit():
        return InputError(
            "header-missing",
            f"Line {number} is a record, but no header line that starts with #CHROM comes before it.",
            "Put the header back: ##fileformat=VCFv4.2 and the line of column names, in front of the records.",
            number,
        )
    if number == 1:
        return InputError(
            "not-a-vcf",
            "The file is not a VCF: its first line is neither a ## header line nor the #CHROM line.",
            "Upload a VCF or BCF file, as text or compressed with bgzip or gzip.",
            number,
        )
    return InputError(
        "header-missing",
        f"Line {number} is neither a ## header line nor the #CHROM line, which must come before the records.",
        ADVICE_EXPORT,
        number,
    )


def _check_version(header: Header, journal: Journal) -> None:
    if not header.named:
        journal.repair("no-fileformat", "There is no valid ##fileformat line; the file was read as VCF 4.2")
    if header.version < (4, 0):
        journal.repair(
            "old-version",
            f"The file is VCF {header.version[0]}.{header.version[1]}; it was written as {WRITTEN_FOR_OLD[3:]}",
        )
        header.fileformat = WRITTEN_FOR_OLD
    elif header.version > NEWEST:
        journal.repair(
            "new-version",
            f"The file is VCF {header.version[0]}.{header.version[1]}, which is newer than what was tested (4.5)",
        )


def _read_meta(header: Header, line: str, number: int, journal: Journal) -> None:
    if line[:13].lower() == "##fileformat=":
        _read_version(header, line, number, journal)
    elif _DROPPED.match(line) or line.startswith(_OWN_CSQ):
        if line.startswith(_OWN_CSQ):
            header.renamed.pop(info_tags.CSQ, None)
        journal.repair("earlier-run", "Header lines of an earlier annotation were removed", number)
    elif (kind := line[2:].partition("=")[0]) in ("INFO", "FORMAT", "FILTER", "contig"):
        _read_declaration(header, kind, line, number, journal)
    else:
        header.meta.append(line)


def _read_version(header: Header, line: str, number: int, journal: Journal) -> None:
    version = _VERSION.match(line)
    if version and max(map(len, version.groups(""))) > LONGEST_VERSION:
        raise InputError(
            "bad-version",
            f"Line {number} gives a VCF version that does not exist: {shown(line[13:])}.",
            "Write the version that the file has, for example ##fileformat=VCFv4.2, and upload it again.",
            number,
        )
    if version and version[2] and not header.named:
        if number != 1:
            journal.repair("fileformat-place", "The ##fileformat line was moved to the first place", number)
        header.named = True
        header.version = int(version[1]), int(version[2])
        header.fileformat = f"VCFv{version[1]}.{version[2]}"


def _read_declaration(header: Header, kind: str, given: str, number: int, journal: Journal) -> None:
    """Read an INFO, FORMAT, FILTER or contig line; one that cannot be read is left out."""
    line, values = given, None
    if len(given) <= LONGEST_DECLARATION:
        line = modern(given, number, journal)
        values = declared(kind, line)
    if values is None:
        journal.repair(
            "bad-declaration",
            "INFO, FORMAT, FILTER or contig lines of the header that cannot be read were left out",
            number,
            f"left out: {shown(line, 60)}",
        )
        return
    name = values["ID"]
    if kind == "contig":
        header.contigs[name] = contig_length(name, values.get("length", ""), number)
    elif kind == "FILTER":
        header.filters.add(name)
    else:
        if kind == "INFO" and name in header.replaced:
            return
        if kind == "INFO" and name in header.renamed:
            renamed = header.renamed[name]
            text = f"INFO/{name} of another annotator was kept as INFO/{renamed}"
            journal.repair("renamed-info", text, number, name=name)
            line, name = line.replace(name, renamed, 1), renamed
        table = header.infos if kind == "INFO" else header.formats
        table[name] = Field(values.get("Number", "."), values.get("Type", "String"))
        header.places.setdefault((kind, name), []).append(len(header.meta))
    header.meta.append(line)


def _read_columns(header: Header, line: str, number: int, journal: Journal) -> None:
    names = line.rstrip().split("\t")
    if len(names) < len(COLUMNS) <= len(line.split()):
        raise separated_by_spaces(number)
    if names and not names[0].startswith("#"):
        names[0] = "#" + names[0]
    for place, expected in enumerate(COLUMNS):
        if place >= len(names):
            raise InputError(
                "too-few-columns",
                f"Line {number} names {len(names)} columns; VCF needs at least 8 ({expected} is missing).",
                ADVICE_EXPORT,
                number,
            )
        if names[place].strip().upper() != expected:
            raise InputError(
                "wrong-columns",
                f"Line {number} names column {place + 1} {shown(names[place])} where VCF has {expected}.",
                "Rename or reorder the columns as VCF has them: " + " ".join(COLUMNS) + ".",
                number,
            )
    names[: len(COLUMNS)] = COLUMNS
    if len(names) > len(COLUMNS) and names[8].strip().upper() != "FORMAT":
        raise InputError(
            "wrong-columns",
            f"Line {number} names column 9 {shown(names[8])} where VCF has FORMAT.",
            "Put a FORMAT column in front of the samples, or remove the columns after INFO.",
            number,
        )
    samples = names[9:]
    seen: set[str] = set()
    for sample in samples:
        if not sample.strip() or sample in seen:
            fault = "a sample without a name" if not sample.strip() else f"sample {shown(sample)} twice"
            raise InputError("wrong-samples", f"Line {number} has {fault}.", "Give every sample its own name.", number)
        seen.add(sample)
    header.column_count = len(names)
    if len(names) == 9:
        journal.repair("lone-format", "The FORMAT column, which no sample follows, was left out", number)
        del names[8]
    header.columns = "\t".join(names)
    header.samples = len(samples)
