"""Does the file belong to the reference? Counts the records that do not fit it, and names the likely build."""

from collections import Counter

from annotator.errors import InputError
from annotator.preflight.text import shown
from annotator.references import Reference

#: A file with more records than this that do not fit is refused; with fewer, those records are skipped.
REFUSED_SHARE = 0.1
#: After so many records the share is looked at while reading, so that a long file on another build fails early.
ENOUGH = 1000
SHIFT_EVIDENCE = 0.8  # of the mismatches must fit at another build's shift to name that build ...
SHIFT_ENOUGH = 5  # ... and at least so many must have been seen: one base in four fits by chance


class ReferenceMatch:
    """Compares REF with the reference, record by record."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._sequence = reference.sequence
        self._first: InputError | None = None
        self._shifts: Counter[int] = Counter()
        self._lengths: dict[str, int] = {}
        self._tested_shifts = sorted({s for look in reference.lookalikes for s in look.shifts} | {1, -1})
        self.checked = 0
        self.mismatches = 0

    def declared_lengths(self, lengths: dict[str, int]) -> None:
        """Take over the lengths that ##contig lines give, by the reference's own contig names."""
        self._lengths = lengths

    def past_end(self, line: int, name: str, pos: int, contig: str) -> str:
        """Note a record behind the contig's last base; returns the reason for skipping it."""
        self.checked += 1
        length = self._reference.lengths[contig]
        reason = f"POS {pos} is past the end of {name}, which has {length:,} bases"
        self._fault("position-past-end", f"Line {line}: {reason} in {self._reference.id}", line)
        return reason

    def compare(self, line: int, name: str, contig: str, pos: int, ref: str) -> str | None:
        """Return None if REF fits, else the reason for skipping the record."""
        self.checked += 1
        expected = self._sequence.fetch(contig, pos, pos + len(ref) - 1)
        if expected == ref:
            return None
        for shift in self._tested_shifts:
            if self._sequence.fetch(contig, pos - shift, pos - shift + len(ref) - 1) == ref:
                self._shifts[shift] += 1
        fault = f"REF at {name}:{pos} is {shown(ref, 20)}, but {self._reference.id} has {shown(expected, 20)} there"
        self._fault("reference-mismatch", f"Line {line}: {fault}", line)
        return fault

    def _fault(self, code: str, message: str, line: int) -> None:
        self.mismatches += 1
        if self._first is None:
            self._first = InputError(code, message, "", line)
        if self.checked >= ENOUGH:
            self.judge()

    def judge(self) -> None:
        """Raise InputError, naming the first fault, if too many records do not fit."""
        if self._first is None or self.mismatches <= REFUSED_SHARE * self.checked:
            return
        first = self._first
        share = "" if self.checked == 1 else f" ({self.mismatches:,} of {self.checked:,} records do not fit)"
        raise InputError(first.code, f"{first.message}{share}.", self._advice(), first.line)

    def _advice(self) -> str:
        title = self._reference.title
        for look in self._reference.lookalikes:
            fitting = sum(self._shifts[shift] for shift in look.shifts)
            by_shift = self.mismatches >= SHIFT_ENOUGH and fitting >= SHIFT_EVIDENCE * self.mismatches
            if by_shift or set(self._lengths.values()) & set(look.lengths):
                return f"The file seems to be on {look.title}: call or lift it over to {title} and upload it again."
        for shift, word in ((-1, "low"), (1, "high")):
            if self.mismatches >= SHIFT_ENOUGH and self._shifts[shift] >= SHIFT_EVIDENCE * self.mismatches:
                return f"All positions seem to be one too {word}: VCF counts bases from 1."
        likely = " or ".join(look.title for look in self._reference.lookalikes)
        hint = f" (often mistaken for it: {likely})" if likely else ""
        return f"The file was probably made on another genome build{hint}: call or lift it over to {title}."
