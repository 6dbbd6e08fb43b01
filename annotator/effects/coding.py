"""What a change does to a coding sequence and its protein."""

from typing import NamedTuple

from annotator.effects import hgvs_protein
from annotator.effects.genetic_codes import SELENOCYSTEINE, STOP, UNKNOWN, starts, translate
from annotator.effects.transcript import Transcript

#: The number of bases that are translated at a time in the search for a stop codon.
READ_AT_ONCE = 60


class Coding(NamedTuple):
    """What a change does to the coding sequence.

    terms: Sequence Ontology terms, in no order.
    hgvs_p: such as p.Lys5Arg; "" if the protein cannot be predicted.
    codons: before and after, changed bases in upper case, such as aAg/aTg; "" for none.
    amino_acids: such as K/M; one letter where both are the same.
    """

    terms: frozenset[str]
    hgvs_p: str = ""
    codons: str = ""
    amino_acids: str = ""


class CodingSequence:
    """The coding sequence of a transcript, and the protein that it codes for.

    Codons are numbered from 0. An incomplete first codon is completed with unknown bases, as in Ensembl's proteins.
    """

    def __init__(self, transcript: Transcript, spliced: str) -> None:
        self._code = transcript.genetic_code
        self._spliced = spliced
        self._start, self._stop = transcript.coding_offsets or (0, 0)
        self._pad = "N" * (-transcript.phase % 3)
        bases = self._pad + spliced[self._start : self._stop]
        self._whole = len(bases) - len(bases) % 3
        ending = bases[self._whole :]
        completed = f"{ending}AA"[:3]
        if ending and transcript.may_complete_stop and translate(completed, self._code) == STOP:
            self._spliced = spliced[: len(spliced) - len(ending)] + completed
            self._stop = len(self._spliced)
            bases = bases[: self._whole] + completed
        self._coding = bases
        self._starts = starts(self._code)
        #: Whether the first codon is a known start codon; otherwise it is read like any other.
        self.has_start = transcript.is_numbered and bases[:3] in self._starts
        self.protein = self._named(translate(bases, self._code), bases)
        # Whether the coding sequence ends with a stop codon.
        self._ends = len(bases) % 3 == 0 and self.protein.endswith(STOP)

    def _named(self, protein: str, bases: str) -> str:
        """Return the protein with selenocysteine for each TGA before the last codon, and Met for the start codon."""
        letters = list(protein)
        for at, letter in enumerate(letters[:-1]):
            if letter == STOP and bases[3 * at : 3 * at + 3] == "TGA":
                letters[at] = SELENOCYSTEINE
        return self._started(0, bases, "".join(letters))

    @property
    def size(self) -> int:
        """Its approximate size in memory, in bytes."""
        return 1000 + len(self._spliced) + len(self._coding) + len(self.protein)

    def change(self, first: int, last: int, alt: str) -> Coding:
        """Return the effect of replacing the spliced bases `first` to `last` (not included) with `alt`.

        At least one of these bases, or both neighbors of an insertion, belong to the coding sequence.
        """
        shift = len(alt) - (last - first)
        shifts_frame = shift % 3 != 0
        over_start, over_stop = first < self._start, last > self._stop
        kind = "frameshift_variant" if shifts_frame else _length_kind(shift)
        if self.has_start and first < self._start + 3:
            initiator = (self._spliced[self._start : first] + self._bases(alt, last, 3))[:3]
            if over_start or initiator not in self._starts:
                is_stop = not shift and translate(initiator, self._code) == STOP
                other = "5_prime_UTR_variant" if over_start else "stop_gained" if is_stop else kind
                return Coding(frozenset({"start_lost", other} - {""}), "p.Met1?")
        if over_start:
            return Coding(frozenset({"coding_sequence_variant", "5_prime_UTR_variant"}))
        low, high = first - self._start + len(self._pad), last - self._start + len(self._pad)
        codon, end = low // 3, -(-high // 3)
        # The new bases from the start of the codon to the end of `alt`.
        head = self._spliced[self._start + 3 * codon - len(self._pad) if codon else self._start : first] + alt
        if not codon:
            head = self._pad + head
        if over_stop:
            return self._over_stop(codon, head, last)
        if high > self._whole or (first == last and low > self._whole):
            return Coding(self._at_incomplete_codon(first, last, alt, kind))
        bases = self._bases(head, last, 3 * (end - codon) + shift)
        if shifts_frame:
            return self._shifted(codon, head, last, bases)
        return self._in_frame(codon, end, bases, low, high, alt)

    def _at_incomplete_codon(self, first: int, last: int, alt: str, kind: str) -> frozenset[str]:
        """Return the terms of a change in an incomplete last codon; `kind`: the term for its length."""
        size = self._whole - len(self._pad) + self._start - first  # bases before that codon
        if size <= 0:
            others = {"coding_sequence_variant"}
        elif kind:
            others = {"protein_altering_variant" if alt and last > first and kind != "frameshift_variant" else kind}
        else:
            others = set(self.change(first, first + size, alt[:size]).terms)
        return frozenset({"incomplete_terminal_codon_variant", *others})

    def _bases(self, head: str, last: int, size: int) -> str:
        """Return the first `size` bases of `head` followed by the spliced bases from `last` on."""
        return (head + self._spliced[last : last + size])[:size]

    def _read_on(self, codon: int, head: str, last: int) -> str:
        """Return the protein, up to and including the first stop, if its bases differ from a codon on.

        Args:
            codon: The first codon that may differ.
            head: The new bases from this codon on.
            last: The spliced base that follows them.
        """
        bases = self._bases(head, last, len(head) + READ_AT_ONCE - len(head) % 3)
        after = self._residues(bases, codon)
        if STOP not in after:
            after += self._until_stop(last + len(bases) - len(head))
        kept, stop, _ = after.partition(STOP)
        return self.protein[:codon] + kept + stop

    def _until_stop(self, at: int) -> str:
        """Translate the spliced bases from `at` on, up to and including the first stop."""
        found = ""
        while STOP not in found and at < len(self._spliced):
            found += translate(self._spliced[at : at + READ_AT_ONCE], self._code)
            at += READ_AT_ONCE
        kept, stop, _ = found.partition(STOP)
        return kept + stop

    def _over_stop(self, codon: int, head: str, last: int) -> Coding:
        if not self._ends:
            return Coding(frozenset({"coding_sequence_variant", "3_prime_UTR_variant"}))
        after = self._read_on(codon, head, last)
        if after == self.protein:
            stop = len(self.protein) - 1
            term, text = "stop_retained_variant", hgvs_protein.substituted(self.protein, after, stop, stop + 1)
        else:
            text = hgvs_protein.shifted_frame(self.protein, after, codon)
            term = "stop_gained" if text.endswith("Ter") else "stop_lost"
        return Coding(frozenset({term, "3_prime_UTR_variant"}), text)

    def _shifted(self, codon: int, head: str, last: int, touched: str) -> Coding:
        """Describe a frame shift; `touched`: the new bases of the changed codons."""
        after = self._read_on(codon, head, last)
        before = self.protein
        at = hgvs_protein.first_difference(before, after, codon)
        terms = {"frameshift_variant"}
        end = len(before) - 1
        if UNKNOWN in before[codon : at + 1] or (after == before and not self._ends):
            return Coding(frozenset(terms))
        if after == before:
            return Coding(frozenset({"stop_retained_variant"}), hgvs_protein.substituted(before, after, end, end + 1))
        if STOP in self._residues(touched, codon) and at != end:
            terms.add("stop_gained")
        elif self._ends and at == end:
            terms.add("stop_lost")
        return Coding(frozenset(terms), hgvs_protein.shifted_frame(before, after, codon))

    def _in_frame(self, codon: int, end: int, bases: str, low: int, high: int, alt: str) -> Coding:
        """Describe a change that keeps the reading frame.

        Args:
            codon, end: The codons that are replaced, `end` not included.
            bases: Their new bases.
            low, high: The bases of the coding sequence that are replaced, from 0, `high` not included.
            alt: What replaces them.
        """
        before = self.protein
        original = self._coding[3 * codon : 3 * end]
        residues, new = before[codon:end], self._residues(bases, codon, end)
        codons = _shown(original, bases, low - 3 * codon, high - low, alt)
        amino_acids = residues if residues == new else f"{residues or '-'}/{new or '-'}"
        if UNKNOWN in residues + new:
            terms = {"coding_sequence_variant", _length_kind(len(bases) - len(original))} - {""}
            return Coding(frozenset(terms), "", codons, amino_acids)
        at_end = self._ends and end == len(before)
        if residues == new:
            term, text = self._unchanged(codon, end, original, bases)
            return Coding(frozenset({term}), text, codons, amino_acids)
        kind = _kind(original, bases, residues, new)
        more = {kind} - {"missense_variant"}
        stop = new.find(STOP)
        if at_end and stop < 0:
            after = before[:codon] + new + self._until_stop(self._stop)
            if after == before:  # the next codon is a stop too
                text = hgvs_protein.substituted(before, after, end - 1, end)
                return Coding(frozenset({"stop_retained_variant"}), text, codons, amino_acids)
            text = hgvs_protein.shifted_frame(before, after, codon)
            return Coding(frozenset({"stop_lost"} | more), text, codons, amino_acids)
        after = before[:codon] + (new + before[end:] if stop < 0 else new[: stop + 1])
        first = hgvs_protein.first_difference(before, after, codon)
        kept = at_end and stop == len(new) - 1  # the stop codon is unchanged, after the last changed residue
        if after == before:
            terms = {"stop_retained_variant"}
            text = hgvs_protein.substituted(before, after, first - 1, first)
        elif kept and before[first] == STOP and not bases.endswith(original):
            terms, text = {"stop_lost"} | more, hgvs_protein.shifted_frame(before, after, codon)
        elif stop >= 0 and not kept:
            # Unchanged residues after the new stop are not replaced.
            end = max(first, end - _common_end(residues[first - codon :], new[stop + 1 :]))
            terms, text = {"stop_gained"} | more, hgvs_protein.replaced(before, first, end, after[first:])
        else:
            terms, text = {kind} | ({"stop_retained_variant"} if kept else set()), _described(before, after, first, end)
        return Coding(frozenset(terms), text, codons, amino_acids)

    def _unchanged(self, codon: int, end: int, original: str, bases: str) -> tuple[str, str]:
        """Return the term and the description of codons whose residues do not change."""
        before = self.protein
        term = "synonymous_variant"
        if self._ends and end == len(before):
            term = "stop_retained_variant"
        elif self.has_start and codon == 0 and original[:3] != bases[:3]:
            term = "start_retained_variant"
        return term, hgvs_protein.substituted(before, before, codon, end) if codon < end else ""

    def _residues(self, bases: str, codon: int, end: int | None = None) -> str:
        """Translate the bases that replace codons.

        Selenocysteine is kept if its codon and everything before it, or its codon and everything after it, is
        unchanged. If the number of codons does not change, an unchanged codon is enough.

        Args:
            bases: From the codon on.
            codon: The first codon that is replaced.
            end: The first codon after those that are replaced; None if the reading frame changes.
        """
        letters = list(translate(bases, self._code))
        if SELENOCYSTEINE in self.protein:
            size = len(letters)
            aligned = [(codon, range(size))]  # at the first codon, and at the last one
            aligned += [(end - size, range(size - 1, -1, -1))] if end is not None else []
            for first, order in aligned:
                for at in order:
                    if self._coding[3 * (first + at) : 3 * (first + at) + 3] == bases[3 * at : 3 * at + 3]:
                        letters[at] = self.protein[first + at]
                    elif end != codon + size:
                        break
        return self._started(codon, bases, "".join(letters))

    def _started(self, codon: int, bases: str, letters: str) -> str:
        """Return the residues with Met for a start codon, whatever it codes for elsewhere."""
        starting = codon == 0 and self.has_start and bases[:3] in self._starts
        return "M" + letters[1:] if starting else letters


def _described(before: str, after: str, first: int, end: int) -> str:
    """Describe a change of residues from `first` on; from `end` on, both proteins end in the same residues."""
    same = min(len(before) - end, len(before) - first, len(after) - first)
    end, new_end = len(before) - same, len(after) - same
    while end > first and new_end > first and before[end - 1] == after[new_end - 1]:
        end, new_end = end - 1, new_end - 1
    return hgvs_protein.replaced(before, first, end, after[first:new_end])


def _common_end(one: str, other: str) -> int:
    """Return how many letters two texts share at their ends."""
    return hgvs_protein.first_difference(one[::-1], other[::-1])


def _length_kind(shift: int) -> str:
    return "inframe_insertion" if shift > 0 else "inframe_deletion" if shift < 0 else ""


def _kind(original: str, bases: str, residues: str, new: str) -> str:
    """Return the term of an in-frame change of codons and their residues, ignoring stops."""
    if len(original) == len(bases):
        return "missense_variant"
    if len(bases) > len(original):
        inserted = any(
            longer.startswith(one) or longer.endswith(one) for one, longer in ((original, bases), (residues, new))
        )
        return "inframe_insertion" if inserted else "protein_altering_variant"
    shared = hgvs_protein.first_difference(original, bases)
    return "inframe_deletion" if original.endswith(bases[shared:]) else "protein_altering_variant"


def _shown(original: str, bases: str, at: int, size: int, alt: str) -> str:
    """Return codons before and after, as VEP shows them: changed bases in upper case."""
    before = original[:at].lower() + original[at : at + size] + original[at + size :].lower()
    after = original[:at].lower() + alt + original[at + size :].lower()
    return f"{before or '-'}/{after or '-'}"
