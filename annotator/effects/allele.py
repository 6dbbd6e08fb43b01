"""The kind of an ALT allele, and its shortest form against the reference."""

import re
from dataclasses import dataclass
from enum import StrEnum

_BREAKEND = re.compile(
    r"[ACGTN]*+[\[\]][^\[\]]+:\d++[\[\]][ACGTN]*+|\.[ACGTN]++|[ACGTN]++\.|[ACGTN]++<[^<>\s,]++>", re.ASCII
)
_SYMBOLIC = re.compile(r"<[^<>\s,]++>")
_BASES = re.compile(r"[ACGTN]++")
#: Symbolic alleles that mean "any other allele" and are not a change.
ANY_ALLELE = {"<NON_REF>", "<*>", "<X>"}


class Kind(StrEnum):
    """How an ALT allele is written."""

    SEQUENCE = "sequence"  # bases, all known
    UNKNOWN_BASES = "unknown bases"  # bases with N among them, whose effect cannot be predicted
    MISSING = "missing"  # "."
    OVERLAPPING = "overlapping deletion"  # "*"
    SYMBOLIC = "symbolic"  # <DEL>, <NON_REF> ...
    BREAKEND = "breakend"  # G]17:198982], or G<ctg1>, which inserts a contig of the assembly file
    INVALID = "invalid"


def kind_of(alt: str) -> Kind:
    """Return the kind of an ALT allele, whose bases are in upper case."""
    if _BASES.fullmatch(alt):
        return Kind.UNKNOWN_BASES if "N" in alt else Kind.SEQUENCE
    if alt == ".":
        return Kind.MISSING
    if alt == "*":
        return Kind.OVERLAPPING
    if _SYMBOLIC.fullmatch(alt):
        return Kind.SYMBOLIC
    if _BREAKEND.fullmatch(alt):
        return Kind.BREAKEND
    return Kind.INVALID


def in_upper_case(alt: str) -> str:
    """Return an ALT allele with its bases in upper case; the name of a contig in it is kept."""
    for bracket in "[]":
        parts = alt.split(bracket)
        if len(parts) == 3:
            return bracket.join((parts[0].upper(), parts[1], parts[2].upper()))
    bases, opening, contig = alt.partition("<")
    return f"{bases.upper()}{opening}{contig}"


@dataclass(frozen=True, slots=True)
class Change:
    """The shortest form of an allele: the bases `ref` from `pos` on become `alt`. Either may be empty.

    pos: 1-based. If `ref` is empty, `alt` is inserted before `pos`, and `end` is `pos - 1`.
    ref, alt: bases on the forward strand.
    """

    pos: int
    ref: str
    alt: str

    @property
    def end(self) -> int:
        return self.pos + len(self.ref) - 1

    @property
    def touched(self) -> tuple[int, int]:
        """The first and the last base that it touches; for an insertion, the bases on both sides."""
        return (self.pos, self.end) if self.ref else (self.pos - 1, self.pos)

    @property
    def type(self) -> str:
        """SNV, MNV, insertion, deletion, or other (bases replaced by another number of bases; no change)."""
        if not self.ref:
            return "insertion" if self.alt else "other"
        if not self.alt:
            return "deletion"
        if len(self.ref) == len(self.alt):
            return "SNV" if len(self.ref) == 1 else "MNV"
        return "other"


def shortest(pos: int, ref: str, alt: str) -> Change:
    """Remove the bases that REF and ALT share at their ends, the right end first, as VCF normalization does."""
    if len(ref) == 1 == len(alt) and ref != alt:
        return Change(pos, ref, alt)
    shorter = min(len(ref), len(alt))
    right = 0
    while right < shorter and ref[-1 - right] == alt[-1 - right]:
        right += 1
    left = 0
    while left < shorter - right and ref[left] == alt[left]:
        left += 1
    return Change(pos + left, ref[left : len(ref) - right], alt[left : len(alt) - right])


_PURINES = {"A", "G"}


def is_transition(change: Change) -> bool:
    """Return whether an SNV is A<->G or C<->T."""
    return (change.ref in _PURINES) == (change.alt in _PURINES)
