"""The value of GAS_PHASED: the combined effect of changes that lie on one molecule."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from annotator.effects import hgvs_transcript, info_tags, terms
from annotator.effects.allele import Change, shortest
from annotator.effects.csq_field import escaped
from annotator.effects.haplotypes import Spliced, locate
from annotator.effects.normalize import Variant
from annotator.run.phased_changes import Combination

if TYPE_CHECKING:
    from annotator.effects.transcript import Transcript


def phased_descriptions(
    found: Iterable[Combination],
    fetch: hgvs_transcript.Fetch,
    genomic: Callable[[Change], str],
    protein: Callable[[str], str] = str,
) -> tuple[Mapping[Variant, str], int]:
    """Return the value of GAS_PHASED for the members of combinations.

    A combination has a value if the protein with all its changes can be predicted.

    Args:
        found: combinations of one contig.
        fetch: returns bases of this contig, from one position to another, both included.
        genomic: describes a change on this contig.
        protein: returns a protein description as it is written.

    Returns:
        The value of each member, escaped, by normal form; and the number of combinations that have a value.
    """
    texts: defaultdict[Variant, list[str]] = defaultdict(list)
    count = 0
    spliced: dict[Transcript, Spliced] = {}
    for combination in found:
        changes = [shortest(*member) for member in combination.members]
        severe, proteins, split = [], [], False
        for transcript in combination.transcripts:
            if transcript not in spliced:
                spliced[transcript] = Spliced(transcript, fetch)
            located = [one for change in changes if (one := locate(change, transcript, fetch)) is not None]
            effect = spliced[transcript].effect(located)
            if effect is None:
                continue
            severe.append(effect.terms[0])
            split = split or len({one.exon for one in located}) > 1
            if effect.hgvs_p:
                proteins.append(escaped(f"{transcript.gene}:{protein(effect.hgvs_p)}"))
        if not proteins:
            continue
        count += 1
        change = _in_cis(changes, genomic) if split else genomic(_joined(changes, fetch))
        together = "+".join(dict.fromkeys(proteins))
        text = f"{terms.ordered(severe)[0]}|{together}|{info_tags.escape(change)}|{combination.samples}"
        for member in combination.members:
            texts[member].append(text)
    return {member: "&".join(dict.fromkeys(values)) for member, values in texts.items()}, count


def _joined(changes: Sequence[Change], fetch: hgvs_transcript.Fetch) -> Change:
    """Combine changes of one exon, sorted by position, into one change."""
    start = changes[0].pos
    ref = fetch(start, max(one.end for one in changes))
    parts, at = [], start
    for change in changes:
        parts += [ref[at - start : change.pos - start], change.alt]
        at = change.end + 1
    return shortest(start, ref, "".join(parts))


def _in_cis(changes: Sequence[Change], genomic: Callable[[Change], str]) -> str:
    """Describe changes that are separated by an intron as an HGVS allele, such as g.[10A>G;200C>T]."""
    described = [genomic(change).partition(".") for change in changes]
    return f"{described[0][0]}.[{';'.join(text for _, _, text in described)}]"
