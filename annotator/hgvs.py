"""HGVS descriptions (https://hgvs-nomenclature.org, version 21) of a change in the genome and in a protein."""

import re
from collections.abc import Callable
from typing import Protocol

from annotator.alleles import Change

SHIFT_LIMIT = 10_000  # bases that an insertion or deletion is shifted at most

THREE_LETTERS = {
    "A": "Ala", "C": "Cys", "D": "Asp", "E": "Glu", "F": "Phe", "G": "Gly", "H": "His", "I": "Ile", "K": "Lys",
    "L": "Leu", "M": "Met", "N": "Asn", "P": "Pro", "Q": "Gln", "R": "Arg", "S": "Ser", "T": "Thr", "V": "Val",
    "W": "Trp", "Y": "Tyr", "U": "Sec", "X": "Xaa", "*": "Ter",
}  # fmt: skip


class Bases(Protocol):
    """A reference's sequence."""

    def fetch(self, contig: str, first: int, last: int, /) -> str:
        """Return the bases from first to last, 1-based and included, cut at the contig's ends."""


def genomic(change: Change, contig: str, sequence: Bases, prefix: str) -> str:
    """Return the genomic description, such as m.11778G>A, without the reference's accession.

    Insertions and deletions are shifted to the highest position that describes the same sequence (HGVS's 3' rule),
    up to the contig's end: a circular genome is not followed across its origin. "" where nothing changes.
    """
    pos, ref, alt = change.pos, change.ref, change.alt
    if not ref and not alt:
        return ""
    if len(ref) == 1 == len(alt):
        return f"{prefix}.{pos}{ref}>{alt}"
    if ref and alt:
        return f"{prefix}.{_range(pos, change.end)}delins{alt}"
    if ref:
        pos, _ = _shifted(pos, ref, contig, sequence)
        return f"{prefix}.{_range(pos, pos + len(ref) - 1)}del"
    pos, alt = _shifted(pos, alt, contig, sequence, insertion=True)
    if sequence.fetch(contig, pos - len(alt), pos - 1) == alt:
        return f"{prefix}.{_range(pos - len(alt), pos - 1)}dup"
    return f"{prefix}.{pos - 1}_{pos}ins{alt}"


def _range(start: int, end: int) -> str:
    return str(start) if start == end else f"{start}_{end}"


def _shifted(pos: int, bases: str, contig: str, sequence: Bases, insertion: bool = False) -> tuple[int, str]:
    """Shift deleted or inserted bases to the right as far as the sequence after them repeats them."""
    size = len(bases)
    after = pos if insertion else pos + size
    following = sequence.fetch(contig, after, after + 63)
    steps = 0
    while steps < SHIFT_LIMIT:
        if steps == len(following):
            more = sequence.fetch(contig, after + steps, after + 2 * steps + 63)
            if not more:
                break
            following += more
        if following[steps] != bases[steps % size]:
            break
        steps += 1
    turn = steps % size
    return pos + steps, bases[turn:] + bases[:turn]


_AMINO_CHANGE = re.compile(r"(\d+)([A-Z*]+)(?:>(\d+)([A-Z*]+))?")


def protein(amino_change: str, consequences: str, protein_of: Callable[[], str]) -> str:
    """Turn bcftools csq's amino acid change (340R>340H) into HGVS (p.Arg340His); "" where there is none.

    consequences is csq's first field (missense, frameshift&stop_gained ...); protein_of gives the reference protein
    in one-letter codes, "" if it is not known. Source of csq's notation: the manual page of bcftools csq.
    """
    if "start_lost" in consequences:
        return "p.Met1?"
    match = _AMINO_CHANGE.fullmatch(amino_change)
    if not match:
        return ""
    first, ref, alt = int(match[1]), match[2], match[4]
    if alt is None:
        last = f"_{_residue(ref[-1], first + len(ref) - 1)}" if len(ref) > 1 else ""
        return f"p.{_residue(ref[0], first)}{last}="
    if "frameshift" in consequences:
        return _frameshift(first, ref, alt)
    if "stop_lost" in consequences and ref.startswith("*"):
        # csq reads on into the sequence behind the gene only as far as it has it: where the next stop is, is unknown.
        return f"p.Ter{first}{_three(alt[0])}extTer?"
    return _replaced(first, ref, alt, protein_of)


def _three(amino_acids: str) -> str:
    return "".join(THREE_LETTERS.get(letter, "Xaa") for letter in amino_acids)


def _residue(letter: str, number: int) -> str:
    return f"{_three(letter)}{number}"


def _frameshift(first: int, ref: str, alt: str) -> str:
    same = _common(ref, alt)
    if same >= len(alt) or same >= len(ref):
        return ""
    number = first + same
    if alt[same] == "*":
        return f"p.{_residue(ref[same], number)}Ter"
    stop = alt.find("*", same)
    length = str(stop - same + 1) if stop >= 0 else "?"
    return f"p.{_residue(ref[same], number)}{_three(alt[same])}fsTer{length}"


def _replaced(first: int, ref: str, alt: str, protein_of: Callable[[], str]) -> str:
    if "*" in alt:
        alt = alt[: alt.index("*") + 1]  # nothing behind a new stop is made
    same = _common(ref, alt)
    if same < min(len(ref), len(alt)) and alt[same] == "*":
        return f"p.{_residue(ref[same], first + same)}Ter"
    start, ref, alt = first + same, ref[same:], alt[same:]
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    if ref and alt:
        if len(ref) == 1 == len(alt):
            return f"p.{_residue(ref, start)}{_three(alt)}"
        return f"p.{_span(ref, start)}delins{_three(alt)}"
    return _inserted_or_deleted(start, ref, alt, protein_of()) if ref or alt else ""


def _inserted_or_deleted(start: int, ref: str, alt: str, whole: str) -> str:
    """Describe amino acids that are lost from start, or inserted before it; one of ref and alt is empty."""
    # HGVS's 3' rule, in the protein.
    while len(whole) >= start + len(ref) and whole[start + len(ref) - 1] == (ref or alt)[0]:
        start += 1
        ref, alt = ref[1:] + ref[:1], alt[1:] + alt[:1]
    if ref:
        return f"p.{_span(ref, start)}del"
    if not 1 < start <= len(whole):
        return ""
    before = start - 1 - len(alt)
    if before >= 0 and whole[before : start - 1] == alt:
        return f"p.{_span(alt, start - len(alt))}dup"
    return f"p.{_residue(whole[start - 2], start - 1)}_{_residue(whole[start - 1], start)}ins{_three(alt)}"


def _span(letters: str, start: int) -> str:
    first = _residue(letters[0], start)
    return first if len(letters) == 1 else f"{first}_{_residue(letters[-1], start + len(letters) - 1)}"


def _common(one: str, other: str) -> int:
    same, different = 0, min(len(one), len(other)) + 1
    while different - same > 1:
        middle = (same + different) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            different = middle
    return same
