"""Which changes are said to lie together on a molecule, and what they make."""

from collections.abc import Sequence
from functools import partial

import pytest

from annotator.effects import neighbors
from annotator.effects.allele import Change, kind_of, shortest
from annotator.effects.transcript import Span, Transcript
from annotator.preflight.record import Record
from annotator.run import phased_changes
from annotator.run.composer import normal_forms
from annotator.run.phased_changes import Combination
from annotator.run.phased_descriptions import phased_descriptions
from tests.support.gene_models import Models

#         1        10        20        30        40        50        60        70        80        90
BASES = "ACGTTGCATCAGGATCCATGCAAGTCTGACCTAGGTCATTCGAGCTAACGGTACTGATTCCGGAATTCGACGATCGTCAGTACCAGTGATCGCCGTA"


def transcript(name: str, *exons: Span, strand: str = "+") -> Transcript:
    """A transcript that codes throughout, without its first codon, which would lose its start."""
    coding = exons[0][0], exons[-1][1]
    return Transcript(name, name, "protein_coding", strand, exons, coding, start_known=False, end_known=False)


APART = (transcript("A", (4, 60)), transcript("B", (62, 90)))


def fetch(contig: str, first: int, last: int) -> str:
    return BASES[max(first, 1) - 1 : max(last, 0)]


def record(change: str, *samples: str) -> Record:
    """Of a position, REF that is counted in bases, and ALT: "5 1 G" is at 5, with one base of REF."""
    place, size, alt = change.split()
    pos = int(place)
    ref = fetch("1", pos, pos + int(size) - 1)
    alts = [one.replace("-", ref[0]) for one in alt.split(",")]
    format_ = "GT:PS" if any(":" in sample for sample in samples) else "GT"
    tail = "\t".join([format_, *samples]) if samples else ""
    return Record(1, "1", pos, ref, alts, [kind_of(one) for one in alts], "", "", tail)


def found(*records: Record, phased: bool = True, models: Models | None = None) -> list[Combination]:
    variants, _ = normal_forms(records, fetch)
    return phased_changes.combinations(records, variants, models or Models(*APART), fetch, phased=phased)


def starts(*records: Record, phased: bool = True) -> list[tuple[tuple[int, ...], int]]:
    """The first base of each member of each combination, and how many samples have it."""
    return [
        (tuple(shortest(*member).pos for member in one.members), one.samples) for one in found(*records, phased=phased)
    ]


# --- Who is together: the calls of one sample in two records, at 10 and 11


PAIRS = {
    ("0|1", "0|1"): True,
    ("1|0", "1|0"): True,
    ("0|1", "1|0"): False,
    ("1|1", "0|1"): True,
    ("1/1", "1|0"): True,
    ("1/1", "1/1"): True,
    ("1", "1"): True,
    ("1", "0|1"): True,
    ("0/1", "0/1"): False,
    ("0/1", "0|1"): False,
    ("0/1", "1/1"): False,
    ("./1", "1|1"): False,
    (".|1", "0|1"): True,
    ("0|0", "1|1"): False,
    ("0|1|0", "1|1|0"): True,
    ("0|1|0", "1|0|1"): False,
    ("0|1|0", "0|1"): False,  # of another ploidy
    ("0|0|0|1", "1/1/1/1"): True,
    ("0|1:5", "0|1:5"): True,
    ("0|1:5", "0|1:6"): False,
    ("0|1:5", "1|1:6"): True,
    ("0|1:.", "0|1"): True,
    ("0|1:5", "0|1:."): False,
}


@pytest.mark.parametrize("calls", PAIRS)
def test_two_calls(calls: tuple[str, str]) -> None:
    one, other = calls
    expected = [((10, 11), 1)] if PAIRS[calls] else []
    assert starts(record("10 1 A", one), record("11 1 T", other)) == expected


MITOCHONDRIAL = {("0|1", "0|1"): False, ("1|1", "1"): True, ("1/1", "1/1"): True, ("1", "0|1"): False}


@pytest.mark.parametrize("calls", MITOCHONDRIAL)
def test_calls_that_lie_on_every_haplotype_alone(calls: tuple[str, str]) -> None:
    one, other = calls
    expected = [((10, 11), 1)] if MITOCHONDRIAL[calls] else []
    assert starts(record("10 1 A", one), record("11 1 T", other), phased=False) == expected


def test_samples_have_different_combinations() -> None:
    rows = [
        record("10 1 A", "0|1", "0|1", "1|0", "0/1", "1/1"),
        record("11 1 T", "0|1", "0|1", "0|1", "0|1", "1/1"),
        record("12 1 C", "0|0", "0|1", "1|0", "0|1", "0|1"),
    ]
    # The fifth has two haplotypes that differ.
    assert starts(*rows) == [((10, 11), 2), ((10, 11, 12), 2), ((10, 12), 1), ((11, 12), 1)]


def test_a_sample_counts_once_and_one_of_several_alleles_is_meant() -> None:
    rows = [record("10 1 A,T", "1|2", "1|1", "2|1"), record("11 1 T", "1|1", "1|1", "0|1")]
    first, second = found(*rows)
    assert (first.members, first.samples) == (((10, "C", "A"), (11, "A", "T")), 3)
    assert (second.members, second.samples) == (((10, "C", "T"), (11, "A", "T")), 1)


def test_alleles_that_are_no_bases_take_no_part() -> None:
    rows = [record("10 1 <DEL>,*,G", "1|2", "3|3", "2|2"), record("11 1 T", "1|1", "1|1", "1|1")]
    assert starts(*rows) == [((10, 11), 1)]


def test_the_most_common_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phased_changes, "MOST_COMBINATIONS", 1)
    rows = [record("10 1 A,T", "1|0", "2|0", "2|0"), record("11 1 T", "1|0", "1|0", "1|0")]
    assert [one.samples for one in found(*rows)] == [2]


# --- What is near enough


NEAR = {
    ("10 1 A", "11 1 T"): (10, 11),
    ("10 1 A", "12 1 C"): (10, 12),
    ("10 1 A", "13 1 T"): (),
    ("10 2 TT", "13 1 T"): (10, 13),
    # In frame.
    ("10 1 A", "11 4 -"): (10, 11),  # AGGA without GGA, which is without AGG
    ("10 1 A", "13 4 -"): (),
    ("10 1 CTTT", "11 1 T"): (11, 11),
    # Out of frame: as far as 30 bases from the last base.
    ("10 2 -", "40 1 C"): (11, 40),
    ("10 2 -", "41 1 G"): (11, 41),
    ("10 2 -", "42 1 C"): (),
    ("10 1 A", "39 2 -"): (10, 39),  # of TT, the first
    ("10 1 A", "40 1 CT"): (10, 40),
    ("10 1 A", "40 2 -"): (),
    ("10 2 -", "40 1 CT"): (11, 40),
    # At one place: an insertion in front of a base that is changed, and two that are no one order.
    ("9 1 TC", "10 1 G"): (10, 10),
    ("10 1 CG", "10 1 CT"): (),
    # Overlaps.
    ("10 3 -", "11 1 T"): (),
    ("10 1 A", "10 1 T"): (),
    ("10 2 TT", "11 2 CC"): (),
    # Where nothing codes, and in two parts that code.
    ("1 1 C", "2 1 G"): (),
    ("3 1 C", "4 1 G"): (),
    ("60 1 C", "62 1 C"): (),
    ("62 1 C", "63 1 C"): (62, 63),
    ("88 4 -", "87 1 C"): (),
}


@pytest.mark.parametrize("changes", NEAR)
def test_what_is_within_reach(changes: tuple[str, str]) -> None:
    expected = [(NEAR[changes], 1)] if NEAR[changes] else []
    assert starts(*(record(change, "0|1") for change in changes)) == expected
    assert starts(*(record(change, "0|1") for change in reversed(changes))) == expected


def test_chains() -> None:
    every = [record(f"{pos} 1 {alt}", "0|1") for pos, alt in ((10, "A"), (12, "C"), (14, "C"), (17, "T"), (18, "C"))]
    assert starts(*every) == [((10, 12, 14), 1), ((17, 18), 1)]
    shifting = [record(change, "0|1") for change in ("10 1 A", "20 2 -", "45 1 CT")]
    assert [one.samples for one in found(*shifting)] == [1]
    assert len(found(*shifting)[0].members) == 3
    # What breaks the frame reaches back over what lies between.
    behind = [record(change, "0|1") for change in ("10 1 A", "20 1 A", "35 1 GA")]
    assert starts(*behind) == [((10, 20, 36), 1)]
    assert starts(*behind[:2]) == []
    assert starts(record("9 1 A", "0|1"), *behind[1:]) == [((9, 20, 36), 1)]
    assert starts(record("5 1 A", "0|1"), *behind[1:]) == [((20, 36), 1)]


def test_a_chain_with_an_overlap_says_nothing() -> None:
    rows = [record(change, "0|1") for change in ("10 1 A", "11 2 TT", "12 1 C", "14 1 C")]
    assert starts(*rows) == []
    apart = [
        record(change, *calls) for change, calls in (("10 1 A", ["0|1"]), ("11 2 TT", ["1|0"]), ("12 1 C", ["0|1"]))
    ]
    assert starts(*apart) == [((10, 12), 1)]


def test_records_that_say_the_same_count_once() -> None:
    rows = [record("10 1 A", "0|1"), record("10 1 A", "0|1"), record("9 2 TA", "0|1"), record("11 1 T", "0|1")]
    assert starts(*rows) == [((10, 11), 1)]


def test_long_chains_and_long_alleles_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [record(f"{pos} 1 {'A' if BASES[pos - 1] != 'A' else 'C'}", "1") for pos in range(10, 14)]
    assert len(found(*every)) == 1
    with monkeypatch.context() as patch:
        patch.setattr(phased_changes, "MOST_MEMBERS", 3)
        assert found(*every) == []
    with monkeypatch.context() as patch:
        patch.setattr(phased_changes, "MOST_BASES", 3)
        assert found(*every) == []
    monkeypatch.setattr(phased_changes, "LONGEST", 3)
    assert found(record("10 1 A", "1"), record("11 4 -", "1")) == []


def test_sites_alone_have_none() -> None:
    assert found(record("10 1 A"), record("11 1 T")) == []


# --- Across introns


#: Two exons, with an intron from 31 to 60: base 30 is followed by base 61.
SPLIT = transcript("S", (4, 30), (61, 90))
#: A small exon between two introns.
SMALL = transcript("T", (4, 20), (40, 44), (70, 90))

ACROSS = {
    ("30 1 A", "61 1 A"): (SPLIT, True),
    ("29 1 A", "61 1 A"): (SPLIT, True),
    ("28 1 A", "61 1 A"): (SPLIT, False),
    ("30 1 A", "62 1 A"): (SPLIT, True),
    ("29 1 A", "62 1 A"): (SPLIT, False),
    ("20 2 -", "72 1 A"): (SPLIT, True),
    ("12 2 -", "72 1 A"): (SPLIT, True),
    ("12 2 -", "73 1 A"): (SPLIT, False),
    ("30 1 A", "89 1 CA"): (SPLIT, True),
    ("30 1 A", "31 1 A"): (SPLIT, False),
    ("30 1 A", "60 1 A"): (SPLIT, False),
    ("20 1 C", "44 1 A"): (SMALL, False),
    ("20 1 C", "40 1 A"): (SMALL, True),
    ("44 1 A", "70 1 A"): (SMALL, True),
    ("15 2 -", "75 1 A"): (SMALL, True),
    ("9 2 -", "82 1 A"): (SMALL, True),
    ("18 1 CT", "75 1 A"): (SMALL, True),
    ("18 1 CT", "95 1 A"): (SMALL, False),
    ("9 2 -", "85 1 A"): (SMALL, False),
}


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("changes", ACROSS)
def test_neighbors_across_introns(changes: tuple[str, str], strand: str) -> None:
    one, expected = ACROSS[changes]
    models = Models(transcript(one.name, *one.exons, strand=strand))
    rows = [record(other(change), "0|1") for change in changes]
    assert len(found(*rows, models=models)) == expected


def test_junctions() -> None:
    assert neighbors.junctions(SMALL) == ((20, 40, 0), (20, 70, 5), (44, 70, 0))
    assert neighbors.junctions(transcript("L", (4, 20), (40, 69), (80, 90))) == ((20, 40, 0), (69, 80, 0))


def other(change: str) -> str:
    """The same with another base where ALT would be REF."""
    place, size, alt = change.split()
    return f"{place} {size} {'G' if alt == BASES[int(place) - 1] else alt}"


def test_members_of_each_transcript() -> None:
    """What a haplotype has on one transcript is not what it has on another one."""
    rows = [record("30 1 A", "0|1", "0|1"), record("31 1 G", "0|1", "0|0"), record("61 1 A", "0|1", "0|1")]
    models = Models(SPLIT, transcript("R", (4, 90)))
    together = {
        (tuple(member[0] for member in one.members), tuple(t.name for t in one.transcripts)): one.samples
        for one in found(*rows, models=models)
    }
    assert together == {((30, 61), ("S",)): 2, ((30, 31), ("R",)): 1}


def test_a_record_without_partners_is_not_looked_at() -> None:
    assert found(record("30 1 A", "0|1"), models=Models(SPLIT)) == []
    assert found(record("30 1 A,G", "1|2"), models=Models(SPLIT)) == []


# --- What they make


def told(*rows: Record, models: Models) -> tuple[dict[int, str], int]:
    texts, count = phased_descriptions(
        found(*rows, models=models), partial(fetch, "1"), lambda one: f"g.{one.pos}_{one.end}{one.ref}>{one.alt}"
    )
    return {member[0]: text for member, text in texts.items()}, count


def test_text_of_one_exon() -> None:
    models = Models(transcript("A", (4, 60)), transcript("C", (7, 60)))
    texts, count = told(record("10 1 A", "0|1"), record("11 1 T", "0|1"), models=models)
    assert count == 1
    # TTG CAT CAG > TTG CAT ATG, on C without its first codon.
    assert set(texts.values()) == {"missense_variant|A:p.Gln3Met+C:p.Gln2Met|g.10_11CA>AT|1"}


def test_text_across_an_intron() -> None:
    texts, _ = told(record("30 1 A", "0|1"), record("61 1 A", "0|1"), models=Models(SPLIT))
    (text,) = set(texts.values())
    # ATTG and so on: base 30 ends a codon, and base 61 begins one.
    assert text.split("|")[2:] == ["g.[30_30C>A%3B61_61C>A]".replace("61_61C", f"61_61{BASES[60]}"), "1"]
    assert text.startswith("missense_variant|S:p.")


def test_nothing_is_told_of_changes_that_undo_each_other() -> None:
    assert fetch("1", 12, 12) == "G"
    members = ((11, "AG", "A"), (11, "A", "AG"))
    assert [shortest(*member) for member in members] == [Change(12, "G", ""), Change(12, "", "G")]
    assert phased_descriptions([Combination(members, APART[:1], 1)], partial(fetch, "1"), str) == ({}, 0)


# --- Where a file may be cut


def tied(models: Models, written: Sequence[Span], pos: int) -> bool:
    return neighbors.are_tied(neighbors.ties(models, "1", pos), written)


@pytest.mark.parametrize(
    ("before", "pos", "expected"), [(10, 12, True), (10, 60, True), (95, 96, True), (1, 200, False)]
)
def test_ties_on_one_exon(before: int, pos: int, expected: bool) -> None:
    assert tied(Models(*APART), [(before, before)], pos) is expected


def test_nothing_is_tied_far_from_what_codes() -> None:
    models = Models(transcript("A", (1000, 1100)))
    found = [pos for pos in range(700, 1400) if tied(models, [(pos, pos)], pos + 1)]
    assert 1000 - 2 * neighbors.LONGEST < found[0] < 1000
    assert 1100 < found[-1] < 1100 + neighbors.LONGEST
    long = Models(transcript("A", (1000, 2000)))
    assert max(pos for pos in range(1051, 1400) if tied(long, [(1050, 1050)], pos)) == 1050 + 30 + 2 * neighbors.SHIFT


def test_an_intron_ties_what_lies_near_its_ends() -> None:
    models = Models(transcript("A", (1000, 1300), (9000, 9300)))
    assert tied(models, [(1300, 1300)], 5000)
    assert tied(models, [(1300, 1300), (4000, 4000)], 9020)
    assert tied(models, [(1300 - neighbors.FRAME_REACH - neighbors.SHIFT,) * 2], 5000)
    assert tied(models, [(1300 + neighbors.SHIFT,) * 2], 5000)
    assert not tied(models, [(1100, 1100), (4000, 4000)], 5000)
    assert not tied(models, [(1300, 1300)], 9300)
    assert not tied(models, [(1000, 1300)], 5000)  # too long to take part
    assert not tied(Models(transcript("A", (1000, 1300)), transcript("B", (9000, 9300))), [(1300, 1300)], 5000)


@pytest.mark.parametrize("strand", ["+", "-"])
def test_no_pair_lies_on_both_sides_of_a_cut(strand: str) -> None:
    """Of all pairs of changes: those that are found together are tied wherever the file could be cut between them."""
    models = Models(*(transcript(one.name, *one.exons, strand=strand) for one in (SPLIT, SMALL)))
    positions = range(3, 92)
    rows = {(pos, kind): record(spelled(pos, kind), "1") for pos in positions for kind in "SDI"}
    seen = 0
    for (pos, _), one in rows.items():
        for (second, kind), two in rows.items():
            if second > pos and (second + 2 * pos) % 17 == 0 and kind != "I" and found(one, two, models=models):
                seen += 1
                written = [(one.pos, one.pos + len(one.ref) - 1)]
                assert all(tied(models, written, cut) for cut in range(pos + 1, second + 1))
    assert seen > 100, seen


def spelled(pos: int, kind: str) -> str:
    base = "A" if BASES[pos - 1] != "A" else "C"
    return {"S": f"{pos} 1 {base}", "D": f"{pos} 2 -", "I": f"{pos} 1 -{base}"}[kind]
