"""What a header says against the reference that was chosen: the wrong build is refused, and never used in silence."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annotator.errors import InputError
from annotator.evidence import (
    Comparison,
    Evidence,
    compare,
    contigs_by_name,
    evidence,
    known_build,
    measure,
    short,
    upper,
)
from annotator.known_builds import BUILDS, Build
from annotator.references import ReferenceInfo

WRONG_BUILD = "wrong-build"
Installed = Callable[[], Sequence[ReferenceInfo]]


@dataclass(frozen=True)
class Verdict:
    """What speaks for and against the chosen reference.

    decided: most bases are on contigs of its lengths. other: contigs that are other sequences than those of the same
    name in the reference, by the file's name of them, with the length that the header gives. remark: lengths that fit
    nothing that is known. doubt: how the header names another `build`, without lengths, so that REF alleles decide.
    """

    decided: bool = False
    other: Mapping[str, int] = field(default_factory=dict)
    remark: str = ""
    build: str = ""
    doubt: str = ""


def judge(lines: Iterable[str], chosen: ReferenceInfo, installed: Installed) -> Verdict:
    """Compare a header with the chosen reference. installed is called only where lengths differ.

    Raises InputError if the file is on another build: one of those that are installed, or a well-known one.
    """
    header = evidence(lines)
    found = compare(header, chosen)
    if found.other and not found.fits:
        return _elsewhere(header, chosen, found, installed())
    build = known_build(chosen)
    name, text = next(iter(header.named.items()), ("", ""))
    if name and build and build not in header.named and not found.same:
        return Verdict(build=name, doubt=f"its header has {short(text)}")
    return Verdict(decided=bool(found.same), other={name: header.lengths[name] for name in found.other})


def _elsewhere(
    header: Evidence, chosen: ReferenceInfo, found: Comparison, installed: Sequence[ReferenceInfo]
) -> Verdict:
    candidates: list[ReferenceInfo | Build] = [*(info for info in installed if info.id != chosen.id), *BUILDS]
    compared = [(compare(header, build).same, build) for build in candidates]
    # The one that has most of the contigs which are others in the chosen reference.
    same, build = max(compared, key=lambda pair: len(set(found.other) & set(pair[0])))
    evident = next((name for name in found.other if name in same), None)
    if evident is None and found.same:
        return Verdict(decided=True, other={name: header.lengths[name] for name in found.other})
    if evident is None:
        name = found.other[0]
        expected = contigs_by_name(chosen)[name].length
        words = upper(measure(header, name))
        return Verdict(remark=f"{words} by the header and {expected:,} in {chosen.id}")
    title = build.name if isinstance(build, Build) else build.id
    raise wrong_build(title, measure(header, evident), chosen, here=not isinstance(build, Build))


def wrong_build(
    build: str, because: str, chosen: ReferenceInfo, line: int | None = None, *, here: bool = False
) -> InputError:
    """The end of a job whose file is on another build; here: which is installed."""
    return InputError(
        WRONG_BUILD,
        f"This file is on {build} ({because}); you chose {chosen.id}.",
        f"Choose {build}{'' if here else ' if it is installed'}, or lift the file over from {build} to {chosen.title}; "
        "if that has been done already, correct its ##contig and ##reference lines.",
        line,
    )


def named_by_contig(name: str, chosen: ReferenceInfo) -> str:
    """The well-known build that has a sequence of this accession, unless it is the chosen one; "" for none."""
    own = known_build(chosen)
    return next((build.name for build in BUILDS if name in build.accessions and build.name != own), "")
