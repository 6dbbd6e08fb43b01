"""Changes that are certain to lie on one molecule of a sample, close enough to change one protein together.

csq judges each allele on its own. Two changes of one codon make another amino acid than either of them, and an indel
may restore the frame that another one has broken; so csq is also asked about what such neighbours make together. What
counts as certain is told by annotator.genotypes; what it is about, in docs/annotation.md.

Which changes are neighbours hangs on their normal forms, and not on how a file is cut to pieces: `bound` tells where it
may be cut.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple, Protocol

from annotator import consequence, genotypes, tags
from annotator.alleles import Change, Kind, shortest
from annotator.coding import Span
from annotator.compose import Composer
from annotator.preflight.records import Record
from annotator.sources.matching import Fetch, Variant, normal

#: From the last base of a change to the first of the next one: so far apart they may share a codon.
REACH = 2
#: And if one of them shifts the frame: so far a frame that it breaks is looked for to be restored.
FRAME_REACH = 30
#: What takes part has at most so many bases in REF and in ALT, and is written at most so far right of its normal form.
LONGEST, SHIFT = 100, 30
#: Of what lies together. A haplotype that has more within reach says nothing.
MOST_MEMBERS, MOST_BASES = 12, 200
#: Of neighbours, the combinations that most samples have.
MOST_COMBINATIONS = 50
#: Bytes of records that are kept together at most because they may be neighbours.
MOST_TOGETHER = 4 * 1024 * 1024


class Coding(Protocol):
    """What is asked of features: see Features.coding."""

    def coding(self, contig: str, start: int, end: int, /) -> list[Span]: ...


class Combination(NamedTuple):
    """Changes that lie together on a haplotype. variant: the normal form of all; members: those of each; samples: how
    many have them.
    """

    variant: Variant
    members: tuple[Variant, ...]
    samples: int


class Candidate(NamedTuple):
    """An allele that may be a member, in order of its place. end is start - 1 for an insertion; shifts: the frame;
    record: the number of its record, and allele its number there, 1 for the first.
    """

    start: int
    end: int
    variant: Variant
    change: Change
    shifts: bool
    record: int
    allele: int


def bound(features: Coding, contig: str, before: int, pos: int) -> bool:
    """Whether a change that is written at pos or behind may be the neighbour of one written at `before` or in front."""
    if pos - before > LONGEST + SHIFT + FRAME_REACH:
        return False
    one, other = pos - SHIFT - 1, before + LONGEST
    return bool(features.coding(contig, max(1, min(one, other)), max(one, other)))


def combinations(
    records: Sequence[Record], variants: Iterable[Variant], features: Coding, fetch: Fetch, *, phased: bool = True
) -> list[Combination]:
    """Return what lies together on haplotypes of the records' samples, along the genome.

    records: of one contig; variants: the normal forms of their predictable alleles. phased: whether phased calls count;
    else those alone that lie on every haplotype.
    """
    if not any("\t" in record.tail for record in records):
        return []
    contig = records[0].contig
    found: list[Combination] = []
    for near in clusters(_close(_candidates(records, variants))):
        for part in _coding(near, features, contig):
            for cluster in clusters(part):
                found += _combined(cluster, records, fetch, phased=phased)
    return found


def _candidates(records: Sequence[Record], variants: Iterable[Variant]) -> Iterator[Candidate]:
    given = iter(variants)
    for number, record in enumerate(records):
        for place, (alt, kind) in enumerate(zip(record.alts, record.kinds, strict=True), 1):
            if kind is not Kind.SEQUENCE or alt == record.ref:
                continue
            variant = next(given)
            if len(record.ref) > LONGEST or len(alt) > LONGEST or variant[0] + SHIFT < record.pos:
                continue
            change = shortest(*variant)
            shifts = (len(change.alt) - len(change.ref)) % 3 != 0
            yield Candidate(change.pos, change.end, variant, change, shifts, number, place)


def _close(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that have another one anywhere near, sorted."""
    ordered = sorted(candidates)
    far = LONGEST + FRAME_REACH
    starts = [-far, *(one.start for one in ordered), ordered[-1].start + 2 * far if ordered else 0]
    return [
        one
        for one, before, behind in zip(ordered, starts, starts[2:], strict=False)
        if one.start - before <= far or behind - one.start <= far
    ]


def within_reach(ordered: Sequence[Candidate]) -> list[bool]:
    """Tell of each of sorted candidates whether it, or one behind it, is within reach of one in front of it."""
    far = 2 * FRAME_REACH
    next_shift = [0] * len(ordered)
    start = ordered[-1].end + far if ordered else 0
    for number in range(len(ordered) - 1, -1, -1):
        if ordered[number].shifts:
            start = ordered[number].start
        next_shift[number] = start
    found = []
    end = shift_end = -far
    for one, shift_start in zip(ordered, next_shift, strict=True):
        found.append(
            one.start - end <= REACH or one.start - shift_end <= FRAME_REACH or shift_start - end <= FRAME_REACH
        )
        end = max(end, one.end)
        if one.shifts:
            shift_end = max(shift_end, one.end)
    return found


def _cut(ordered: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """Cut sorted candidates where none is within reach of another one across the cut."""
    cluster: list[Candidate] = []
    for one, within in zip(ordered, within_reach(ordered), strict=True):
        if not within and cluster:
            yield cluster
            cluster = []
        cluster.append(one)
    if cluster:
        yield cluster


def clusters(ordered: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """As `_cut`, without those of one record alone."""
    return (cluster for cluster in _cut(ordered) if len({one.record for one in cluster}) > 1)


def _coding(cluster: Sequence[Candidate], features: Coding, contig: str) -> Iterator[list[Candidate]]:
    """Of a cluster, what lies within each part that codes."""
    touched = [one.change.touched for one in cluster]
    parts = features.coding(contig, max(1, min(first for first, _ in touched)), max(last for _, last in touched))
    for start, end in parts:
        yield [one for one, (first, last) in zip(cluster, touched, strict=True) if start <= first and last <= end]


#: What a call has on each haplotype, as Call.haplotypes has it: the number of a candidate in its cluster, -1 for none.
Place = tuple[int, ...]


def _combined(
    cluster: Sequence[Candidate], records: Sequence[Record], fetch: Fetch, *, phased: bool
) -> list[Combination]:
    contig = records[cluster[0].record].contig
    known: dict[tuple[int, ...], list[tuple[Variant, ...]]] = {}
    carried: Counter[tuple[Variant, ...]] = Counter()
    for calls, samples in _patterns(cluster, records, phased=phased).items():
        together: set[tuple[Variant, ...]] = set()
        for numbers in _haplotypes(calls):
            # Haplotypes are fewer than what samples have of two.
            if numbers not in known:
                known[numbers] = list(chains(cluster[number] for number in numbers))
            together.update(known[numbers])
        for members in together:
            carried[members] += samples
    found = []
    for members, samples in sorted(carried.items(), key=lambda item: (-item[1], item[0])):
        variant = joined(contig, [shortest(*member) for member in members], fetch)
        if variant is not None:
            found.append(Combination(variant, members, samples))
        if len(found) == MOST_COMBINATIONS:
            break
    return sorted(found, key=lambda one: one.members)


def _patterns(
    cluster: Sequence[Candidate], records: Sequence[Record], *, phased: bool
) -> Counter[tuple[tuple[str, Place], ...]]:
    """What samples have of a cluster, and how many of them: of each call with a candidate its phase set, and what
    lies on each haplotype. Most of thousands of samples have the same few.
    """
    of_samples: defaultdict[int, list[tuple[str, Place]]] = defaultdict(list)
    numbered = sorted(enumerate(cluster), key=lambda item: item[1].record)
    for record, members in groupby(numbered, key=lambda item: item[1].record):
        by_allele = {one.allele: number for number, one in members}
        known: dict[genotypes.Call, tuple[str, Place] | None] = {}
        for sample, call in genotypes.calls(records[record].tail):
            if call not in known:
                place = tuple(by_allele.get(one, -1) for one in call.haplotypes)
                some = max(place) >= 0 and (phased or len(place) == 1)
                known[call] = (call.phase_set, place) if some else None
            entry = known[call]
            if entry is not None:
                of_samples[sample].append(entry)
    return Counter(tuple(calls) for calls in of_samples.values() if len(calls) > 1)


def _haplotypes(calls: Sequence[tuple[str, Place]]) -> Iterable[tuple[int, ...]]:
    """What lies on the haplotypes that a sample's calls tell of, without those that have one change at most."""
    everywhere = tuple(place[0] for _, place in calls if len(place) == 1)
    haplotypes: defaultdict[tuple[str, int, int], tuple[int, ...]] = defaultdict(lambda: everywhere)
    for phase_set, place in calls:
        if len(place) > 1:
            for number, one in enumerate(place):
                # One without a change of its own is a haplotype all the same: what is everywhere is there too.
                haplotypes[phase_set, len(place), number] += (one,) if one >= 0 else ()
    return {tuple(sorted(own)) for own in haplotypes.values() or [everywhere] if len(own) > 1}


def chains(members: Iterable[Candidate]) -> Iterator[tuple[Variant, ...]]:
    """Cut what lies on one haplotype where nothing is within reach; what is alone, or overlaps, is left out.

    Records that say the same count once.
    """
    ordered = [next(same) for _, same in groupby(sorted(members), key=lambda one: one.change)]
    for chain in _cut(ordered):
        if _sound(chain):
            yield tuple(one.variant for one in chain)


def _sound(chain: Sequence[Candidate]) -> bool:
    if not 1 < len(chain) <= MOST_MEMBERS:
        return False
    if max(one.end for one in chain) - chain[0].start >= MOST_BASES:
        return False
    return all(
        one.end < other.start and (one.start, one.end) != (other.start, other.end) for one, other in pairwise(chain)
    )


def joined(contig: str, changes: Sequence[Change], fetch: Fetch) -> Variant | None:
    """Return the normal form of changes, in order, that do not overlap; None where they undo each other."""
    start, end = changes[0].pos, changes[-1].end
    ref = fetch(contig, start, end)
    parts, at = [], start
    for change in changes:
        parts += [ref[at - start : change.pos - start], change.alt]
        at = change.end + 1
    alt = "".join(parts)
    return normal(contig, start, ref, alt, fetch) if ref != alt else None


def told(
    found: Iterable[tuple[Combination, str]], contig: str, composer: Composer
) -> tuple[Mapping[Variant, str], int]:
    """What GAS_PHASED has for each member, out of combinations and csq's answers to them; and how many of these change
    a protein, or what codes for it.
    """
    texts: defaultdict[Variant, list[str]] = defaultdict(list)
    count = 0
    for combination, bcsq in found:
        answers = consequence.parse(bcsq)
        if not any(answer.amino_change or "start_lost" in answer.words for answer in answers):
            continue
        count += 1
        change = shortest(*combination.variant)
        said = composer.found(contig, change, bcsq)
        proteins = "+".join(dict.fromkeys(f"{gene}:{text}" for gene, text in said.proteins))
        genomic = composer.genomic(contig, change)
        text = tags.escape(f"{said.term}|{proteins}|{genomic}|{combination.samples}")
        for member in combination.members:
            texts[member].append(text)
    return {member: "&".join(dict.fromkeys(values)) for member, values in texts.items()}, count
