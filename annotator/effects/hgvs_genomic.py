"""HGVS descriptions (https://hgvs-nomenclature.org, version 21) of a change in the genome."""

from typing import Protocol

from annotator.effects.allele import Change
from annotator.formats.fasta import reverse_complement

SHIFT_LIMIT = 10_000  # the most bases by which an insertion or deletion is shifted

THREE_LETTERS = {
    "A": "Ala", "C": "Cys", "D": "Asp", "E": "Glu", "F": "Phe", "G": "Gly", "H": "His", "I": "Ile", "K": "Lys",
    "L": "Leu", "M": "Met", "N": "Asn", "P": "Pro", "Q": "Gln", "R": "Arg", "S": "Ser", "T": "Thr", "V": "Val",
    "W": "Trp", "Y": "Tyr", "U": "Sec", "X": "Xaa", "*": "Ter",
}  # fmt: skip


class Bases(Protocol):
    """The sequence of a reference."""

    def fetch(self, contig: str, first: int, last: int, /) -> str:
        """Return the bases from first to last, 1-based and included, cut at the contig's ends."""


def genomic(change: Change, contig: str, sequence: Bases, prefix: str) -> str:
    """Return the genomic description, such as m.11778G>A, without the reference's accession; "" if nothing changes.

    Insertions and deletions are shifted to the last equivalent position (HGVS's 3' rule), up to the end of the contig:
    a change in a circular genome is not shifted across the origin.
    """
    pos, ref, alt = change.pos, change.ref, change.alt
    if not ref and not alt:
        return ""
    if len(ref) == 1 == len(alt):
        return f"{prefix}.{pos}{ref}>{alt}"
    if ref and alt:
        what = "inv" if alt == reverse_complement(ref) else f"delins{alt}"
        return f"{prefix}.{_range(pos, change.end)}{what}"
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
