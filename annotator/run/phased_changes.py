"""Changes that are certain to lie on one molecule of a sample, near enough to change one protein together.

Two changes of one codon give a different amino acid than either of them alone, and an indel may restore the reading
frame that another indel shifted. Which changes are neighbors depends on the spliced coding sequence of each transcript,
and not on how a file is cut into pieces: `annotator.effects.neighbors.ties` decides where a file may be cut.
annotator.effects.genotypes defines which calls are certain. docs/annotation.md describes the rules and limits.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from annotator.effects import genotypes, hgvs_transcript, neighbors
from annotator.effects.allele import Change, Kind, shortest
from annotator.effects.haplotypes import Located, are_apart, locate
from annotator.effects.neighbors import LONGEST, SHIFT, Models, Stretch
from annotator.effects.normalize import Fetch, Variant
from annotator.effects.transcript import Transcript
from annotator.preflight.record import Record

#: Maximum number of changes of a combination, and of the spliced bases that it spans. Larger ones get no value.
MOST_MEMBERS, MOST_BASES = 12, 200
#: Maximum number of combinations for a group of neighbors. Those of the most samples are kept.
MOST_COMBINATIONS = 50
#: Alleles that are further apart than this, in bases, are looked up separately.
LOOKUP_GAP = 10_000


class Combination(NamedTuple):
    """Changes that lie together on a haplotype.

    members: the normal forms of the changes, in genome order.
    transcripts: those on which the changes are neighbors, and have no other neighbor on the haplotype.
    samples: number of samples that have the changes.
    """

    members: tuple[Variant, ...]
    transcripts: tuple[Transcript, ...]
    samples: int


class Candidate(NamedTuple):
    """An allele that may be a member of a combination. Candidates sort by position.

    start, end: first and last base of the change; `end` is `start - 1` for an insertion.
    record: index of the allele's record.
    allele: number of the allele in the record, from 1.
    """

    start: int
    end: int
    variant: Variant
    change: Change
    record: int
    allele: int

    @property
    def shifts(self) -> bool:
        """Whether the change shifts the reading frame."""
        return (len(self.change.alt) - len(self.change.ref)) % 3 != 0

    @property
    def reach(self) -> int:
        """The last base that the change may take on a transcript, where an insertion or deletion may shift right."""
        return self.end if self.change.ref and self.change.alt else self.end + SHIFT


class _Group:
    """Candidates that are neighbors on some transcript, directly or through other candidates.

    members: the indices of the candidates.
    located: for each transcript, the location of the candidates on it, by index.
    """

    def __init__(self) -> None:
        self.members: set[int] = set()
        self.located: list[tuple[Transcript, dict[int, Located]]] = []


def combinations(
    records: Sequence[Record], variants: Iterable[Variant], models: Models, fetch: Fetch, *, phased: bool = True
) -> list[Combination]:
    """Return the changes that lie together on haplotypes of the records' samples, in genome order.

    Args:
        records: records of one contig.
        variants: the normal forms of their predictable alleles.
        models: the gene models.
        fetch: returns bases of the reference.
        phased: whether phased calls count; otherwise only alleles that lie on every haplotype.
    """
    if not any("\t" in record.tail for record in records):
        return []
    ordered = sorted(_candidates(records, variants))
    found: list[Combination] = []
    for group in _groups(ordered, records, models, partial(fetch, records[0].contig)):
        found += _combined(group, ordered, records, phased=phased)
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
            yield Candidate(change.pos, change.end, variant, change, number, place)


def _groups(
    ordered: Sequence[Candidate], records: Sequence[Record], models: Models, fetch: hgvs_transcript.Fetch
) -> list[_Group]:
    """Return the groups of neighbors in genome order, without records that have no certain call."""
    contig = records[0].contig
    touching: dict[tuple[int, int, str], tuple[Transcript, list[int]]] = {}
    for run in _runs(ordered):
        low, high = max(1, ordered[run[0]].start - 1), max(ordered[number].reach for number in run) + 1
        parts = models.coding(contig, low, high)
        coding = [
            number
            for number in run
            if neighbors.overlapping(parts, ordered[number].start - 1, ordered[number].reach + 1)
        ]
        if not coding:
            continue
        starts = [ordered[number].start for number in coding]
        for transcript in models.transcripts(contig, low, high):
            if transcript.coding is None:
                continue
            begin = bisect_left(starts, transcript.coding[0] - LONGEST - SHIFT)
            inside = coding[begin : bisect_right(starts, transcript.coding[1] + 1)]
            if inside:
                key = transcript.start, transcript.end, transcript.name
                touching.setdefault(key, (transcript, []))[1].extend(inside)
    several = [(one, numbers) for one, numbers in touching.values() if _of_several_records(numbers, ordered)]
    near = _near(ordered, [transcript for transcript, _ in several])
    certain = {one: genotypes.is_certain(records[one].tail) for one in {ordered[number].record for number in near}}
    near = {number for number in near if certain[ordered[number].record]}
    group_of: dict[int, _Group] = {}
    for transcript, numbers in several:
        _group(transcript, [number for number in numbers if number in near], ordered, fetch, group_of)
    return sorted({id(one): one for one in group_of.values()}.values(), key=lambda one: min(one.members))


def _runs(ordered: Sequence[Candidate]) -> Iterator[list[int]]:
    """Split candidates at gaps of more than LOOKUP_GAP bases."""
    run: list[int] = []
    for number, one in enumerate(ordered):
        if run and one.start - ordered[run[-1]].start > LOOKUP_GAP:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _of_several_records(numbers: Iterable[int], ordered: Sequence[Candidate]) -> bool:
    return len({ordered[number].record for number in numbers}) > 1


def _near(ordered: Sequence[Candidate], transcripts: Iterable[Transcript]) -> set[int]:
    """Return the candidates that may be within reach of another candidate, on the contig or across introns."""
    if not transcripts:
        return set()
    stretches = [Stretch(one.start, one.reach, one.shifts, number) for number, one in enumerate(ordered)]
    found: set[int] = set()
    for chain in neighbors.chains(stretches):
        if len(chain) > 1:
            found.update(chain)
    joints = {joint for transcript in transcripts for joint in neighbors.junctions(transcript)}
    return found | neighbors.across(joints, stretches)


def _group(
    transcript: Transcript,
    numbers: Sequence[int],
    ordered: Sequence[Candidate],
    fetch: hgvs_transcript.Fetch,
    group_of: dict[int, _Group],
) -> None:
    """Find the neighbors on one transcript, and merge their groups."""
    if not _of_several_records(numbers, ordered):
        return
    located = {}
    for number in numbers:
        one = locate(ordered[number].change, transcript, fetch)
        if one is not None and one.moved <= SHIFT:
            located[number] = one
    for chain in neighbors.chains(_stretches(located, ordered)):
        if not _of_several_records(chain, ordered):
            continue
        group = _Group()
        for other in {id(group_of[number]): group_of[number] for number in chain if number in group_of}.values():
            group.members |= other.members
            group.located += other.located
        group.members.update(chain)
        group.located.append((transcript, {number: located[number] for number in chain}))
        group_of.update(dict.fromkeys(group.members, group))


def _stretches(located: Mapping[int, Located], ordered: Sequence[Candidate]) -> list[Stretch]:
    """Return the spliced bases of candidates, sorted."""
    return sorted(Stretch(one.first, one.last - 1, ordered[number].shifts, number) for number, one in located.items())


#: The index of the candidate on each haplotype of a call, in the order of Call.haplotypes; -1 for none.
Place = tuple[int, ...]
_Key = tuple[tuple[Variant, ...], tuple[Transcript, ...]]


def _combined(
    group: _Group, ordered: Sequence[Candidate], records: Sequence[Record], *, phased: bool
) -> list[Combination]:
    known: dict[tuple[int, ...], list[_Key]] = {}
    carried: Counter[_Key] = Counter()
    for calls, samples in _patterns(sorted(group.members), ordered, records, phased=phased).items():
        together: set[_Key] = set()
        for numbers in _haplotypes(calls):
            # Each distinct haplotype is computed once: samples share them.
            if numbers not in known:
                known[numbers] = _chains(numbers, group, ordered)
            together.update(known[numbers])
        for key in together:
            carried[key] += samples

    def name(key: _Key) -> tuple[tuple[Variant, ...], list[str]]:
        return key[0], [one.name for one in key[1]]

    most = sorted(carried, key=lambda key: (-carried[key], name(key)))[:MOST_COMBINATIONS]
    return [Combination(*key, carried[key]) for key in sorted(most, key=name)]


def _chains(numbers: Sequence[int], group: _Group, ordered: Sequence[Candidate]) -> list[_Key]:
    """Return the changes of a haplotype that lie together, with the transcripts on which they do.

    Records with the same change count once. A chain whose changes overlap, or that is too long, is left out.
    """
    found: defaultdict[tuple[Variant, ...], list[Transcript]] = defaultdict(list)
    for transcript, located in group.located:
        distinct = {located[number]: number for number in reversed(numbers) if number in located}
        own = {number: one for one, number in distinct.items()}
        for chain in neighbors.chains(_stretches(own, ordered)):
            changes = sorted(own[number] for number in chain)
            if not 1 < len(chain) <= MOST_MEMBERS or not are_apart(changes):
                continue
            if max(one.last for one in changes) - changes[0].first <= MOST_BASES:
                found[tuple(ordered[number].variant for number in sorted(chain))].append(transcript)
    return [(members, tuple(transcripts)) for members, transcripts in found.items()]


def _patterns(
    members: Sequence[int], ordered: Sequence[Candidate], records: Sequence[Record], *, phased: bool
) -> Counter[tuple[tuple[str, Place], ...]]:
    """Return the distinct calls of samples for a group, and the number of samples that have them.

    Each call with a candidate is given as its phase set and the candidate on each haplotype. Among thousands of
    samples, most have the same few patterns.
    """
    of_samples: defaultdict[int, list[tuple[str, Place]]] = defaultdict(list)
    for record, same in groupby(
        sorted(members, key=lambda number: ordered[number].record), key=lambda number: ordered[number].record
    ):
        by_allele = {ordered[number].allele: number for number in same}
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
    """Return the changes on each haplotype of a sample's calls, without haplotypes that have fewer than two changes."""
    everywhere = tuple(place[0] for _, place in calls if len(place) == 1)
    haplotypes: defaultdict[tuple[str, int, int], tuple[int, ...]] = defaultdict(lambda: everywhere)
    for phase_set, place in calls:
        if len(place) > 1:
            for number, one in enumerate(place):
                # A haplotype without a change of its own counts too: it has the changes that are on every haplotype.
                haplotypes[phase_set, len(place), number] += (one,) if one >= 0 else ()
    return {tuple(sorted(own)) for own in haplotypes.values() or [everywhere] if len(own) > 1}
