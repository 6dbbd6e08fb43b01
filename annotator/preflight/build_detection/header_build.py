"""Compare a header with the chosen reference, so that a file on the wrong build is refused."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annotator.errors import InputError
from annotator.preflight.build_detection.evidence import (
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
from annotator.preflight.build_detection.known_builds import BUILDS, Build
from annotator.preflight.build_detection.refusals import wrong_build
from annotator.reference.pack import ReferenceInfo

#: Contigs with at most this share of the declared bases do not contradict a build that the header names.
SMALL = 0.1
#: A file that has at least this share of a reference's bases is on it, whatever other contigs the file has.
LARGE = 0.5
Installed = Callable[[], Sequence[ReferenceInfo]]


@dataclass(frozen=True)
class Verdict:
    """Evidence for and against the chosen reference.

    Attributes:
        decided: whether most bases are on contigs with the reference's lengths.
        other: contigs that differ from the reference's contig of that name, by the file's name, with the header's
            length.
        remark: a note on lengths that fit no known build.
        build: another build that the header names, while no lengths decide; REF alleles decide then.
        doubt: how the header names `build`.
    """

    decided: bool = False
    other: Mapping[str, int] = field(default_factory=dict)
    remark: str = ""
    build: str = ""
    doubt: str = ""


def judge(lines: Iterable[str], chosen: ReferenceInfo, installed: Installed) -> Verdict:
    """Compare a header with the chosen reference.

    Args:
        lines: the header lines.
        chosen: the chosen reference.
        installed: returns the installed references. Called only if lengths differ, or if the header has few of the
            reference's contigs, and others.

    Raises:
        InputError: the file is on another build, an installed or a well-known one.
    """
    header = evidence(lines)
    found = compare(header, chosen)
    differs = bool(found.other) and not found.fits
    if differs:
        _refuse_lengths(header, chosen, found, installed())
    _refuse_wider(header, chosen, found, installed)
    other = {name: header.lengths[name] for name in found.other}
    if differs and not found.same:
        name = found.other[0]
        expected = contigs_by_name(chosen)[name].length
        words = upper(measure(header, name))
        return Verdict(remark=f"{words} by the header and {expected:,} in {chosen.id}")
    build = known_build(chosen)
    said, text = next(iter(header.named.items()), ("", ""))
    small = found.same_bases <= SMALL * sum(header.lengths.values())
    if said and build and build not in header.named and small and not differs:
        return Verdict(bool(found.same), other, build=said, doubt=f"its header has {short(text)}")
    return Verdict(bool(found.same), other)


def _refuse_lengths(
    header: Evidence, chosen: ReferenceInfo, found: Comparison, installed: Sequence[ReferenceInfo]
) -> None:
    """Raise InputError if contigs that differ from the chosen reference are those of another build."""
    candidates: list[ReferenceInfo | Build] = [*(info for info in installed if info.id != chosen.id), *BUILDS]
    compared = [(compare(header, build).same, build) for build in candidates]
    # The build that has most of the contigs that differ.
    same, build = max(compared, key=lambda pair: len(set(found.other) & set(pair[0])))
    if evident := next((name for name in found.other if name in same), None):
        raise _on(build, header, evident, chosen)


def _refuse_wider(header: Evidence, chosen: ReferenceInfo, found: Comparison, installed: Installed) -> None:
    """Raise InputError if another build has more of the file's bases than the chosen reference has.

    RefSeq's names of chromosomes differ between builds, but that of the mitochondrion does not. In a file on another
    build, the mitochondrion alone would be annotated.

    There is no error if the file has at least half of the chosen reference: someone may choose a mitochondrion for a
    whole genome. Two packs of the same build are not compared with each other.
    """
    own = known_build(chosen)
    if len(found.known) == len(header.names) or not (own or found.known):
        return
    contigs = contigs_by_name(chosen)
    had = {contigs[name].name: contigs[name].length for name in found.known if name not in found.other}
    if sum(had.values()) >= LARGE * sum(contig.length for contig in chosen.contigs):
        return
    # Skip hg19's mitochondrion, a well-known build of one contig: it comes with chromosomes of another build.
    compared: list[tuple[Comparison, ReferenceInfo | Build]] = [
        (compare(header, build), build) for build in BUILDS if build.name != own and len(build.lengths) > 1
    ]
    for info in installed():
        if info.id == chosen.id or (own and known_build(info) == own):
            continue
        other = compare(header, info)
        # Otherwise the file has what was added to the reference, such as a virus.
        if set(found.known) <= set(other.known):
            compared.append((other, info))
    best, build = max(compared, key=lambda pair: pair[0].same_bases)
    if best.same_bases > found.same_bases:
        evident = next((name for name in best.same if name not in found.known), best.same[0])
        raise _on(build, header, evident, chosen)


def _on(build: ReferenceInfo | Build, header: Evidence, evident: str, chosen: ReferenceInfo) -> InputError:
    title = build.name if isinstance(build, Build) else build.id
    return wrong_build(title, measure(header, evident), chosen, here=not isinstance(build, Build))


def named_by_contig(name: str, chosen: ReferenceInfo) -> str:
    """Return the well-known build that has a sequence of this accession; "" for none, or if it is the chosen one."""
    own = known_build(chosen)
    return next((build.name for build in BUILDS if name in build.accessions and build.name != own), "")
