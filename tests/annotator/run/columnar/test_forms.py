"""What the compiled loops take for plain is what annotator.preflight passes as it stands."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from annotator.preflight.header import read_header
from annotator.preflight.info import Unusable
from annotator.preflight.journal import Journal
from annotator.preflight.samples import SamplesCheck
from annotator.run.columnar import forms
from annotator.run.columnar.compiled import array_of, put, same
from annotator.run.columnar.text_sets import value_of, words

#: Texts near to what is looked for.
NUMBERS = st.text("0123456789.+-eE,", max_size=14)
INTEGER = re.compile(r"(?:\.|[+-]?[0-9]{1,10})(?:,(?:\.|[+-]?[0-9]{1,10}))*")
FLOAT = r"(?:\.|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
FLOATS = re.compile(f"{FLOAT}(?:,{FLOAT})*")
HEADER = (
    "##fileformat=VCFv4.2",
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="">',
    '##FORMAT=<ID=GP,Number=.,Type=Float,Description="">',
    '##FORMAT=<ID=FT,Number=1,Type=String,Description="">',
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo",
)
KINDS = {"GT": forms.GENOTYPE, "DP": forms.INTEGER, "GP": forms.FLOAT, "FT": forms.ANY}


@settings(deadline=None)  # the first call compiles
@given(NUMBERS)
@example("1.e5")
@example(".e5")
@example("+.5")
@example("1,")
@example("")
def test_lists_of_numbers(text: str) -> None:
    data = array_of(text.encode())
    assert forms.values(forms.INTEGER, data, 0, len(data)) == bool(INTEGER.fullmatch(text))
    assert forms.values(forms.FLOAT, data, 0, len(data)) == bool(FLOATS.fullmatch(text))


@settings(deadline=None)  # the first call compiles
@given(st.text("0123456789-", max_size=12))
def test_positions(text: str) -> None:
    data = array_of(text.encode())
    fits = re.fullmatch("[1-9][0-9]{0,9}", text)
    assert forms.position(data, 0, len(data)) == (int(text) if fits else 0)


@settings(deadline=None)  # the first call compiles
@given(st.dictionaries(st.text("abAB=.", min_size=1, max_size=3), st.integers(0, 9), max_size=40), st.text("abAB=."))
def test_words_are_found_and_others_are_not(values: dict[str, int], other: str) -> None:
    known = words(values)
    for text in (*values, other):
        data = array_of(f"..{text}..".encode())
        assert value_of(known, data, 2, 2 + len(text)) == values.get(text, -1)


ENTRY = st.sampled_from(["DP=1", "DP=x", "DP", "AF=.5,1", "AF=nan", "NOTE=a=b", "NOTE=", "NEW=1", "", "DP=1,"])


@settings(deadline=None)  # the first call compiles
@given(st.lists(ENTRY, min_size=1, max_size=4))
def test_info(entries: list[str]) -> None:
    tags = words({"DP": forms.INTEGER, "AF": forms.FLOAT, "NOTE": forms.ANY})
    sound = {"DP=1", "DP", "AF=.5,1", "NOTE=a=b", "NOTE="}
    data = array_of(";".join(entries).encode())
    assert forms.info(data, 0, len(data), tags) == (set(entries) <= sound)


VALUE = st.one_of(
    st.sampled_from(["0/1", "1|1", ".", "./.", "2", "1/3", "0/1/1", "/1", "0|", "5", "1.5", "1e-3,.", "x", "nan", ""]),
    st.text("0123456789./|-e,", max_size=5),
)
SAMPLE = st.lists(VALUE, min_size=1, max_size=5).map(":".join)
FORMATS = st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4, unique=True)


@settings(deadline=None)  # the first call compiles
@given(FORMATS, SAMPLE, SAMPLE, st.integers(1, 3))
def test_samples(tmp_path_factory: pytest.TempPathFactory, names: list[str], one: str, two: str, alts: int) -> None:
    """YES is said only of what a look at every value passes, and NO of what has too many values, or empty ones."""
    row = np.full((1, 6), -1, np.int64)
    row[0, : len(names)] = [KINDS[name] for name in names]
    tail = f"{':'.join(names)}\t{one}\t{two}"
    data = array_of(tail.encode())
    found = forms.samples(data, 0, len(data), words({":".join(names): 0}), row, alts)
    too_many = max(one.count(":"), two.count(":")) >= len(names)
    has_empty = "" in one.split(":") or "" in two.split(":")
    assert (found == forms.NO) is (too_many or has_empty)
    if found == forms.YES:
        journal = Journal(tmp_path_factory.mktemp("journal"))
        check = SamplesCheck(read_header(iter(enumerate(HEADER, 1)), journal, {}), journal, strict=True)
        try:
            assert check.check(7, tail, alts) == tail
        except Unusable as fault:
            pytest.fail(fault.reason)
        finally:
            journal.close()


def test_a_format_that_has_not_been_seen_is_left_to_others() -> None:
    data = array_of(b"GT:XX\t0/1:1")
    kinds = np.array([[forms.GENOTYPE, -1]])
    assert forms.samples(data, 0, len(data), words({"GT": 0}), kinds, 1) == forms.NO


@pytest.mark.parametrize(
    ("at", "start", "stop"), [(-1, 0, 2), (9, 0, 2), (0, -1, 1), (0, 9, 11)], ids=["before", "after", "from", "to"]
)
def test_a_stretch_that_reaches_out_of_its_array_is_refused(at: int, start: int, stop: int) -> None:
    letters = array_of(b"0123456789")

    with pytest.raises(IndexError):
        put(array_of(b" " * 10), at, letters, start, stop)
    if at == 0:
        for one, other in (((start, stop), (0, stop - start)), ((0, stop - start), (start, stop))):
            with pytest.raises(IndexError):
                same(letters, *one, letters, *other)
