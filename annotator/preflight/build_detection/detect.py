"""Detect the genome build of a file from its header and, if the header does not decide, from the REF of some records.

Evidence, strongest first: the lengths (or MD5) of `##contig` lines and accessions with a version; REF alleles; names of
builds in `##reference` and `assembly=`. Contig names alone never decide between builds. Contradictory evidence is never
better than unclear.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from annotator.preflight.build_detection.evidence import (
    ENOUGH,
    Agreement,
    Comparison,
    Evidence,
    Site,
    agree,
    compare,
    contigs_by_name,
    elsewhere,
    evidence,
    known_build,
    measure,
    mostly,
    short,
    upper,
)
from annotator.preflight.build_detection.known_builds import BUILDS
from annotator.reference.pack import Reference, ReferenceInfo

SAMPLE = 200  # records that are compared
#: If contigs of other lengths have at most this share of the bases of equal contigs, the build is likely, else unclear.
FEW = 0.1


class Fit(StrEnum):
    """How certain it is that a file is on a reference."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNCLEAR = "unclear"
    NONE = "none"


@dataclass(frozen=True)
class Detection:
    """The detected genome build of a file.

    Attributes:
        fit: how certain the detection is.
        reference: id of the installed reference that fits or may fit, "" for none.
        build: the build of the file if known, whether it is installed or not.
        reason: one sentence for people.
        fits: ids of all references that fit equally well, `reference` first.
    """

    fit: Fit
    reference: str
    build: str
    reason: str
    fits: tuple[str, ...] = ()


def detect(lines: Iterable[str], references: Sequence[ReferenceInfo], sample: Sequence[Site] = ()) -> Detection:
    """Detect which of the references a file is on.

    REF alleles are compared only if no contig's length is known.

    Args:
        lines: the header lines.
        references: the candidates. REF is compared only with those that are a Reference, whose FASTA is on this
            machine.
        sample: (contig, POS, REF) of the first records.
    """
    header = evidence(lines)
    sample = sample[:SAMPLE]
    for name, _, _ in sample:
        header.names.setdefault(name)
    compared = {info.id: compare(header, info) for info in references}
    ranked = sorted(
        references, key=lambda info: (-len(compared[info.id].same), -_md5s(header, info), len(info.contigs), info.id)
    )
    known, known_same = max(((build, compare(header, build).same) for build in BUILDS), key=lambda pair: len(pair[1]))
    if fitting := [info for info in ranked if compared[info.id].fits]:
        wider = known.name if set(known_same) - set(compared[fitting[0].id].known) else ""
        return _by_contigs(header, fitting, compared, wider, known_same)
    if known_same:
        reason = f"This file is on {known.name} ({measure(header, known_same[0])}), which is not installed here."
        return Detection(Fit.NONE, "", known.name, reason)
    if differing := next((info for info in ranked if compared[info.id].other), None):
        words = measure(header, compared[differing.id].other[0])
        return Detection(Fit.UNCLEAR, "", "", f"{upper(words)}, which fits no reference that is installed here.")
    having = [info for info in ranked if compared[info.id].known or not header.names]
    # Every genome has the mitochondrial contig, but few of the records are on it.
    wide = [info for info in having if not mostly(elsewhere(sample, info), len(sample))]
    answer = _by_words(header, wide or having, ranked, sample)
    return answer if wide or not answer.reference else _with_doubt(answer, having, sample)


def _with_doubt(answer: Detection, having: Sequence[ReferenceInfo], sample: Sequence[Site]) -> Detection:
    """Return the answer as unclear, because all references lack the contigs of nearly all records."""
    best = next(info for info in having if info.id == answer.reference)
    count = elsewhere(sample, best)
    reason = f"{count:,} of the first {len(sample):,} records lie on contigs that {best.id} does not have."
    return Detection(Fit.UNCLEAR, best.id, "", reason)


def _by_contigs(
    header: Evidence,
    ranked: Sequence[ReferenceInfo],
    compared: Mapping[str, Comparison],
    wider: str,
    wider_same: Sequence[str],
) -> Detection:
    """Detect the build by contig lengths.

    Args:
        header: the header's evidence.
        ranked: the references, best first; contigs of ranked[0] have the header's lengths.
        compared: the comparison with each reference, by id.
        wider: a well-known build that has contigs which ranked[0] lacks; "" for none.
        wider_same: the contigs of that build that have the header's lengths.
    """
    best = ranked[0]
    found = compared[best.id]
    alike = [info.id for info in ranked[1:] if compared[info.id].same == found.same and not compared[info.id].other]
    build = wider or known_build(best)
    reason = f"This file is on {best.id} ({measure(header, found.same[0])})."
    answer = Detection(Fit.CERTAIN, best.id, build or best.id, reason, (best.id, *alike))
    if found.other:
        fit = Fit.LIKELY if found.other_bases <= FEW * found.same_bases else Fit.UNCLEAR
        odd = f"but {measure(header, found.other[0])}, and records there will be left out"
        return replace(answer, fit=fit, reason=f"This file seems to be on {best.id}, {odd}.")
    if build and header.named and build not in header.named:
        said, text = next(iter(header.named.items()))
        reason = f"The contigs have the lengths of {best.id}, but the header names {said} ({short(text)})."
        return replace(answer, fit=Fit.UNCLEAR, reason=reason)
    if wider:
        shared = ", ".join(found.same[:3]) + (" and others" if len(found.same) > 3 else "")
        reason = (
            f"This file is on {wider} ({measure(header, wider_same[0])}), which is not installed here; "
            f"{best.id} has its {shared}, and records elsewhere will be left out."
        )
        return replace(answer, fit=Fit.UNCLEAR, reason=reason)
    return answer


def _by_words(
    header: Evidence, having: Sequence[ReferenceInfo], ranked: Sequence[ReferenceInfo], sample: Sequence[Site]
) -> Detection:
    """Detect the build without contig lengths: by names in the header, then by REF alleles of the records.

    having: the references that have contigs with these names.
    """
    said, build = _said(header)
    known = {info.id: known_build(info) for info in ranked}
    if not header.names and not header.texts:
        return Detection(Fit.UNCLEAR, "", "", "Nothing in the file tells which genome build it is on.")
    if not having:
        if said and build not in known.values():
            return _not_installed(said, build)
        name = short(next(iter(header.names), ""))
        return Detection(Fit.NONE, "", "", f"It has contig {name}, which no reference that is installed here has.")
    meant = [info for info in having if known[info.id] in header.named or _is_named(info, header.texts)]
    possible = meant or [info for info in having if not (header.named and known[info.id])]
    agreements = {info.id: agree(sample, info) for info in having if isinstance(info, Reference)}
    if good := [info for info in having if info.id in agreements and agreements[info.id].good]:
        if any(info in good for info in possible):
            return _by_sample(
                header, having, [info for info in possible if info in good], good, agreements, bool(meant)
            )
        reason = f"The header names {said}, but the REF alleles agree with {_listed(good)}."
        return Detection(Fit.UNCLEAR, good[0].id, "", reason)
    return _by_name_alone(header, having, possible, meant, agreements) if possible else _not_installed(said, build)


def _by_sample(
    header: Evidence,
    having: Sequence[ReferenceInfo],
    fitting: Sequence[ReferenceInfo],
    good: Sequence[ReferenceInfo],
    agreements: Mapping[str, Agreement],
    meant: bool,
) -> Detection:
    """Detect the build by REF alleles.

    good: references with which the REF alleles agree; fitting: those of them that the header does not contradict.
    """
    best = fitting[0]
    found = agreements[best.id]
    count = f"{found.agreeing:,} of {found.checked:,} REF allele{'s' if found.checked > 1 else ''} agree with "
    fits = (best.id, *(info.id for info in good if info is not best))
    answer = Detection(Fit.LIKELY, best.id, known_build(best) or best.id, f"{upper(count)}{best.id}.", fits)
    sure = len(having) == 1 or meant or (found.checked >= ENOUGH and len(agreements) == len(having))
    if (len(good) == 1 and sure) or len({_sequences(header, info) for info in good}) == 1 < len(good):
        return answer
    return replace(answer, fit=Fit.UNCLEAR, reason=f"The header does not tell the build; {count}{_listed(good)}.")


def _by_name_alone(
    header: Evidence,
    having: Sequence[ReferenceInfo],
    possible: Sequence[ReferenceInfo],
    meant: Sequence[ReferenceInfo],
    agreements: Mapping[str, Agreement],
) -> Detection:
    """Detect the build if REF alleles agree with no reference, or could not be compared."""
    if len(agreements) == len(having) and max(one.checked for one in agreements.values()) >= ENOUGH:
        closest = max(having, key=lambda info: agreements[info.id].agreeing)
        found = agreements[closest.id]
        count = f"{found.agreeing:,} of {found.checked:,} REF alleles"
        reason = f"Only {count} agree with {closest.id}: this file is on another build."
        return Detection(Fit.NONE, "", _said(header)[1], reason)
    if len(meant) == 1 and not any(one.checked for one in agreements.values()):
        best = meant[0]
        reason = f"The header names {best.id} ({short(next(iter(header.texts)))})."
        return Detection(Fit.LIKELY, best.id, known_build(best) or best.id, reason, (best.id,))
    guess = possible[0].id if len(possible) == 1 else ""
    return Detection(Fit.UNCLEAR, guess, "", "The header does not tell which genome build this file is on.")


def _said(header: Evidence) -> tuple[str, str]:
    """Return the first build that the header names: with the text that names it, and alone; "" twice for none."""
    return next(((f"{name} (its header has {short(text)})", name) for name, text in header.named.items()), ("", ""))


def _not_installed(said: str, build: str) -> Detection:
    return Detection(Fit.NONE, "", build, f"This file is on {said}, which is not installed here.")


def _md5s(header: Evidence, info: ReferenceInfo) -> int:
    contigs = contigs_by_name(info)
    return sum(name in contigs and contigs[name].md5 == md5 for name, md5 in header.md5.items())


def _sequences(header: Evidence, info: ReferenceInfo) -> frozenset[str]:
    """Return the MD5 of the reference's contigs that the file has."""
    contigs = contigs_by_name(info)
    return frozenset(contigs[name].md5 for name in header.names if name in contigs)


def _is_named(info: ReferenceInfo, texts: Iterable[str]) -> bool:
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(info.id)}(?![A-Za-z0-9])", re.IGNORECASE)
    return any(word.search(text) for text in texts)


def _listed(infos: Sequence[ReferenceInfo]) -> str:
    return " and ".join(info.id for info in infos[:3])
