"""Declarations in a VCF header: INFO, FORMAT, FILTER and contig lines."""

import re
from dataclasses import dataclass

from annotator.effects.info_tags import quoted
from annotator.errors import InputError
from annotator.preflight.journal import Journal
from annotator.preflight.text import shown

#: Maximum number of characters in a declaration; longer ones are left out.
LONGEST_DECLARATION = 64 * 1024
LONGEST_LENGTH = 18  # digits of a contig's length (64 bits)

# No pattern in this module can match a text in two ways, so each one takes linear time.
_DECLARED = re.compile(r"##(INFO|FORMAT|FILTER|contig)=<")
#: One key of a declaration and its value: in quotes, in brackets, or plain. Spaces may surround keys and plain values,
#: as in HTSlib.
_PAIR = re.compile(r' *+(\w[\w.]*+) *+=("[^"\\]*+(?:\\.[^"\\]*+)*"|\[[^\]"]*+\](?=,|\Z)|[^,"<>]*+)(,|\Z)', re.ASCII)
_NUMBER = re.compile(r"\d{1,9}|[ARGPM.]|L[ARG]", re.ASCII).fullmatch
_TYPES = {"Integer", "Float", "Flag", "Character", "String"}
#: Declarations of VCF 3.x, up to the description.
_OLD = re.compile(r"##(INFO|FORMAT)=([^,<]++),(-?\d++),(\w++),")
_OLD_FILTER = re.compile(r"##FILTER=([^,<]++),")


@dataclass(frozen=True)
class Field:
    """Number and Type of an INFO or FORMAT tag, as declared."""

    number: str
    type: str


def declared(kind: str, line: str) -> dict[str, str] | None:
    """Return the keys and values of a declaration; None if it cannot be read or lacks what its kind needs."""
    text = line.rstrip()
    start = _DECLARED.match(text)
    if start is None or not text.endswith(">"):
        return None
    values = _pairs(text[start.end() : -1])
    if values is None or not values.get("ID"):
        return None
    if kind in ("INFO", "FORMAT") and not (_NUMBER(values.get("Number", "")) and values.get("Type") in _TYPES):
        return None
    return values


def _pairs(body: str) -> dict[str, str] | None:
    """Return the keys and values between < and > of a declaration; None unless all of it can be read."""
    values: dict[str, str] = {}
    at, comma = 0, ","
    while comma:
        pair = _PAIR.match(body, at)
        if pair is None:
            return None
        values[pair[1]], comma, at = pair[2].strip(" "), pair[3], pair.end()
    return values


def retyped(line: str, type_: str) -> str:
    """Return a parsed INFO or FORMAT line with another type."""
    text = line.rstrip()
    start = _DECLARED.match(text)
    at = start.end() if start else len(text)
    while pair := _PAIR.match(text, at, len(text) - 1):
        if pair[1] == "Type":
            value = pair[2].replace(pair[2].strip(" "), type_)
            text, at = f"{text[: pair.start(2)]}{value}{text[pair.end(2) :]}", pair.start(2) + len(value) + len(pair[3])
        else:
            at = pair.end()
    return text + line[len(line.rstrip()) :]


def contig_length(name: str, text: str, number: int) -> int | None:
    """Return the length in a ##contig line; None if it has none. Raises InputError for an impossible length."""
    if not text.isdecimal():
        return None
    if len(text) > LONGEST_LENGTH:
        raise InputError(
            "bad-contig-length",
            f"Line {number} gives contig {shown(name)} a length of {len(text):,} digits, which no contig has.",
            "Correct the length in this ##contig line, or remove the line, and upload the file again.",
            number,
        )
    return int(text)


def modern(line: str, number: int, journal: Journal) -> str:
    """Convert a header line of VCF 3.x to the form of 4.x."""
    if line.startswith(("##INFO=<", "##FORMAT=<", "##FILTER=<")):
        return line
    text = "Header lines in the form of VCF 3.x were brought to that of VCF 4"
    if old := _OLD.match(line):
        kind, name, count, type_ = old.groups()
        journal.repair("old-header", text, number)
        return (
            f"##{kind}=<ID={name.strip()},Number={'.' if count == '-1' else count},Type={type_},"
            f"Description={quoted(_description(line[old.end() :]))}>"
        )
    if old := _OLD_FILTER.match(line):
        journal.repair("old-header", text, number)
        return f"##FILTER=<ID={old[1].strip()},Description={quoted(_description(line[old.end() :]))}>"
    return line


def _description(text: str) -> str:
    """Return the description of a declaration of VCF 3.x without its quotes."""
    return text.removeprefix('"').rstrip().removesuffix('"')
