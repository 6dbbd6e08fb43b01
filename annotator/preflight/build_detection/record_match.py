"""Check that a file fits the reference: count the records that do not, and name the likely build."""

from collections import Counter
from collections.abc import Iterable

from annotator.errors import InputError
from annotator.preflight.build_detection.contig_tally import Tally
from annotator.preflight.build_detection.evidence import ENOUGH as ENOUGH_ALLELES
from annotator.preflight.build_detection.evidence import Site, agree
from annotator.preflight.build_detection.header_build import Installed, Verdict, judge
from annotator.preflight.build_detection.refusals import wrong_build
from annotator.preflight.journal import Journal
from annotator.preflight.text import shown
from annotator.reference.pack import Reference

#: A file with a larger share of records that do not fit is refused; with a smaller share, those records are skipped.
REFUSED_SHARE = 0.1
#: Number of records after which the share is checked while reading, so that a long file on another build fails early.
ENOUGH = 1000
SHIFT_EVIDENCE = 0.8  # minimum share of the mismatches that must fit at a build's shift to name that build
SHIFT_ENOUGH = 5  # minimum number of mismatches for that: one base in four fits by chance
MISFITS_KEPT = 200  # records that do not fit, to be tried on other references
MISFIT_BASES = 50  # bases of REF kept of each
MISFITS_KEPT_BY_CONTIG = 5000  # records kept for all contigs together


class ReferenceMatch:
    """Compare the header, and then REF of each record, with the reference.

    installed returns the references that the file may be on instead; it is called only if something does not fit.
    """

    def __init__(self, reference: Reference, installed: Installed = tuple) -> None:
        self._reference = reference
        self._installed = installed
        self._verdict = Verdict()
        self._misfits: list[Site] = []
        self._sequence = reference.sequence
        self._first: InputError | None = None
        self._shifts: Counter[int] = Counter()
        self._lengths: dict[str, int] = {}
        self._contigs = {contig.name: contig for contig in reference.contigs}
        self._tallies: dict[str, Tally] = {}
        self.checked = 0
        self.mismatches = 0
        self._faults_of_contigs = 0

    def declared_lengths(self, lengths: dict[str, int]) -> None:
        """Set the lengths of the ##contig lines, by the reference's own contig names."""
        self._lengths = lengths

    def read_header(self, lines: Iterable[str]) -> None:
        """Read the header. Raises InputError if it shows that the file is on another build."""
        self._verdict = judge(lines, self._reference, self._installed)

    @property
    def decided(self) -> bool:
        """Whether the lengths in the header show that the file has contigs of this reference."""
        return self._verdict.decided

    def other_sequence(self, name: str) -> str | None:
        """Return why records of a contig are skipped if it is another sequence than the reference's, else None."""
        length = self._verdict.other.get(name)
        if length is None:
            return None
        expected = self._contigs[self._reference.canonical(name) or name].length
        return (
            f"contig {shown(name)} has {length:,} bases by the header, and {expected:,} in {self._reference.id}: "
            "it is another sequence"
        )

    def past_end(self, line: int, name: str, pos: int, contig: str, ref: str) -> str:
        """Count a record that extends past the contig's last base, and return the reason for skipping it."""
        self.checked += 1
        tally = self._tallies.get(contig) or self._tally(contig)
        tally.checked += 1
        length = self._contigs[contig].length
        last = pos if pos > length else pos + len(ref) - 1
        reason = f"POS {last} is past the end of {name}, which has {length:,} bases"
        fault = InputError("position-past-end", f"Line {line}: {reason} in {self._reference.id}", "", line)
        self._fault(fault, (name, pos, ref[:MISFIT_BASES]), tally)
        return reason

    def compare(self, line: int, name: str, contig: str, pos: int, ref: str) -> str | None:
        """Compare REF with the reference. Return None if it fits, else the reason for skipping the record."""
        self.checked += 1
        tally = self._tallies.get(contig) or self._tally(contig)
        tally.checked += 1
        expected = self._sequence.fetch(contig, pos, pos + len(ref) - 1)
        if expected == ref:
            return None
        shifts = [
            shift
            for shift in sorted(tally.shifts | {1, -1})
            if self._sequence.fetch(contig, pos - shift, pos - shift + len(ref) - 1) == ref
        ]
        self._shifts.update(shifts)
        reason = f"REF at {name}:{pos} is {shown(ref, 20)}, but {self._reference.id} has {shown(expected, 20)} there"
        fault = InputError("reference-mismatch", f"Line {line}: {reason}", "", line)
        if expected.strip("ACGT"):  # masked, as much of chrY may be: not evidence about the contig's build
            tally.checked -= 1
            self._fault(fault, (name, pos, ref[:MISFIT_BASES]))
        else:
            self._fault(fault, (name, pos, ref[:MISFIT_BASES]), tally, shifts)
        return reason

    def fitted(self, contig: str, count: int) -> None:
        """Count records that were compared elsewhere and fit."""
        self.checked += count
        (self._tallies.get(contig) or self._tally(contig)).checked += count

    def filled(self, contig: str, pos: int, ref: str) -> str | None:
        """Return REF with the reference's bases in place of each N; None if its other bases do not fit."""
        expected = self._sequence.fetch(contig, pos, pos + len(ref) - 1)
        fits = len(expected) == len(ref)
        fits = fits and all(base in ("N", other) for base, other in zip(ref, expected, strict=True))
        return expected if fits else None

    def _tally(self, contig: str) -> Tally:
        self._tallies[contig] = tally = Tally.of(self._contigs[contig], self._reference)
        return tally

    def _fault(self, fault: InputError, site: Site, tally: Tally | None = None, shifts: Iterable[int] = ()) -> None:
        """Count a record that does not fit, for the file and, if a tally is given, for its contig."""
        self.mismatches += 1
        if self._first is None:
            self._first = fault
        if len(self._misfits) < MISFITS_KEPT:
            self._misfits.append(site)
        if self.checked >= ENOUGH:
            self._judge_file()
        if tally is not None:
            self._faults_of_contigs += 1
            tally.fault(fault, site, shifts, keep=self._faults_of_contigs <= MISFITS_KEPT_BY_CONTIG)
            if tally.checked >= ENOUGH:
                self._judge_contig(tally)

    def judge(self) -> None:
        """Raise InputError, naming the first fault, if too many records of the file or of a contig do not fit."""
        self._judge_file()
        for tally in self._tallies.values():
            self._judge_contig(tally)

    def _judge_contig(self, tally: Tally) -> None:
        if tally.refused and (error := tally.judge(self._reference, self._installed())):
            raise error

    def _judge_file(self) -> None:
        if self._first is None or self.mismatches <= REFUSED_SHARE * self.checked:
            return
        first = self._first
        if error := self._elsewhere(first.line):
            raise error
        share = "" if self.checked == 1 else f" ({self.mismatches:,} of {self.checked:,} records do not fit)"
        raise InputError(first.code, f"{first.message}{share}.", self._advice(), first.line)

    def _elsewhere(self, line: int | None) -> InputError | None:
        """Return the error that names the likely build: the header's, or an installed one that the mismatches fit."""
        verdict, chosen = self._verdict, self._reference
        if verdict.doubt:
            because = f"{verdict.doubt}, and {self.mismatches:,} of {self.checked:,} records do not fit {chosen.id}"
            return wrong_build(verdict.build, because, chosen, line)
        for other in self._installed():
            if other.id == chosen.id or not isinstance(other, Reference):
                continue
            found = agree(self._misfits, other)
            if found.checked >= ENOUGH_ALLELES and found.good:
                because = f"{found.agreeing:,} of {found.checked:,} records that do not fit {chosen.id} fit it"
                return wrong_build(other.id, because, chosen, line, here=True)
        return None

    def conclude(self, journal: Journal) -> None:
        """Note evidence against the reference, or the lack of evidence for it, once the file has been accepted.

        Raises:
            InputError: the header names another build, and too few records were compared to disprove it.
        """
        verdict, chosen, fitting = self._verdict, self._reference, self.checked - self.mismatches
        of_all = f"{fitting:,} of {self.checked:,} REF alleles agree with {chosen.id}"
        if verdict.doubt and fitting < ENOUGH_ALLELES:
            raise wrong_build(verdict.build, f"{verdict.doubt}, and only {of_all}, too few to know better", chosen)
        if verdict.doubt:
            journal.repair("other-build-named", f"The header names {verdict.build} ({verdict.doubt}), but {of_all}")
        elif verdict.remark:
            journal.repair("other-length", f"{verdict.remark}; {of_all}")
        elif not verdict.decided and fitting < ENOUGH_ALLELES:
            journal.repair(
                "build-unverified",
                f"The header does not tell the build, and only {of_all}: make sure that the file is on it"
                if self.checked
                else f"Nothing in the file tells the build: make sure that it is on {chosen.id}",
            )

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
