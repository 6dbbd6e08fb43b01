"""Types of INFO and FORMAT tags, and the widening of a type for values that do not fit it."""

import re
from collections.abc import Callable, Iterable, Mapping

from annotator.preflight.declarations import Field
from annotator.preflight.header import Header
from annotator.preflight.journal import Journal
from annotator.preflight.text import shown

# Digits are possessive, so that a list can be matched in only one way, in linear time. Groups are not possessive: when
# one fails half-way, Python before 3.11.5 resumes in the wrong place (https://github.com/python/cpython/issues/106052).
_INTEGER = re.compile(r"(?:\.|[+-]?\d{1,10}+)(?:,(?:\.|[+-]?\d{1,10}+))*", re.ASCII).fullmatch
_FLOAT_ONE = r"(?:\.|[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?|(?i:[+-]?nan|[+-]?inf(?:inity)?))"
_FLOAT = re.compile(rf"{_FLOAT_ONE}(?:,{_FLOAT_ONE})*", re.ASCII).fullmatch
_DIGIT = re.compile(r"\d", re.ASCII).search

#: INFO tags that programs read only as Integer, whatever a file declares: their types are never widened.
FIXED = {"AC", "AN", "CIEND", "CIPOS", "END", "SVLEN"}

Test = Callable[[str], object]


class TagTypes:
    """The tags of INFO or of FORMAT: those that the header declares, and those that records use undeclared.

    Attributes:
        types: type by tag, such as Integer.
        tests: by tag, a test for a list of values; None where any text is valid.
        undeclared: declarations of the tags that the header does not declare.
        widened: how often a type was widened.
    """

    def __init__(self, kind: str, header: Header, journal: Journal) -> None:
        """Start with the tags that the header declares. kind: INFO or FORMAT."""
        self._kind = kind
        self._header = header
        self._journal = journal
        self._fixed = FIXED if kind == "INFO" else set()
        fields = header.infos if kind == "INFO" else header.formats
        self.types = {tag: field.type for tag, field in fields.items()}
        self.tests: dict[str, Test | None] = {tag: value_test(type_) for tag, type_ in self.types.items()}
        self.undeclared: dict[str, Field] = {}
        self.widened = 0

    def declare(self, number: int, tag: str, field: Field) -> None:
        """Declare a tag that the header does not declare; number: the line of its first value."""
        self.undeclared[tag] = field
        self._set(tag, field.type)
        self._journal.repair(
            f"undeclared-{self._kind.lower()}",
            f"{self._kind} tags that the header does not declare were declared",
            number,
            f"{self._kind}/{tag} was declared as {field.type}",
        )

    def mended(self, number: int, tag: str, value: str) -> str:
        """Return the text to write for a list of values that fails the tag's test.

        Numbers are kept, and the type is widened for them. All values of tags that the header does not declare are kept
        in the same way. Any other value that is not of the type, such as NA in place of a number, becomes ".".
        """
        values = value.split(",")
        while test := self.tests[tag]:
            misfits = [one for one in values if not test(one)]
            if not misfits:
                break
            wanted = [one for one in misfits if _DIGIT(one) or _FLOAT(one) or (one and tag in self.undeclared)]
            if tag in self._fixed or not wanted:
                self._note_missing(number, tag, value)
                return ",".join(one if test(one) else "." for one in values)
            self._widen(number, tag, wanted, value)
        return value

    def definitions(self) -> list[str]:
        """Return header lines for the tags that the header does not declare."""
        return [
            f"##{self._kind}=<ID={tag},Number={field.number},Type={field.type},"
            'Description="Not described in the annotated file">'
            for tag, field in self.undeclared.items()
        ]

    def _set(self, tag: str, type_: str) -> None:
        self.types[tag] = type_
        self.tests[tag] = value_test(type_)

    def _widen(self, number: int, tag: str, misfits: Iterable[str], value: str) -> None:
        old = self.types[tag]
        new = "Float" if old == "Integer" and all(map(_FLOAT, misfits)) else "String"
        self._set(tag, new)
        self.widened += 1
        if tag in self.undeclared:
            self.undeclared[tag] = Field("." if new == "String" else self.undeclared[tag].number, new)
            self._journal.repair(
                "widened",
                "Tags that the header does not declare were declared with the type of their values",
                number,
                f"{self._kind}/{tag} was declared as {new}",
            )
            return
        self._header.widen(self._kind, tag, new)
        self._journal.repair(
            "widened-type",
            f"{self._kind}/{tag} was declared as {new}, since not all of its values are of type {old}",
            number,
            f"{self._kind}/{tag} is {shown(value)}, which is not of type {old}; declared as {new}",
            name=f"{tag} {new}",
        )

    def _note_missing(self, number: int, tag: str, value: str) -> None:
        type_ = self.types[tag]
        self._journal.repair(
            "bad-info-values" if self._kind == "INFO" else "bad-sample-values",
            f'Values of {self._kind}/{tag} that are not of its type ({type_}) were set to "."',
            number,
            f"{self._kind}/{tag} is {shown(value)}, which is not of its type ({type_}); set to .",
            name=tag,
        )


def value_test(type_: str) -> Test | None:
    """Return a test for a list of values of a declared type; None where any text is valid."""
    if type_ == "Integer":
        return _INTEGER
    return _FLOAT if type_ == "Float" else None


def plain_types(tests: Mapping[str, object], tags: Iterable[str]) -> dict[str, str]:
    """Return the type of each tag whose values can be checked by their form alone.

    A type is Integer, Float, or "" where any text is valid. END, and tags that are removed from INFO, are not included.
    """
    types = {None: "", _INTEGER: "Integer", _FLOAT: "Float"}
    found = {tag: tests[tag] for tag in tags if tag in tests and tag != "END"}
    return {tag: types[test] for tag, test in found.items() if test in types}
