"""A valid record, and the conditions under which a record needs no individual check."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from annotator.effects.allele import Kind


@dataclass(slots=True)
class Record:
    """One valid record.

    line: its number in the file.
    contig: the reference's own name of the contig.
    alts: the ALT alleles, with bases in upper case.
    kinds: the kind of each ALT allele.
    left: the columns CHROM to FILTER.
    info: the column INFO; "" for ".".
    tail: FORMAT and the samples.
    """

    line: int
    contig: str
    pos: int
    ref: str
    alts: list[str]
    kinds: list[Kind]
    left: str
    info: str
    tail: str

    @property
    def predictable(self) -> list[str]:
        """The ALT alleles that consist of bases and differ from REF, in order."""
        return [
            alt for alt, kind in zip(self.alts, self.kinds, strict=True) if kind is Kind.SEQUENCE and alt != self.ref
        ]


@dataclass(frozen=True, slots=True)
class Looks:
    """Values that a valid record may have, in addition to the required form of every column.

    filters, tests, formats and types grow while a file is read.

    Attributes:
        columns: the number of columns.
        filters: values of FILTER.
        tests: a test for each INFO tag, None where any text is valid. A record with another tag needs an individual
            check.
        formats: values of FORMAT.
        types: the types of the FORMAT tags.
        widened: how often the type of a tag was widened.
    """

    columns: int
    filters: Collection[str]
    tests: Mapping[str, object]
    formats: Sequence[str]
    types: Mapping[str, str]
    widened: int
