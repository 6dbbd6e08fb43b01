"""Check FORMAT and the samples: each sample has the values that FORMAT names, and tags are declared."""

import re
from collections.abc import Mapping, Sequence

from annotator.preflight.declarations import Field
from annotator.preflight.header import Header
from annotator.preflight.info import LONGEST_NAME, MOST_UNDECLARED, Unusable
from annotator.preflight.journal import Journal
from annotator.preflight.text import shown
from annotator.preflight.types import TagTypes

_NAME = re.compile(r'[^\s,;:=<>"]++').fullmatch
_GENOTYPE = re.compile(r"(?:\d{1,9}+|\.)(?:[/|](?:\d{1,9}+|\.))*", re.ASCII).fullmatch
_ALLELE = re.compile(r"\d++", re.ASCII).findall

#: Maximum number of FORMATs in `kept`, and of characters in each one: nearly all files have one or two FORMATs.
MOST_KEPT, LONGEST_KEPT = 256, 1000

#: Tags that the specification defines (VCF 4.5, section 1.6.2).
RESERVED = {
    "AD": Field("R", "Integer"), "DP": Field("1", "Integer"), "FT": Field("1", "String"),
    "GL": Field("G", "Float"), "GP": Field("G", "Float"), "GQ": Field("1", "Integer"), "GT": Field("1", "String"),
    "HQ": Field("2", "Integer"), "MQ": Field("1", "Integer"), "PL": Field("G", "Integer"),
    "PQ": Field("1", "Integer"), "PS": Field("1", "Integer"),
}  # fmt: skip


class SamplesCheck:
    """Checks the columns from FORMAT on.

    A record may have thousands of samples, and most files have no errors in them. So each value is checked only if
    strict: that is, if bcftools could not read the file otherwise.
    """

    def __init__(self, header: Header, journal: Journal, strict: bool = False) -> None:
        self._journal = journal
        self._strict = strict
        self._leading_phase = header.version >= (4, 4)  # allows /0|1
        self._types = TagTypes("FORMAT", header, journal)
        self._declared = set(header.formats)
        self._formats: dict[str, int] = {}  # number of colons in each FORMAT that was checked
        self._kept: list[str] = []

    @property
    def kept(self) -> Sequence[str]:
        """The first FORMATs that were seen and need no change."""
        return self._kept

    @property
    def types(self) -> Mapping[str, str]:
        """The type of each tag, such as Integer."""
        return self._types.types

    @property
    def widened(self) -> int:
        """How often the type of a tag was widened."""
        return self._types.widened

    def check(self, number: int, tail: str, alts: int) -> str:
        """Return the columns to write.

        Args:
            number: the line.
            tail: FORMAT and the samples.
            alts: the number of ALT alleles.

        Raises:
            Unusable: the record cannot be read.
        """
        format_, _, samples = tail.partition("\t")
        colons = self._formats.get(format_)
        if colons is None:
            colons = self._check_format(number, format_)
        columns = samples.split("\t")
        for place, sample in enumerate(columns):
            if sample.count(":") > colons:
                raise Unusable(
                    "too-many-values",
                    f"sample {place + 1} has {sample.count(':') + 1} values where FORMAT names {colons + 1}",
                )
        if _has_empty_values(samples):
            columns = [":".join(value or "." for value in sample.split(":")) for sample in columns]
            self._journal.repair("empty-sample-values", 'Empty values of samples were written as "."', number)
            tail = "\t".join((format_, *columns))
        if self._strict:
            names = format_.split(":")
            columns = [self._checked(number, names, sample, place, alts) for place, sample in enumerate(columns, 1)]
            tail = "\t".join((format_, *columns))
        return tail

    def _checked(self, number: int, names: list[str], sample: str, place: int, alts: int) -> str:
        """Return the text to write for one sample, after checking each of its values. Raises Unusable."""
        values = sample.split(":")
        for at, (name, value) in enumerate(zip(names, values, strict=False)):
            if name == "GT":
                genotype = value[1:] if self._leading_phase and value[:1] in ("/", "|") else value
                if not (_GENOTYPE(genotype) and all(int(one) <= alts for one in _ALLELE(genotype))):
                    raise Unusable("bad-sample-value", f"GT of sample {place} is {shown(value)}")
                continue
            test = self._types.tests.get(name)
            if test is not None and not test(value):
                values[at] = self._types.mended(number, name, value)
        return ":".join(values)

    def _check_format(self, number: int, format_: str) -> int:
        names = format_.split(":")
        for name in names:
            if name in self._declared or format_ == ".":
                continue
            if len(name) > LONGEST_NAME or not _NAME(name):
                raise Unusable("bad-format", f"FORMAT {shown(format_)} is not a list of tags")
            if len(self._types.undeclared) >= MOST_UNDECLARED:
                raise Unusable("too-many-tags", f"the file uses more than {MOST_UNDECLARED:,} FORMAT tags undeclared")
            self._declared.add(name)
            self._types.declare(number, name, RESERVED.get(name, Field(".", "String")))
        if len(set(names)) < len(names):
            raise Unusable("bad-format", f"FORMAT {shown(format_)} names a tag twice")
        if len(self._formats) < MOST_UNDECLARED and len(format_) <= LONGEST_KEPT:
            self._formats[format_] = len(names) - 1
            if len(self._kept) < MOST_KEPT:
                self._kept.append(format_)
        return len(names) - 1

    def definitions(self) -> list[str]:
        """Return header lines for the undeclared tags that were seen."""
        return self._types.definitions()


def _has_empty_values(samples: str) -> bool:
    """Return whether a sample, or a value of a sample, is empty."""
    text = f"\t{samples}\t"
    return "\t\t" in text or "\t:" in text or ":\t" in text or "::" in text
