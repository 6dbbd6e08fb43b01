"""Records that the checks let through, and how such a record looks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from annotator.effects.allele import Kind


@dataclass(slots=True)
class Record:
    """One sound record.

    line: its number in the file.
    contig: the reference's own name of the contig.
    alts: the ALT alleles, bases in upper case.
    kinds: what each of alts is.
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
        """The ALT alleles that are written in bases and differ from REF, in order."""
        return [
            alt for alt, kind in zip(self.alts, self.kinds, strict=True) if kind is Kind.SEQUENCE and alt != self.ref
        ]


@dataclass(frozen=True, slots=True)
class Looks:
    """Which values a sound record may have, in addition to the form that every column must have.

    filters, tests, formats and types grow while a file is read.

    columns: how many columns there are.
    filters: values of FILTER.
    tests: a test for each INFO tag, None where any text is fine. A record with another tag is not sound.
    formats: values of FORMAT.
    types: the types of FORMAT's tags.
    widened: how often the type of a tag has become a wider one.
    """

    columns: int
    filters: Collection[str]
    tests: Mapping[str, object]
    formats: Sequence[str]
    types: Mapping[str, str]
    widened: int
