"""The check of INFO: values of the declared type, tags that are declared, none of an earlier annotation."""

import re
from collections.abc import Callable, Iterable, Mapping

from annotator import tags
from annotator.journal import Journal
from annotator.preflight.header import Field, Header
from annotator.preflight.text import shown

MOST_UNDECLARED = 10_000
LONGEST_NAME = 1000  # characters of a tag or a filter that the header does not declare

# Digits are possessive, so that a list can be matched in one way only, in linear time. Groups are not: when one fails
# half-way, Python before 3.11.5 resumes in the wrong place (https://github.com/python/cpython/issues/106052).
_INTEGER = re.compile(r"(?:\.|[+-]?\d{1,10}+)(?:,(?:\.|[+-]?\d{1,10}+))*", re.ASCII).fullmatch
_FLOAT_ONE = r"(?:\.|[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?|(?i:[+-]?nan|[+-]?inf(?:inity)?))"
_FLOAT = re.compile(rf"{_FLOAT_ONE}(?:,{_FLOAT_ONE})*", re.ASCII).fullmatch
_NAME = re.compile(r'[^\s,;=<>"]++').fullmatch
_END = re.compile(r"(?:^|;)END=(\d++)", re.ASCII).search

#: Tags that the specification itself defines (VCF 4.5, section 1.6.1), for files that use and do not declare them.
RESERVED = {
    "AA": Field("1", "String"), "AC": Field("A", "Integer"), "AD": Field("R", "Integer"), "AF": Field("A", "Float"),
    "AN": Field("1", "Integer"), "BQ": Field("1", "Float"), "CIGAR": Field("A", "String"), "DB": Field("0", "Flag"),
    "DP": Field("1", "Integer"), "END": Field("1", "Integer"), "H2": Field("0", "Flag"), "H3": Field("0", "Flag"),
    "MQ": Field("1", "Float"), "MQ0": Field("1", "Integer"), "NS": Field("1", "Integer"),
    "SOMATIC": Field("0", "Flag"), "SVTYPE": Field("1", "String"), "VALIDATED": Field("0", "Flag"),
}  # fmt: skip

Test = Callable[[str], object]


class Unusable(Exception):
    """A record that cannot be annotated, while the rest of the file can."""

    def __init__(self, code: str, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.advice = advice or "Correct these records and upload the file again."


def _removed(value: str) -> object:  # stands for the tags that are taken out; compared by identity, never called
    raise AssertionError(value)


class InfoCheck:
    """Checks INFO columns against a header, which it knows more of with every undeclared tag."""

    def __init__(self, header: Header, journal: Journal) -> None:
        self._journal = journal
        self._tests: dict[str, Test | None] = {tag: value_test(field.type) for tag, field in header.infos.items()}
        self._tests |= dict.fromkeys((*tags.OWN, *header.replaced), _removed)
        self._tests |= dict.fromkeys(header.renamed)
        self._replaced = header.replaced
        self._renamed = header.renamed
        self._undeclared: dict[str, Field] = {}

    @property
    def tests(self) -> Mapping[str, Test | None]:
        """The tests of the tags that are kept, by tag; None where any text will do. Grows with undeclared ones."""
        return self._tests

    def check(self, number: int, info: str, contig_length: int) -> str:
        """Return the INFO to be written, "" for none. Raises Unusable where a tag's name cannot be."""
        if info in (".", ""):
            return ""
        tests = self._tests
        changed = False
        kept = []
        for entry in info.split(";"):
            part = entry
            tag, equals, value = entry.partition("=")
            test = tests[tag] if tag in tests else self._undeclared_tag(number, tag, equals)
            if tag in self._renamed:
                changed = True
                part = self._original(number, tag, equals) + equals + value
            elif test is _removed:
                changed = True
                self._note_removed(number, tag)
                continue
            # END is a position, whatever a file has there: programs read it as an Integer alone.
            if test is not None and equals and not test(value) and tag in self._undeclared and tag != "END":
                self._widen(number, tag, value)
            elif test is not None and equals and not test(value):
                changed = True
                part = f"{tag}={self._missing(number, tag, value, test)}"
            elif not tag:
                changed = True
                self._journal.repair("empty-info", "Empty entries in INFO were left out", number)
                continue
            kept.append(part)
        if changed:
            info = ";".join(kept)
        end = _END(info)
        if end and (len(end[1]) > 12 or int(end[1]) > contig_length):
            self._journal.repair(
                "end-past-end",
                "INFO/END past the end of the contig was set to the contig's end",
                number,
                f"INFO/END {shown(end[1])} was set to {contig_length}",
            )
            info = f"{info[: end.start(1)]}{contig_length}{info[end.end(1) :]}"
        return info

    def _note_removed(self, number: int, tag: str) -> None:
        source = self._replaced.get(tag)
        if source is None:
            self._journal.repair("earlier-run-values", "Values of an earlier annotation were removed", number)
            return
        text = f"Values that the file had in INFO/{tag} were removed: the tag holds what {source} says"
        self._journal.repair("replaced-info", text, number, name=tag)

    def _original(self, number: int, tag: str, equals: str) -> str:
        """Return the name under which a tag of another annotator is kept, and declare it if the header does not."""
        name = self._renamed[tag]
        if name not in self._tests:
            self._undeclared_tag(number, name, equals)
        return name

    def _missing(self, number: int, tag: str, value: str, test: Test) -> str:
        """Replace the values that are not of the declared type by "."."""
        wanted = "Integer" if test is _INTEGER else "Float"
        self._journal.repair(
            "bad-info-values",
            f'Values of INFO/{tag} that are not of its type ({wanted}) were set to "."',
            number,
            f"INFO/{tag} is {shown(value)}, which is not of its type ({wanted}); set to .",
            name=tag,
        )
        return ",".join(one if test(one) else "." for one in value.split(","))

    def _undeclared_tag(self, number: int, tag: str, equals: str) -> Test | None:
        if not tag:
            return None
        if len(tag) > LONGEST_NAME or not _NAME(tag):
            raise Unusable("bad-info", f"INFO has an entry {shown(tag)}, which is not a tag")
        if len(self._undeclared) >= MOST_UNDECLARED:
            raise Unusable("too-many-tags", f"the file uses more than {MOST_UNDECLARED:,} INFO tags undeclared")
        field = RESERVED.get(tag) or (Field(".", "String") if equals else Field("0", "Flag"))
        self._undeclared[tag] = field
        self._tests[tag] = value_test(field.type)
        self._journal.repair(
            "undeclared-info",
            "INFO tags that the header does not declare were declared",
            number,
            f"INFO/{tag} was declared as {field.type}",
        )
        return self._tests[tag]

    def _widen(self, number: int, tag: str, value: str) -> None:
        """Give a tag that the file does not declare a type that this value has, too."""
        self._undeclared[tag] = field = widened(self._undeclared[tag], value)
        self._tests[tag] = value_test(field.type)
        note_widened(self._journal, number, f"INFO/{tag}", field)

    def definitions(self) -> list[str]:
        """Return header lines for the undeclared tags that were seen."""
        return [
            f"##INFO=<ID={tag},Number={field.number},Type={field.type},"
            'Description="Not described in the annotated file">'
            for tag, field in self._undeclared.items()
        ]


def widened(field: Field, value: str) -> Field:
    """Return a declaration for a tag whose values so far fit `field`, and which has this one as well."""
    if field.type == "Integer" and _FLOAT(value):
        return Field(field.number, "Float")
    return Field(".", "String")


def note_widened(journal: Journal, number: int, tag: str, field: Field) -> None:
    """Note that a tag that the file does not declare has values of another type than usual."""
    journal.repair(
        "widened",
        "Tags that the header does not declare were declared with the type of their values",
        number,
        f"{tag} was declared as {field.type}",
    )


def plain_types(tests: Mapping[str, object], tags_: Iterable[str]) -> dict[str, str]:
    """Of these tags, those whose values can be told to be sound by their form alone: Integer, Float, or "" where any
    text will do. Left out are END, and tags that are taken out.
    """
    types = {None: "", _INTEGER: "Integer", _FLOAT: "Float"}
    return {tag: types[tests[tag]] for tag in tags_ if tag != "END" and tests.get(tag, _removed) in types}  # type: ignore[index]


def value_test(type_: str) -> Test | None:
    """Return a test for a list of values of a declared Type; None where any text will do."""
    if type_ == "Integer":
        return _INTEGER
    return _FLOAT if type_ == "Float" else None
