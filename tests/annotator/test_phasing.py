"""Which changes are said to lie together on a molecule, and what they make."""

from collections.abc import Sequence

import pytest

from annotator import phasing
from annotator.alleles import Change, kind_of, shortest
from annotator.coding import CodingParts, Span
from annotator.compose import normal_forms
from annotator.phasing import Combination
from annotator.preflight.records import Record

#         1        10        20        30        40        50        60        70        80        90
BASES = "ACGTTGCATCAGGATCCATGCAAGTCTGACCTAGGTCATTCGAGCTAACGGTACTGATTCCGGAATTCGACGATCGTCAGTACCAGTGATCGCCGTA"
CODING = [(4, 60), (62, 90)]


class Features:
    """Where the sequence codes."""

    def __init__(self, parts: Sequence[Span] = CODING) -> None:
        self._parts = CodingParts([("1", parts)])

    def coding(self, contig: str, start: int, end: int, /) -> list[Span]:
        return self._parts.within(contig, start, end)


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


def found(*records: Record, phased: bool = True, features: Features | None = None) -> list[Combination]:
    variants, _ = normal_forms(records, fetch)
    return phasing.combinations(records, variants, features or Features(), fetch, phased=phased)


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
    monkeypatch.setattr(phasing, "MOST_COMBINATIONS", 1)
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
        patch.setattr(phasing, "MOST_MEMBERS", 3)
        assert found(*every) == []
    with monkeypatch.context() as patch:
        patch.setattr(phasing, "MOST_BASES", 3)
        assert found(*every) == []
    monkeypatch.setattr(phasing, "LONGEST", 3)
    assert found(record("10 1 A", "1"), record("11 4 -", "1")) == []


def test_sites_alone_have_none() -> None:
    assert found(record("10 1 A"), record("11 1 T")) == []


# --- What they make


MADE = {
    ("10 1 A", "11 1 T"): (10, "CA", "AT"),
    ("10 1 A", "12 1 C"): (10, "CAG", "AAC"),
    ("10 2 -", "12 1 C"): (11, "AG", "C"),
    ("9 1 TC", "10 1 G"): (10, "C", "CG"),
    ("10 2 -", "13 1 GTT"): (11, "AGG", "GGTT"),
    ("10 1 CTTT", "11 1 T"): (11, "A", "TTTT"),
}


@pytest.mark.parametrize("changes", MADE)
def test_what_they_make(changes: tuple[str, str]) -> None:
    (one,) = found(*(record(change, "0|1") for change in changes))
    assert sequence(one.variant) == sequence(*reversed(one.members))
    assert one.variant == MADE[changes]


def sequence(*variants: tuple[int, str, str]) -> str:
    """The whole sequence with changes, the last of which is made first."""
    text = BASES
    for pos, ref, alt in variants:
        assert text[pos - 1 : pos - 1 + len(ref)] == ref
        text = text[: pos - 1] + alt + text[pos - 1 + len(ref) :]
    return text


def test_changes_that_undo_each_other_make_nothing() -> None:
    assert fetch("1", 12, 12) == "G"
    assert phasing.joined("1", [Change(12, "G", ""), Change(13, "", "G")], fetch) is None


# --- What codes


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (1, 99, [(5, 30), (40, 60)]),
        (30, 40, [(30, 30), (40, 40)]),
        (31, 39, []),
        (12, 13, [(12, 13)]),
        (61, 99, []),
        (1, 4, []),
    ],
)
def test_coding_parts(start: int, end: int, expected: list[Span]) -> None:
    segments = [("1", [(5, 12), (40, 50)]), ("1", [(5, 12), (10, 20), (21, 30), (41, 60)]), ("2", [(1, 99)])]
    assert CodingParts(segments).within("1", start, end) == expected
    assert CodingParts(segments).within("3", start, end) == []


# --- Where a file may be cut


@pytest.mark.parametrize(("before", "pos", "tied"), [(10, 12, True), (10, 60, True), (95, 96, True), (1, 200, False)])
def test_bound(before: int, pos: int, tied: bool) -> None:
    assert phasing.bound(Features(), "1", before, pos) is tied


def test_nothing_is_bound_far_from_what_codes() -> None:
    features = Features([(1000, 1100)])
    tied = [pos for pos in range(700, 1400) if phasing.bound(features, "1", pos, pos + 1)]
    assert (tied[0], tied[-1]) == (1000 - phasing.LONGEST, 1100 + phasing.SHIFT)
    far = [pos for pos in range(700, 1400) if phasing.bound(Features([(1000, 2000)]), "1", 1050, pos)]
    assert far[-1] == 1050 + phasing.LONGEST + phasing.SHIFT + phasing.FRAME_REACH
