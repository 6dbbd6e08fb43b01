"""Records on contigs that the reference does not have: a few are skipped; if most are such, the file is refused."""

from annotator.errors import InputError
from annotator.preflight.build_detection.evidence import mostly
from annotator.preflight.build_detection.header_build import Installed, named_by_contig
from annotator.preflight.build_detection.refusals import wrong_build
from annotator.preflight.journal import Journal
from annotator.preflight.text import shown
from annotator.reference.pack import Reference, ReferenceInfo

MOST_NAMED = 3  # contigs or references listed in one sentence
NAMES_KEPT = 100  # names of contigs that are looked up in other references


class Strangers:
    """Counts records on unknown contigs. installed: returns the references that the file may be on instead."""

    def __init__(self, reference: Reference, installed: Installed = tuple) -> None:
        self._reference = reference
        self._installed = installed
        self._first: tuple[int, str] | None = None
        self._names: dict[str, None] = {}
        self.count = 0

    def add(self, line: int, name: str) -> str:
        """Count a record on an unknown contig, and return the reason for skipping it."""
        self.count += 1
        if self._first is None:
            self._first = line, name
        if len(self._names) < NAMES_KEPT:
            self._names[name] = None
        return f"contig {shown(name)} is not part of {self._reference.id}"

    def judge(self, records: int, *, others: bool, told: bool, journal: Journal) -> None:
        """Raise InputError if the reference has none of the file's contigs, or almost none of its records.

        Args:
            records: the number of records in the file.
            others: whether the reference has any contig of the file.
            told: whether the lengths in the header show that the reference is a part of the file's genome, as a
                mitochondrion is. The user has been told that all other records are left out, so a note gives their
                number and there is no error.
            journal: receives the note.
        """
        if self._first is None or (others and not mostly(self.count, records)):
            return
        line, name = self._first
        chosen, few = self._reference, records - self.count
        if others and told:
            note = f"Only {few:,} of {records:,} records lie on contigs that {chosen.id} has: all others were left out"
            journal.repair("few-on-reference", note, line)
            return
        if build := named_by_contig(name, chosen):
            raise wrong_build(build, f"it has contig {shown(name)}", chosen, line)
        if not others:
            message = f"Line {line}: contig {shown(name)} is not part of {chosen.id}, nor is any other in the file."
            choose = f"Choose the reference that the file was made on; {chosen.id} has {_contigs(chosen)}."
            raise InputError("unknown-contig", message, choose, line)
        rest = f"the {few:,} other records" if few > 1 else "the other record"
        choose = f"Choose the reference that the whole file was made on{self._candidates()}"
        raise InputError(
            "unknown-contig",
            f"Line {line}: contig {shown(name)} is not part of {chosen.id}, and {self.count:,} of {records:,} records "
            "lie on contigs that it does not have.",
            f"{choose}; to annotate {rest} alone, upload a file without those.",
            line,
        )

    def _candidates(self) -> str:
        """Return a clause that names the installed references that have contigs with these names; "" for none."""
        having = [info.id for info in self._installed() if info.id != self._reference.id and self._has_most(info)]
        if not having:
            return ""
        return f" ({' or '.join(having[:MOST_NAMED])} {'has' if len(having) == 1 else 'have'} such contigs)"

    def _has_most(self, info: ReferenceInfo) -> bool:
        known = {name for contig in info.contigs for name in (contig.name, *contig.aliases)}
        return 2 * len(known & set(self._names)) > len(self._names)


def _contigs(reference: Reference) -> str:
    contigs = reference.contigs
    known = "; ".join(
        f"{contig.name}, also called {', '.join(contig.aliases)}" if contig.aliases else contig.name
        for contig in contigs[:MOST_NAMED]
    )
    return known if len(contigs) <= MOST_NAMED else f"{known}; and {len(contigs) - MOST_NAMED:,} more"
