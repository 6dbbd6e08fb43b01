"""A record that the checks let through."""

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
