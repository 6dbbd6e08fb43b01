"""Lines that blocks leave in columns have no neighbors: all lines that combinations name are found."""

import random

import numpy as np
import pytest

from annotator.effects.allele import kind_of, shortest
from annotator.effects.transcript import Transcript
from annotator.preflight.record import Record
from annotator.run import phased_changes
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, array_of
from annotator.run.columnar.neighbors import CodingMap, with_neighbors
from annotator.run.columnar.scan import INFO, LINE, Lines
from annotator.run.columnar.transcript_columns import transcript_columns
from annotator.run.composer import normal_forms
from tests.support.gene_models import Models

SIZE = 3000


def random_transcript(rng: random.Random, name: str) -> Transcript:
    """A coding transcript of several exons, some of them small."""
    edges = sorted(rng.sample(range(100, SIZE - 100), 2 * rng.randrange(1, 9)))
    exons = tuple((first, max(first, min(last, first + rng.choice([4, 20, 400])))) for first, last in _pairs(edges))
    coding = exons[0][0], exons[-1][1]
    return Transcript(name, name, "protein_coding", rng.choice("+-"), exons, coding, start_known=False, end_known=False)


def _pairs(edges: list[int]) -> list[tuple[int, int]]:
    return list(zip(edges[::2], edges[1::2], strict=True))


def random_records(rng: random.Random, bases: str, exons: list[tuple[int, int]]) -> list[Record]:
    """Records with one sample, homozygous in most of them; many near the ends of exons."""
    made = []
    for _ in range(60):
        pos = rng.choice([one for exon in exons for one in exon]) + rng.randrange(-25, 26)
        size = rng.choice([1, 1, 1, 1, 2, 4])
        ref = bases[pos - 1 : pos - 1 + size]
        alt = (
            rng.choice(["A", "C", "G", "T"])
            if size == 1 and rng.random() < 0.8
            else ref[0] + rng.choice(["", "A", "TG"])
        )
        if alt != ref:
            call = "0/1" if rng.random() < 0.1 else "1/1"
            made.append(Record(1, "1", pos, ref, [alt], [kind_of(alt)], "", "", f"GT\t{call}"))
    return sorted(made, key=lambda one: one.pos)


def columns(records: list[Record], variants: list[tuple[int, str, str]], bases: str) -> tuple[Bytes, Lines, Alleles]:
    """Return the records' last columns as text, and lines and alleles as far as they are looked at."""
    count = len(records)
    ends = np.zeros((count, 9), np.int64)
    ends[:, LINE] = np.cumsum([1 + len(one.tail) for one in records])
    ends[:, INFO] = ends[:, LINE] - [1 + len(one.tail) for one in records]
    none = np.zeros(count, np.int64)
    changes = [shortest(*variant) for variant in variants]
    lines = Lines(none, ends, np.array([one.pos for one in records]), none == 0, none, none, none)
    slide = [_slide(one.pos, one.ref, one.alt, bases) for one in changes]
    own = {
        "line": range(count),
        "start": [one.pos for one in changes],
        "lost": [len(one.ref) for one in changes],
        "gained": [len(one.alt) for one in changes],
        "slide": slide,
    }
    rows = {name: np.array(own[name], np.int64) if name in own else none for name in Alleles._fields}
    return array_of("".join(f"\t{one.tail}" for one in records).encode()), lines, Alleles(**rows)


def _slide(pos: int, ref: str, alt: str, bases: str) -> int:
    """How far an insertion or deletion can be moved to the right."""
    if bool(ref) == bool(alt):
        return 0
    unit, at = ref or alt, 0
    while bases[pos - 1 + len(ref) + at] == unit[at % len(unit)]:
        at += 1
    return at


@pytest.mark.parametrize("seed", range(60))
def test_no_neighbor_is_missed(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    bases = "".join(rng.choices("ACGT" if seed % 3 else "AC", k=SIZE))

    def fetch(_: str, first: int, last: int) -> str:
        return bases[max(first, 1) - 1 : last]

    transcripts = [random_transcript(rng, f"T{number}") for number in range(1 + seed % 3)]
    records = random_records(rng, bases, [exon for one in transcripts for exon in one.exons])
    variants, _ = normal_forms(records, fetch)
    text, lines, alleles = columns(records, variants, bases)
    marked = set(with_neighbors(text, lines, alleles, CodingMap(transcript_columns(transcripts))).tolist())
    made = phased_changes.combinations(records, variants, Models(*transcripts), fetch)
    members = {member for one in made for member in one.members}
    wanted = {number for number, variant in enumerate(variants) if variant in members}
    # The calls of all records lie on one haplotype: chains that overlap are left out there, so each pair is tried too.
    for number, one in enumerate(records):
        for other in range(number + 1, len(records)):
            pair = [one, records[other]]
            if phased_changes.combinations(pair, [variants[number], variants[other]], Models(*transcripts), fetch):
                wanted |= {number, other}
    assert wanted <= marked
    assert wanted


def test_only_lines_with_certain_calls_have_neighbors() -> None:
    transcript = Transcript("T", "G", "protein_coding", "+", ((101, 400),), (101, 400))
    sites = [(110, "1/1"), (112, "0/1"), (130, "0/1"), (131, "0/1"), (150, "0|1"), (152, "0|1"), (170, "0/1")]
    sites.insert(5, (150, "0/1"))  # the same change as the one before
    records = [Record(1, "1", pos, "A", ["C"], [kind_of("C")], "", "", f"GT\t{call}") for pos, call in sites]
    text, lines, alleles = columns(records, [(one.pos, "A", "C") for one in records], "A" * 400)
    marked = with_neighbors(text, lines, alleles, CodingMap(transcript_columns([transcript]))).tolist()
    assert [sites[number][0] for number in marked] == [150, 150, 152]
