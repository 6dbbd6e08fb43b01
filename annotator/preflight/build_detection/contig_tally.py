"""How the records of one contig fit the reference: a contig may be of another build than the rest of its file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from annotator.errors import InputError
from annotator.preflight.build_detection.evidence import ENOUGH, Site, agree
from annotator.preflight.build_detection.known_builds import HG19_CHRM, HG19_CHRM_SHIFTS, RCRS_MD5
from annotator.preflight.build_detection.refusals import contig_on_wrong_build
from annotator.preflight.text import shown
from annotator.reference.pack import Contig, Lookalike, Reference, ReferenceInfo

#: A file is refused if more than this of the records of one contig do not fit, of at least `evidence.ENOUGH`. One base
#: in four agrees by chance, so of a contig on another build some three in four do not. It is twice what a file may
#: have, as single contigs have few records, and regions where callers err.
REFUSED_SHARE = 0.2
SHIFT_EVIDENCE = 0.8  # of the misfits must fit at another build's shift to name that build
MISFITS_KEPT = 20
_CHRM = Lookalike(HG19_CHRM.name, tuple(HG19_CHRM.lengths.values()), HG19_CHRM_SHIFTS)


@dataclass(slots=True)
class Tally:
    """Counts of the records of one contig that were compared with the reference.

    name: the contig's name in the file; checked: compared records; mismatches: records that do not fit; misfits: the
    first of these; first: the fault of the first of all; shifted: how many fit at the shifts of a similar build, by its
    title.
    """

    lookalikes: tuple[Lookalike, ...]
    name: str = ""
    checked: int = 0
    mismatches: int = 0
    first: InputError | None = None
    misfits: list[Site] = field(default_factory=list)
    shifted: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, contig: Contig, reference: Reference) -> "Tally":
        """An empty one. rCRS is mistaken in whichever reference has it."""
        return cls((*reference.lookalikes, *((_CHRM,) if contig.md5 == RCRS_MD5 else ())))

    @property
    def shifts(self) -> set[int]:
        """How much higher the positions of lookalikes may be."""
        return {shift for look in self.lookalikes for shift in look.shifts}

    def fault(self, first: InputError, site: Site, shifts: Iterable[int], *, keep: bool) -> None:
        """Count a record that does not fit, but does at these shifts. keep: whether there is memory for it."""
        self.mismatches += 1
        if self.first is None:
            self.first, self.name = first, site[0]
        if keep and len(self.misfits) < MISFITS_KEPT:
            self.misfits.append(site)
        fitting = set(shifts)
        self.shifted.update(look.title for look in self.lookalikes if fitting.intersection(look.shifts))

    def judge(self, chosen: Reference, installed: Sequence[ReferenceInfo]) -> InputError | None:
        """The error that ends a job for this contig, if too many of its records do not fit."""
        if not self.refused or self.first is None:
            return None
        name = shown(self.name)
        count = f"{self.mismatches:,} of {self.checked:,} records on contig {name} do not fit {chosen.id}"
        if found := self._elsewhere(chosen, installed):
            build, because = found
            return contig_on_wrong_build(name, build, f"{count}, {because}", chosen, self.first.line)
        return InputError(
            self.first.code,
            f"{self.first.message}; {count}.",
            f"Contig {name} was probably made on another genome build than the rest: call it again on {chosen.title}, "
            "lift its records over, or leave them out.",
            self.first.line,
        )

    @property
    def refused(self) -> bool:
        """Whether too many records do not fit."""
        return self.checked >= ENOUGH and self.mismatches > REFUSED_SHARE * self.checked

    def _elsewhere(self, chosen: Reference, installed: Sequence[ReferenceInfo]) -> tuple[str, str] | None:
        """The lookalike or the installed build that the misfits fit, and how many."""
        for look in self.lookalikes:
            fitting = self.shifted[look.title]
            if self.mismatches >= ENOUGH and fitting >= SHIFT_EVIDENCE * self.mismatches:
                by = " or ".join(map(str, sorted(look.shifts)))
                return look.title, f"but {fitting:,} of these would, shifted by {by} base{'' if by == '1' else 's'}"
        for other in installed:
            if other.id == chosen.id or not isinstance(other, Reference):
                continue
            found = agree(self.misfits, other)
            if found.checked >= ENOUGH and found.good:
                return other.id, f"but {found.agreeing:,} of {found.checked:,} of these fit {other.id}"
        return None
