"""The fields of a source: which to take, their names in results, and how to read their values."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from annotator.effects import info_tags
from annotator.preflight.info import RESERVED
from annotator.sources.errors import SourceError

ID_COLUMN = "ID"  # as a field name, stands for the ID column

_KEY_VALUE = re.compile(r'(?<!\w)(\w++)=(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"|([^,">]*+))')
_TAG = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*").fullmatch
NUMERIC = {"Integer", "Float"}
_TYPES = {*NUMERIC, "Flag", "Character", "String"}

#: Reads one field: (ID column, ";" and INFO column, number of the ALT allele from 0) -> value, "" if there is none.
Getter = Callable[[str, str, int], str]


@dataclass(frozen=True)
class Wanted:
    """A field to take, and its tag in results. type: "" for the type that the source declares."""

    field: str
    tag: str
    type: str = ""
    description: str = ""


@dataclass(frozen=True)
class Field:
    """A field as a source declares it (number, type, description), and its tag and type in results."""

    tag: str
    field: str
    number: str
    type: str
    description: str
    written_type: str


def parse_fields(text: str, name: str, known: Iterable[Wanted] = ()) -> list[Wanted]:
    """Parse FIELD[:TAG],….

    Without :TAG, the tag is that of the same field in `known`, else <name>_FIELD, or FIELD if that begins with the
    name.
    """
    by_field = {one.field: one for one in known}
    wanted = []
    for part in text.split(","):
        field, _, tag = part.strip().partition(":")
        if not field:
            raise SourceError("bad-request", f"{text!r} is not a list of fields, such as CLNSIG,CLNDN or AF:my_AF.")
        if field in by_field and not tag:
            wanted.append(by_field[field])
            continue
        own = field.lower().startswith(name.lower())
        wanted.append(Wanted(field, tag or (field if own else f"{name}_{field}")))
    return wanted


def check_tags(wanted: Iterable[Wanted]) -> None:
    """Raise SourceError if a tag is not valid, or is in use already."""
    seen: set[str] = set()
    for one in wanted:
        if not _TAG(one.tag):
            raise SourceError("clash", f"{one.tag!r} cannot be a tag of a VCF: name it as in {one.field}:NAME.")
        if (
            one.tag in {*info_tags.OWN, *info_tags.FOREIGN, *info_tags.FOREIGN.values()}
            or one.tag in RESERVED
            or one.tag in seen
        ):
            raise SourceError("clash", f"The tag {one.tag} has another meaning: name it as in {one.field}:NAME.")
        seen.add(one.tag)


def resolve(wanted: Iterable[Wanted], header: Iterable[str]) -> list[Field]:
    """Find the wanted fields in a header's declarations. Raises SourceError if one is missing or cannot be used."""
    declared = _declared(header)
    found = []
    for one in wanted:
        if one.field == ID_COLUMN:
            text = one.description or "The source's ID column"
            found.append(Field(one.tag, one.field, "1", "String", text, one.type or "String"))
            continue
        facts = declared.get(one.field)
        if facts is None:
            names = ", ".join(sorted(declared)) or "none"
            raise SourceError("no-field", f"The source has no INFO field {one.field}. Those that it has: {names}.")
        number, type_ = facts["Number"], facts["Type"]
        if number == "G":
            raise SourceError(
                "no-field", f"The field {one.field} has a value per genotype (Number=G), which no allele can be given."
            )
        # A list for the whole record becomes one text for the allele.
        written = type_ if number in {"A", "R", "1"} else "String"
        if number == "0":
            written = "Integer"
        description = one.description or facts["Description"].replace('\\"', '"').replace("\\\\", "\\")
        description = description.encode("latin-1", "replace").decode("utf-8", "replace")  # see Reader
        found.append(Field(one.tag, one.field, number, type_, description, one.type or written))
    return found


def _declared(header: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the keys and values of each readable INFO line, by ID."""
    found = {}
    for line in header:
        if line.startswith("##INFO=<"):
            facts = {match[1]: match[2] or match[3] or "" for match in _KEY_VALUE.finditer(line, 8)}
            if facts.get("ID") and facts.get("Number") and facts.get("Type") in _TYPES:
                found[facts["ID"]] = {"Description": "", **facts}
    return found


def getter(field: Field) -> Getter:
    """Return a function that reads a field for one allele. Values can be put into a list of INFO: commas become %2C."""
    if field.field == ID_COLUMN:
        return lambda id_, _info, _allele: "" if id_ == "." else _escaped(id_).replace(";", "&")
    if field.number == "0":
        flag = re.compile(rf";{re.escape(field.field)}(?:[;=]|$)").search
        return lambda _id, info, _allele: "1" if flag(info) else ""
    start = f";{field.field}="
    if field.number in {"A", "R"}:
        shift = 1 if field.number == "R" else 0  # the first value of an R field is the reference's
        return lambda _id, info, allele: _one(_value(info, start), allele + shift)
    return lambda _id, info, _allele: _whole(_value(info, start))


def _value(info: str, start: str) -> str:
    # str.find, because a regular expression takes ten times longer on the hundreds of fields of a gnomAD record.
    at = info.find(start)
    if at < 0:
        return ""
    at += len(start)
    end = info.find(";", at)
    return info[at:] if end < 0 else info[at:end]


def _escaped(value: str) -> str:
    return value.replace(",", "%2C").replace(" ", "_").replace("=", "%3D")


def _one(text: str, place: int) -> str:
    values = text.split(",")
    value = values[place] if place < len(values) else ""
    return "" if value == "." else _escaped(value)


def _whole(text: str) -> str:
    return "" if not text.strip(".,") else _escaped(text)


def merged(field: Field, first: str, second: str) -> str:
    """Merge two values of the same allele: numbers keep the first; distinct texts are joined by &."""
    if not first or not second:
        return first or second
    if field.written_type in NUMERIC:
        return first
    return "&".join(dict.fromkeys([*first.split("&"), *second.split("&")]))
