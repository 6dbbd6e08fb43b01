"""Check INFO: values have the declared type, tags are declared, and no tag is left from an earlier annotation."""

import re
from collections.abc import Mapping

from annotator.effects import info_tags
from annotator.preflight.declarations import Field
from annotator.preflight.header import Header
from annotator.preflight.journal import Journal
from annotator.preflight.text import shown
from annotator.preflight.types import TagTypes, Test

MOST_UNDECLARED = 10_000
LONGEST_NAME = 1000  # maximum number of characters in a tag or a filter that the header does not declare

_NAME = re.compile(r'[^\s,;=<>"]++').fullmatch
_END = re.compile(r"(?:^|;)END=(\d++)", re.ASCII).search

#: Tags that the specification defines (VCF 4.5, section 1.6.1), for files that use them without a declaration.
RESERVED = {
    "AA": Field("1", "String"), "AC": Field("A", "Integer"), "AD": Field("R", "Integer"), "AF": Field("A", "Float"),
    "AN": Field("1", "Integer"), "BQ": Field("1", "Float"), "CIGAR": Field("A", "String"), "DB": Field("0", "Flag"),
    "DP": Field("1", "Integer"), "END": Field("1", "Integer"), "H2": Field("0", "Flag"), "H3": Field("0", "Flag"),
    "MQ": Field("1", "Float"), "MQ0": Field("1", "Integer"), "NS": Field("1", "Integer"),
    "SOMATIC": Field("0", "Flag"), "SVTYPE": Field("1", "String"), "VALIDATED": Field("0", "Flag"),
}  # fmt: skip


class Unusable(Exception):
    """A record that cannot be annotated, while the rest of the file can."""

    def __init__(self, code: str, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.advice = advice or "Correct these records and upload the file again."


def _removed(value: str) -> object:  # stands for a tag that is removed; compared by identity, never called
    raise AssertionError(value)


class InfoCheck:
    """Checks INFO columns against a header, and adds the undeclared tags that it sees."""

    def __init__(self, header: Header, journal: Journal) -> None:
        self._journal = journal
        self._types = TagTypes("INFO", header, journal)
        self._types.tests |= dict.fromkeys((*info_tags.OWN, *header.replaced), _removed)
        self._types.tests |= dict.fromkeys(header.renamed)
        self._replaced = header.replaced
        self._renamed = header.renamed

    @property
    def tests(self) -> Mapping[str, Test | None]:
        """Tests of the kept tags; None where any text is valid. Undeclared tags are added as they are seen."""
        return self._types.tests

    @property
    def widened(self) -> int:
        """How often the type of a tag was widened."""
        return self._types.widened

    def check(self, number: int, info: str) -> str:
        """Return the INFO to write, "" for none. Raises Unusable for an impossible tag name."""
        if info in (".", ""):
            return ""
        tests = self._types.tests
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
            if test is not None and equals and not test(value):
                part = f"{tag}={self._types.mended(number, tag, value)}"
                changed = changed or part != entry
            elif not tag:
                changed = True
                self._journal.repair("empty-info", "Empty entries in INFO were left out", number)
                continue
            kept.append(part)
        if changed:
            info = ";".join(kept)
        return info

    def end_within(self, number: int, info: str, contig_length: int) -> str:
        """Return INFO with an END that is not past the contig's last base."""
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
        """Return the name under which another annotator's tag is kept; declare it if the header does not."""
        name = self._renamed[tag]
        if name not in self._types.tests:
            self._undeclared_tag(number, name, equals)
        return name

    def _undeclared_tag(self, number: int, tag: str, equals: str) -> Test | None:
        if not tag:
            return None
        if len(tag) > LONGEST_NAME or not _NAME(tag):
            raise Unusable("bad-info", f"INFO has an entry {shown(tag)}, which is not a tag")
        if len(self._types.undeclared) >= MOST_UNDECLARED:
            raise Unusable("too-many-tags", f"the file uses more than {MOST_UNDECLARED:,} INFO tags undeclared")
        field = RESERVED.get(tag) or (Field(".", "String") if equals else Field("0", "Flag"))
        self._types.declare(number, tag, field)
        return self._types.tests[tag]

    def definitions(self) -> list[str]:
        """Return header lines for the undeclared tags that were seen."""
        return self._types.definitions()
