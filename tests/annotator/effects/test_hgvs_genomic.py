"""HGVS: what a description says, applied to the sequence, gives the sequence that the VCF record gives."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.effects import hgvs_genomic
from annotator.effects.allele import Change, Kind, is_transition, kind_of, shortest
from annotator.formats.fasta import reverse_complement
from annotator.reference.pack import Reference

BASES = st.text("ACGT", min_size=1, max_size=6)


def applied(sequence: str, description: str) -> str:
    """Apply a genomic HGVS description, read from the nomenclature's own rules."""
    match = re.fullmatch(r"m\.(\d+)(?:_(\d+))?(.*)", description)
    assert match
    start = int(match[1])
    end = int(match[2] or start)
    what = match[3]
    before, middle, after = sequence[: start - 1], sequence[start - 1 : end], sequence[end:]
    if what == "del":
        return before + after
    if what == "dup":
        return before + middle + middle + after
    if what == "inv":
        return before + reverse_complement(middle) + after
    if what.startswith("delins"):
        return before + what.removeprefix("delins") + after
    if what.startswith("ins"):
        assert end == start + 1
        return before + middle[0] + what.removeprefix("ins") + middle[1] + after
    ref, alt = what.split(">")
    assert middle == ref
    return before + alt + after


@settings(max_examples=300, deadline=None)
@given(pos=st.integers(2, 16500), size=st.integers(1, 6), alt=BASES)
def test_a_description_makes_the_same_sequence_as_the_record(rcrs: Reference, pos: int, size: int, alt: str) -> None:
    whole = rcrs.sequence.fetch("MT", 1, 16569)
    ref = whole[pos - 1 : pos - 1 + size]
    made = whole[: pos - 1] + alt + whole[pos - 1 + size :]
    description = hgvs_genomic.genomic(shortest(pos, ref, alt), "MT", rcrs.sequence, "m")
    if ref == alt:
        assert description == ""
    else:
        assert applied(whole, description) == made


@settings(max_examples=200, deadline=None)
@given(pos=st.integers(300, 320), size=st.integers(1, 4), insertion=st.booleans())
def test_it_does_not_matter_where_in_a_run_the_caller_put_it(
    rcrs: Reference, pos: int, size: int, insertion: bool
) -> None:
    # m.303-315 is a run of C with one T: every place of the run gives one of few descriptions, the last place.
    whole = rcrs.sequence.fetch("MT", 1, 16569)
    change = (
        Change(pos, "", whole[pos - 1 : pos - 1 + size])
        if insertion
        else Change(pos, whole[pos - 1 : pos - 1 + size], "")
    )
    made = applied(whole, hgvs_genomic.genomic(change, "MT", rcrs.sequence, "m"))
    others = set()
    for other in range(290, 330):
        bases = whole[other - 1 : other - 1 + size]
        again = Change(other, "", bases) if insertion else Change(other, bases, "")
        description = hgvs_genomic.genomic(again, "MT", rcrs.sequence, "m")
        if applied(whole, description) == made:
            others.add(description)
    assert len(others) == 1


def test_bases_in_the_opposite_direction_are_an_inversion(rcrs: Reference) -> None:
    assert hgvs_genomic.genomic(Change(11777, "CG", "GC"), "MT", rcrs.sequence, "m") == "m.11777_11778delinsGC"
    assert hgvs_genomic.genomic(Change(11777, "CGA", "TCG"), "MT", rcrs.sequence, "m") == "m.11777_11779inv"
    assert hgvs_genomic.genomic(Change(11777, "C", "G"), "MT", rcrs.sequence, "m") == "m.11777C>G"


def test_shifting_stops_at_the_end_of_the_contig(rcrs: Reference) -> None:
    assert rcrs.sequence.fetch("MT", 16566, 16569) == "GATG"
    assert hgvs_genomic.genomic(Change(16569, "G", ""), "MT", rcrs.sequence, "m") == "m.16569del"
    assert hgvs_genomic.genomic(Change(16570, "", "G"), "MT", rcrs.sequence, "m") == "m.16569dup"


@settings(max_examples=200, deadline=None)
@given(pos=st.integers(1, 1000), ref=BASES, alt=BASES)
def test_the_shortest_form_is_the_same_change(pos: int, ref: str, alt: str) -> None:
    change = shortest(pos, ref, alt)
    left = change.pos - pos
    right = len(ref) - left - len(change.ref)
    assert ref[:left] == alt[:left]
    assert ref[:left] + change.alt + ref[len(ref) - right :] == alt
    # Nothing is left to cut off.
    if change.ref and change.alt:
        assert change.ref[0] != change.alt[0]
        assert change.ref[-1] != change.alt[-1]


@pytest.mark.parametrize(
    ("ref", "alt", "type_"),
    [
        ("A", "G", "SNV"), ("AC", "AG", "SNV"), ("A", "AT", "insertion"), ("AT", "A", "deletion"),
        ("AC", "GT", "MNV"), ("ACG", "TCA", "MNV"), ("AC", "GTT", "other"), ("A", "A", "other"),
    ],
)  # fmt: skip
def test_types(ref: str, alt: str, type_: str) -> None:
    assert shortest(5, ref, alt).type == type_


def test_transitions() -> None:
    pairs = {(a, b): is_transition(Change(1, a, b)) for a in "ACGT" for b in "ACGT" if a != b}
    assert {pair for pair, yes in pairs.items() if yes} == {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}


@pytest.mark.parametrize(
    ("alt", "kind"),
    [
        ("ACGT", Kind.SEQUENCE), ("AN", Kind.UNKNOWN_BASES), (".", Kind.MISSING), ("*", Kind.OVERLAPPING),
        ("<DUP:TANDEM>", Kind.SYMBOLIC), ("G]17:198982]", Kind.BREAKEND), ("[chr3:12665[A", Kind.BREAKEND),
        (".TGCA", Kind.BREAKEND), ("TGCA.", Kind.BREAKEND), ("", Kind.INVALID), ("acg", Kind.INVALID),
        ("<>", Kind.INVALID), ("A B", Kind.INVALID), ("A]17", Kind.INVALID), ("-", Kind.INVALID),
    ],
)  # fmt: skip
def test_kinds(alt: str, kind: Kind) -> None:
    assert kind_of(alt) is kind
