"""HGVS along a transcript: what a description says, applied to the transcript, gives what the changed genome gives."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from annotator.effects.allele import Change, shortest
from annotator.effects.hgvs_transcript import Layout, described

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
EXONS = ((11, 20), (31, 40), (46, 50))
FORWARD = Layout("+", EXONS, (15, 36))
REVERSE = Layout("-", EXONS, (15, 36))
NEITHER = Layout("+", EXONS)


def turned(bases: str) -> str:
    return "".join(COMPLEMENT[base] for base in reversed(bases))


def reader(genome: str) -> Callable[[int, int], str]:
    return lambda start, end: genome[max(start, 1) - 1 : max(end, 0)]


def places(layout: Layout) -> dict[str, int]:
    """Every name that a base of the transcript has, and its position: counted out base by base, as HGVS tells it."""
    exons = [list(range(start, end + 1)) for start, end in layout.exons]
    coding = range(layout.coding[0], layout.coding[1] + 1) if layout.coding else range(0)
    if layout.strand == "-":
        exons = [exon[::-1] for exon in exons[::-1]]
    spliced = [position for exon in exons for position in exon]
    names: dict[int, str] = {}
    first = next((n for n, position in enumerate(spliced) if position in coding), 0)
    last = max((n for n, position in enumerate(spliced) if position in coding), default=len(spliced))
    for n, position in enumerate(spliced):
        if n < first:
            names[position] = f"-{first - n}"
        elif n > last:
            names[position] = f"*{n - last}"
        else:
            names[position] = f"{n - first + 1}"
    for left, right in pairwise(exons):
        step = 1 if layout.strand == "+" else -1
        intron = list(range(left[-1] + step, right[0], step))
        for n, position in enumerate(intron, 1):
            behind = len(intron) + 1 - n  # bases to the next exon
            names[position] = f"{names[left[-1]]}+{n}" if n <= behind else f"{names[right[0]]}-{behind}"
    return {name: position for position, name in names.items()}


def applied(genome: str, layout: Layout, description: str) -> str:
    """The genome after what a description says, by the nomenclature's own rules."""
    match = re.fullmatch(r"([cn])\.([-*+\d]+)(?:_([-*+\d]+))?((?:del|ins|dup|inv|[ACGT]>).*)", description)
    assert match, description
    assert match[1] == ("c" if layout.coding else "n")
    where = places(layout)
    first, last, what = where[match[2]], where[match[3] or match[2]], match[4]
    if match[3]:
        assert (first < last) is (layout.strand == "+")  # from 5' to 3', two different bases
    start, end = sorted((first, last))
    before, middle, after = genome[: start - 1], genome[start - 1 : end], genome[end:]
    forward = layout.strand == "+"
    if what == "del":
        return before + after
    if what == "dup":
        return before + middle + middle + after
    if what == "inv":
        assert len(middle) > 1
        return before + turned(middle) + after
    if what.startswith(("delins", "ins")):
        new = what[6:] if what.startswith("delins") else what[3:]
        new = new if forward else turned(new)
        if what.startswith("delins"):
            return before + new + after
        assert end == start + 1
        return before + middle[0] + new + middle[1] + after
    ref, alt = what.split(">")
    assert middle == (ref if forward else turned(ref))
    return before + (alt if forward else turned(alt)) + after


@pytest.mark.parametrize(
    ("position", "forward", "reverse", "neither"),
    [
        (11, "-4", "*4", "1"),
        (14, "-1", "*1", "4"),
        (15, "1", "12", "5"),
        (20, "6", "7", "10"),
        (21, "6+1", "7-1", "10+1"),
        (25, "6+5", "7-5", "10+5"),
        (26, "7-5", "6+5", "11-5"),
        (30, "7-1", "6+1", "11-1"),
        (31, "7", "6", "11"),
        (36, "12", "1", "16"),
        (37, "*1", "-1", "17"),
        (40, "*4", "-4", "20"),
        (41, "*4+1", "-4-1", "20+1"),
        (42, "*4+2", "-4-2", "20+2"),
        (43, "*4+3", "-5+3", "20+3"),  # the middle of five belongs to the exon before it, whichever that is
        (44, "*5-2", "-5+2", "21-2"),
        (45, "*5-1", "-5+1", "21-1"),
        (46, "*5", "-5", "21"),
        (50, "*9", "-9", "25"),
    ],
)
def test_a_substitution_has_the_number_of_its_base(position: int, forward: str, reverse: str, neither: str) -> None:
    change = Change(position, "A", "C")
    fetch = reader("A" * 60)
    assert described(FORWARD, change, fetch) == f"c.{forward}A>C"
    assert described(REVERSE, change, fetch) == f"c.{reverse}T>G"
    assert described(NEITHER, change, fetch) == f"n.{neither}A>C"


@pytest.mark.parametrize("position", [10, 51])
def test_nothing_is_said_of_what_lies_outside(position: int) -> None:
    for layout in (FORWARD, REVERSE, NEITHER):
        assert described(layout, Change(position, "A", "C"), reader("A" * 60)) == ""


#: 1 and 2 in front of the transcript, 3-8 an exon, 9-14 an intron, 15-20 an exon, 21 and 22 behind the transcript.
BOUNDS = ((3, 8), (15, 20))


@pytest.mark.parametrize(
    ("genome", "change", "forward", "reverse"),
    [
        # The last G of an exon and the first of the intron: c.1704+1del of HGVS's examples.
        ("TTATCAAGGTCCAGCTATCATT", Change(8, "G", ""), "c.6+1del", "c.7del"),
        ("TTATCAAGGTCCAGCTATCATT", Change(9, "", "G"), "c.6+1dup", "c.7dup"),
        # The last G of an intron and the first of the exon: c.1813del.
        ("TTATCAACGTCCAGGTATCATT", Change(14, "G", ""), "c.7del", "c.6+1del"),
        ("TTATCAACGTCCAGGTATCATT", Change(14, "", "G"), "c.7dup", "c.6+1dup"),
        # One exon ends with a T, the next begins with one: c.3921del, and not the T of the next exon.
        ("TTATCAATGTCCAGTCATCATT", Change(8, "T", ""), "c.6del", "c.7del"),
        ("TTATCAACGTCCAGGTATCATT", Change(7, "ACGT", ""), "c.5_6+2del", "c.7-2_8del"),
        ("TTATCAACGTCCAGGTATCATT", Change(7, "ACGTCCAGG", "T"), "c.5_7delinsT", "c.6_8delinsA"),
        ("TTATCAACGTCCAGGTATCATT", Change(9, "", "TTT"), "c.6_6+1insTTT", "c.7-1_7insAAA"),
        ("TTATCAACGTCCAGGTATCATT", Change(12, "", "AA"), "c.6+3_7-3insAA", "c.6+3_7-3insTT"),
        ("TTATCAACGTCCAGGTATCATT", Change(11, "CC", "GG"), "c.6+3_7-3inv", "c.6+3_7-3inv"),
        ("TTATCAACGTCCAGGTATCATT", Change(3, "ATCAAC", ""), "c.1_6del", "c.7_12del"),
        # Beyond the ends: not described; but where the same change can be told inside, it is.
        ("TTATCAACGTCCAGGTATCATT", Change(1, "TTA", ""), "", ""),
        ("TTATCAACGTCCAGGTATCATT", Change(19, "CATT", ""), "", ""),
        ("TTATCAACGTCCAGGTATCATT", Change(3, "", "G"), "", ""),
        ("TTATCAACGTCCAGGTATCATT", Change(2, "TA", ""), "c.1_2del", "c.11_12del"),
        ("TTATCAACGTCCAGGTATCATT", Change(3, "", "A"), "c.1dup", "c.12dup"),
        ("TTATCAACGTCCAGGTATCATT", Change(21, "", "CA"), "c.11_12dup", "c.1_2dup"),
        ("TTATCAACGTCCAGGTATCATT", Change(21, "", "GA"), "c.11_12insAG", "c.1_2insCT"),
        ("AAAAAACCGTCCAGGTATTTTT", Change(1, "A", ""), "c.4del", "c.12del"),
        ("AAAAAACCGTCCAGGTATTTTT", Change(22, "T", ""), "c.12del", "c.3del"),
        ("AAAAAACCGTCCAGGTATTTTT", Change(22, "", "TT"), "c.11_12dup", "c.2_3dup"),
        ("TTATCAACGTCCAGGTATCATT", Change(5, "", ""), "", ""),
    ],
)
def test_descriptions_that_were_worked_out_by_hand(genome: str, change: Change, forward: str, reverse: str) -> None:
    fetch = reader(genome)
    assert described(Layout("+", BOUNDS, (3, 20)), change, fetch) == forward
    assert described(Layout("-", BOUNDS, (3, 20)), change, fetch) == reverse


@dataclass
class Case:
    genome: str
    layout: Layout
    change: Change

    @property
    def made(self) -> str:
        change = self.change
        return self.genome[: change.pos - 1] + change.alt + self.genome[change.end :]


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """One to four exons from position 4 on, with introns of any length, none too."""
    position, exons = 4, []
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 9))
        exons.append((position, position + size - 1))
        position += size + draw(st.integers(0, 7))
    inside = [base for start, end in exons for base in range(start, end + 1)]
    coding = None
    if draw(st.booleans()):
        one, other = sorted((draw(st.sampled_from(inside)), draw(st.sampled_from(inside))))
        coding = one, other
    return Layout(draw(st.sampled_from("+-")), tuple(exons), coding)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A change anywhere in and around a transcript; of few letters, so that there is much to shift."""
    layout = draw(layouts())
    size = layout.exons[-1][1] + 4
    letters = draw(st.sampled_from(["AC", "AT", "ACGT"]))
    genome = draw(st.text(letters, min_size=size, max_size=size))
    pos = draw(st.integers(1, size))
    ref = genome[pos - 1 : pos - 1 + draw(st.integers(0, 12))]
    return Case(genome, layout, shortest(pos, ref, draw(st.text(letters, max_size=5))))


#: A duplication whose first base lies in the exon before: the intron of one base between is copied too.
OVER_AN_INTRON = Case(
    "AAAAAAAAAAAAAAAAAAAAATTATAAAA", Layout("+", ((4, 4), (12, 20), (22, 25))), Change(25, "", "AATTA")
)


@settings(max_examples=600, deadline=None)
@given(cases())
@example(OVER_AN_INTRON)
def test_a_description_makes_the_genome_that_the_change_makes(case: Case) -> None:
    text = described(case.layout, case.change, reader(case.genome))
    if case.made == case.genome:
        assert text == ""
    elif text:
        assert applied(case.genome, case.layout, text) == case.made


@settings(max_examples=400, deadline=None)
@given(cases())
def test_all_ways_to_write_a_change_have_one_description_and_it_is_the_last(case: Case) -> None:
    change, genome, layout = case.change, case.genome, case.layout
    if bool(change.ref) is bool(change.alt):
        return
    size, fetch = len(change.ref or change.alt), reader(genome)
    same = [Change(pos, genome[pos - 1 : pos - 1 + size], "") for pos in range(1, len(genome) - size + 2)]
    if change.alt:
        same = [Change(pos, "", case.made[pos - 1 : pos - 1 + size]) for pos in range(1, len(case.made) - size + 2)]
    same = [one for one in same if Case(genome, layout, one).made == case.made]
    assert len({described(layout, one, fetch) for one in same}) == 1
    start, end = layout.exons[0][0], layout.exons[-1][1]
    # Deleted bases, or both bases next to an insertion, are in the transcript.
    told = [one for one in same if (one.pos >= start and one.end <= end if one.ref else start < one.pos <= end)]
    text = described(layout, change, fetch)
    assert text or not told
    if text.endswith("del"):
        where = places(layout)
        named = where[text[2:-3].rpartition("_")[2]]
        assert named == (max(one.end for one in told) if layout.strand == "+" else min(one.pos for one in told))


@settings(max_examples=400, deadline=None)
@given(cases())
@example(OVER_AN_INTRON)
def test_within_an_exon_it_says_the_same_of_the_spliced_transcript(case: Case) -> None:
    """Numbers are those of the transcript itself: applied to it, they give what is spliced from the changed genome."""
    change, layout = case.change, case.layout
    text = described(layout, change, reader(case.genome))
    exon = next((one for one in layout.exons if one[0] < change.pos and change.end < one[1]), None)
    if not text or exon is None or re.search(r"\d[-+]", text[2:].lstrip("-").replace("_-", "_")):
        return
    named = [places(layout)[name] for name in re.findall(r"[-*]?\d+", text)]
    if not any(start <= min(named) and max(named) <= end for start, end in layout.exons):
        return  # it names an intron's bases, too
    grown = len(change.alt) - len(change.ref)

    def spliced(genome: str, shift: int) -> str:
        found = ""
        for start, end in layout.exons:
            begin = start + (shift if start > exon[0] else 0)
            found += genome[begin - 1 : end + (shift if end >= exon[1] else 0)]
        return found if layout.strand == "+" else turned(found)

    before, after = spliced(case.genome, 0), spliced(case.made, grown)
    names = [name for name in places(layout) if not re.search(r".[-+]", name)]
    # A layout of its own, without introns, on a genome that is the spliced transcript.
    sizes = [end - start + 1 for start, end in layout.exons]
    if layout.coding:
        first, last = names.index("1") + 1, max(n for n, name in enumerate(names, 1) if name.isdigit())
        alone = Layout("+", ((1, sum(sizes)),), (first, last))
    else:
        alone = Layout("+", ((1, sum(sizes)),))
    assert applied(before, alone, text) == after


@settings(max_examples=150, deadline=None)
@given(layouts())
def test_a_substitution_is_numbered_at_every_position(layout: Layout) -> None:
    names = {position: name for name, position in places(layout).items()}
    assert sorted(names) == list(range(layout.exons[0][0], layout.exons[-1][1] + 1))
    fetch = reader("A" * (layout.exons[-1][1] + 10))
    bases = "A>G" if layout.strand == "+" else "T>C"
    for position, name in names.items():
        assert described(layout, Change(position, "A", "G"), fetch) == f"{layout.letter}.{name}{bases}"


def test_a_long_repeat_is_followed_to_its_end() -> None:
    genome = "C" * 5 + "A" * 3000 + "G" * 5
    for strand, expected in (("+", "n.3000del"), ("-", "n.3000del")):
        layout = Layout(strand, ((6, 3005),))
        assert described(layout, Change(6, "A", ""), reader(genome)) == expected
        assert described(layout, Change(3005, "A", ""), reader(genome)) == expected
