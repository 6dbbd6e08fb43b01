"""Count the records of each contig that fit the reference: one contig may be on another build than its file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from annotator.errors import InputError
from annotator.preflight.build_detection.evidence import ENOUGH, Site, agree
from annotator.preflight.build_detection.known_builds import HG19_CHRM, HG19_CHRM_SHIFTS, RCRS_MD5
from annotator.preflight.build_detection.refusals import contig_on_wrong_build
from annotator.preflight.text import shown
from annotator.reference.pack import Contig, Lookalike, Reference, ReferenceInfo

#: If at least `evidence.ENOUGH` records of a contig were compared, and more than this share does not fit, the file is
#: refused. One base in four agrees by chance, so on another build about three records in four do not fit. The share is
#: twice the one for a whole file, because single contigs have few records and regions in which callers make errors.
REFUSED_SHARE = 0.2
SHIFT_EVIDENCE = 0.8  # minimum share of the misfits that must fit at a build's shift to name that build
MISFITS_KEPT = 20
_CHRM = Lookalike(HG19_CHRM.name, tuple(HG19_CHRM.lengths.values()), HG19_CHRM_SHIFTS)


@dataclass(slots=True)
class Tally:
    """Counts of the records of one contig that were compared with the reference.

    Attributes:
        lookalikes: similar builds that the contig may be on.
        name: the contig's name in the file.
        checked: number of compared records.
        mismatches: number of records that do not fit.
        first: the error for the first record that does not fit.
        misfits: the first records that do not fit, at most MISFITS_KEPT.
        shifted: for each lookalike, by title, the number of mismatches that fit at its shifts.
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
        """Return an empty tally. rCRS has hg19's chrM as a lookalike in every reference that contains it."""
        return cls((*reference.lookalikes, *((_CHRM,) if contig.md5 == RCRS_MD5 else ())))

    @property
    def shifts(self) -> set[int]:
        """The shifts of all lookalikes: how many bases higher their positions may be."""
        return {shift for look in self.lookalikes for shift in look.shifts}

    def fault(self, first: InputError, site: Site, shifts: Iterable[int], *, keep: bool) -> None:
        """Count a record that does not fit.

        Args:
            first: the error to report if this is the contig's first mismatch.
            site: the record.
            shifts: the shifts at which the record would fit.
            keep: whether there is memory left to keep the record.
        """
        self.mismatches += 1
        if self.first is None:
            self.first, self.name = first, site[0]
        if keep and len(self.misfits) < MISFITS_KEPT:
            self.misfits.append(site)
        fitting = set(shifts)
        self.shifted.update(look.title for look in self.lookalikes if fitting.intersection(look.shifts))

    def judge(self, chosen: Reference, installed: Sequence[ReferenceInfo]) -> InputError | None:
        """Return the error that ends the job, None unless too many records of this contig do not fit."""
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
        """Return the lookalike or installed build that the misfits fit, and a clause that says how many do."""
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
