"""The check of FORMAT and the samples: as many values as FORMAT names, tags that are declared."""

import re
from collections.abc import Mapping, Sequence

from annotator.journal import Journal
from annotator.preflight.header import Field, Header
from annotator.preflight.info import LONGEST_NAME, MOST_UNDECLARED, Unusable, note_widened, value_test, widened
from annotator.preflight.text import shown

_NAME = re.compile(r'[^\s,;:=<>"]++').fullmatch
_GENOTYPE = re.compile(r"(?:\d{1,9}+|\.)(?:[/|](?:\d{1,9}+|\.))*", re.ASCII).fullmatch
_ALLELE = re.compile(r"\d++", re.ASCII).findall

#: FORMATs that are told to others, and characters of one that is remembered: nearly all files have one or two.
MOST_KEPT, LONGEST_KEPT = 256, 1000

#: Tags that the specification itself defines (VCF 4.5, section 1.6.2).
RESERVED = {
    "AD": Field("R", "Integer"), "DP": Field("1", "Integer"), "FT": Field("1", "String"),
    "GL": Field("G", "Float"), "GP": Field("G", "Float"), "GQ": Field("1", "Integer"), "GT": Field("1", "String"),
    "HQ": Field("2", "Integer"), "MQ": Field("1", "Integer"), "PL": Field("G", "Integer"),
    "PQ": Field("1", "Integer"), "PS": Field("1", "Integer"),
}  # fmt: skip


class SamplesCheck:
    """Checks the columns from FORMAT on.

    Most files have nothing wrong with the values of their samples, and there may be thousands in a record: only if
    strict is each of them looked at, as often as bcftools could not read the file without it.
    """

    def __init__(self, header: Header, journal: Journal, strict: bool = False) -> None:
        self._journal = journal
        self._strict = strict
        self._leading_phase = header.version >= (4, 4)  # allows /0|1
        self._types = {tag: field.type for tag, field in header.formats.items()}
        self._declared = set(header.formats)
        self._undeclared: dict[str, Field] = {}
        self._formats: dict[str, int] = {}  # FORMATs that were checked, and their number of colons
        self._kept: list[str] = []

    @property
    def kept(self) -> Sequence[str]:
        """The first FORMATs that were seen and are kept as they are."""
        return self._kept

    @property
    def types(self) -> Mapping[str, str]:
        """The types of tags: Integer and so on."""
        return self._types

    def check(self, number: int, tail: str, alts: int) -> str:
        """Return the columns to be written; alts is the number of ALT alleles. Raises Unusable for what is wrong."""
        format_, _, samples = tail.partition("\t")
        colons = self._formats.get(format_)
        if colons is None:
            colons = self._check_format(number, format_)
        for place, sample in enumerate(samples.split("\t") if samples else ()):
            if sample.count(":") > colons:
                raise Unusable(
                    "too-many-values",
                    f"sample {place + 1} has {sample.count(':') + 1} values where FORMAT names {colons + 1}",
                )
            if self._strict:
                self._check_values(number, format_.split(":"), sample, place + 1, alts)
        return tail

    def _check_values(self, number: int, names: list[str], sample: str, place: int, alts: int) -> None:
        for name, given in zip(names, sample.split(":"), strict=False):
            value = given
            if name == "GT":
                if self._leading_phase and value[:1] in ("/", "|"):
                    value = value[1:]
                sound = bool(_GENOTYPE(value)) and all(int(one) <= alts for one in _ALLELE(value))
            else:
                test = value_test(self._types.get(name, "String"))
                sound = test is None or bool(test(value))
                if not sound and name in self._undeclared:
                    self._undeclared[name] = field = widened(self._undeclared[name], value)
                    self._types[name] = field.type
                    note_widened(self._journal, number, f"FORMAT/{name}", field)
                    continue
            if not sound:
                raise Unusable("bad-sample-value", f"{name} of sample {place} is {shown(given)}")

    def _check_format(self, number: int, format_: str) -> int:
        names = format_.split(":")
        for name in names:
            if name in self._declared or format_ == ".":
                continue
            if len(name) > LONGEST_NAME or not _NAME(name):
                raise Unusable("bad-format", f"FORMAT {shown(format_)} is not a list of tags")
            if len(self._undeclared) >= MOST_UNDECLARED:
                raise Unusable("too-many-tags", f"the file uses more than {MOST_UNDECLARED:,} FORMAT tags undeclared")
            self._declared.add(name)
            self._undeclared[name] = field = RESERVED.get(name, Field(".", "String"))
            self._types[name] = field.type
            self._journal.repair(
                "undeclared-format",
                "FORMAT tags that the header does not declare were declared",
                number,
                f"FORMAT/{name} was declared as {field.type}",
            )
        if len(set(names)) < len(names):
            raise Unusable("bad-format", f"FORMAT {shown(format_)} names a tag twice")
        if len(self._formats) < MOST_UNDECLARED and len(format_) <= LONGEST_KEPT:
            self._formats[format_] = len(names) - 1
            if len(self._kept) < MOST_KEPT:
                self._kept.append(format_)
        return len(names) - 1

    def definitions(self) -> list[str]:
        """Return header lines for the undeclared tags that were seen."""
        return [
            f"##FORMAT=<ID={tag},Number={field.number},Type={field.type},"
            'Description="Not described in the annotated file">'
            for tag, field in self._undeclared.items()
        ]
