"""Structural alleles: the kind of change that a symbolic allele or a breakend is, and the bases that it affects.

https://samtools.github.io/hts-specs/VCFv4.5.pdf, sections 1.6.1, 3 and 5.4. Types that the specification does not name
are interpreted as in Ensembl VEP.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from annotator.effects.allele import Kind, kind_of

_END = re.compile(r"(?:^|;)END=([^;]*+)").search
_SVLEN = re.compile(r"(?:^|;)SVLEN=([^;]*+)").search
_SVTYPE = re.compile(r"(?:^|;)SVTYPE=([^;]*+)").search
_CHR2 = re.compile(r"(?:^|;)CHR2=([^;]*+)").search
_TAGS = {"END": _END, "SVLEN": _SVLEN, "SVTYPE": _SVTYPE, "CHR2": _CHR2}
_LENGTH = re.compile(r"[+-]?\d{1,12}", re.ASCII).fullmatch
#: SVTYPE of records whose END is the position of the other end, on any contig.
_JOINS = {"BND", "TRA", "CTX"}

Canonical = Callable[[str], str | None]


class StructuralKind(StrEnum):
    """The kind of a structural allele. OTHER is an unknown type."""

    DELETION = "DEL"
    DUPLICATION = "DUP"
    INSERTION = "INS"
    INVERSION = "INV"
    COPY_NUMBER = "CNV"
    BREAKEND = "BND"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StructuralAllele:
    """A structural allele on its record's contig.

    start, end: the first and the last base that it affects, from 1, without the anchor base at POS. An insertion or a
        breakend lies before `start`, and `end` is `start - 1`.
    """

    kind: StructuralKind
    start: int
    end: int

    @property
    def touched(self) -> tuple[int, int]:
        """The first and the last base that it touches; if it lies between two bases, both of them."""
        return (self.start, self.end) if self.start <= self.end else (self.end, self.start)


def parse(
    contig: str, pos: int, ref: str, alt: str, number: int, info: str, canonical: Canonical
) -> StructuralAllele | None:
    """Read a symbolic allele or a breakend.

    The interval ends at END, else after |SVLEN| bases, else at the end of REF. `<INS>` lies at POS, whatever END is. A
    breakend lies at POS only, on the side of the base on which the sequence breaks; so does a record whose END belongs
    to another contig.

    Args:
        contig: The reference's name of the record's contig.
        pos, ref, info: The record's columns.
        alt: One ALT allele, not a placeholder such as `<NON_REF>`.
        number: The number of the ALT allele in the record, from 0.
        canonical: Returns the reference's name of a contig, None for one that it does not have.

    Returns:
        None for an allele that is written in bases, and for "." and "*".
    """
    written = kind_of(alt)
    if written not in (Kind.SYMBOLIC, Kind.BREAKEND):
        return None
    kind = StructuralKind.BREAKEND if written is Kind.BREAKEND else _kind(alt[1:-1], _value("SVTYPE", info))
    if kind is StructuralKind.BREAKEND and alt[0] in "[].":
        return StructuralAllele(kind, pos, pos - 1)
    if kind in (StructuralKind.BREAKEND, StructuralKind.INSERTION) or _is_elsewhere(info, contig, canonical):
        return StructuralAllele(kind, pos + 1, pos)
    return StructuralAllele(kind, pos + 1, max(_end(pos, number, info), pos + len(ref) - 1, pos + 1))


def end_is_elsewhere(contig: str, alts: list[str], info: str, canonical: Canonical) -> bool:
    """Return whether INFO/END is the position of a breakend's mate, not the end of an interval on the contig."""
    joins = any(kind_of(alt) is Kind.BREAKEND or alt[1:-1].upper() in _JOINS for alt in alts)
    return joins or _value("SVTYPE", info).upper() in _JOINS or _is_elsewhere(info, contig, canonical)


def _kind(name: str, sv_type: str) -> StructuralKind:
    """Return the kind of a symbolic allele, by its name or else by SVTYPE."""
    if found := re.fullmatch(r"CN=?(\d+)", name, re.ASCII | re.IGNORECASE):
        copies = {"0": StructuralKind.DELETION, "2": StructuralKind.DUPLICATION}
        return copies.get(found[1], StructuralKind.COPY_NUMBER)
    for text in (name, sv_type):
        first = text.upper().partition(":")[0]
        if first in _JOINS:
            return StructuralKind.BREAKEND
        if first in set(StructuralKind):
            return StructuralKind(first)
    return StructuralKind.OTHER


def _value(tag: str, info: str) -> str:
    found = _TAGS[tag](info)
    return found[1] if found else ""


def _is_elsewhere(info: str, contig: str, canonical: Canonical) -> bool:
    """Return whether the other end of the record is on another contig."""
    other = _value("CHR2", info)
    return other not in ("", ".", contig) and canonical(other) != contig


def _end(pos: int, number: int, info: str) -> int:
    """Return the last base according to END or else SVLEN; `pos` if there is neither."""
    end = _value("END", info)
    if _LENGTH(end) and int(end) > pos:
        return int(end)
    lengths = _value("SVLEN", info).split(",")
    length = lengths[number] if number < len(lengths) else lengths[0]
    return pos + abs(int(length)) if _LENGTH(length) else pos
