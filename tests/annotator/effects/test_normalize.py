"""Alleles are told apart by what they do to the sequence, and by nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.effects.normalize import Variant, Window, normal
from annotator.reference.pack import Reference
from annotator.sources.convert import convert
from annotator.sources.fields import Wanted
from annotator.sources.lookup import Lookup
from annotator.sources.manifest import Source, sequence_id
from tests.annotator.sources.genomes import genome, make_genome, text


def fetcher(bases: str) -> Callable[[str, int, int], str]:
    return lambda _contig, first, last: bases[max(first, 1) - 1 : max(last, 0)]


def applied(bases: str, variant: Variant) -> str:
    """Return the sequence that a variant makes: its meaning, without the rules of the annotator."""
    pos, ref, alt = variant
    assert bases[pos - 1 : pos - 1 + len(ref)] == ref
    return bases[: pos - 1] + alt + bases[pos - 1 + len(ref) :]


def spellings(bases: str, made: str) -> list[Variant]:
    """All the ways in which VCF can write the change from bases to made: every REF that covers it, and the ALT."""
    growth = len(made) - len(bases)
    found = []
    for start in range(len(bases)):
        if bases[:start] != made[:start]:
            break
        for end in range(len(bases), start, -1):
            if bases[end:] != made[end + growth :]:
                break
            if end + growth > start:
                found.append((start + 1, bases[start:end], made[start : end + growth]))
    return found


@pytest.mark.parametrize(
    ("bases", "variant", "expected"),
    [
        ("GACACAT", (5, "CA", "C"), (5, "CA", "C")),
        ("GCACACAT", (6, "CAT", "T"), (1, "GCA", "G")),  # a unit of a repeat goes to its left end
        ("GCACACAT", (7, "A", "ACA"), (1, "G", "GCA")),
        ("TTTTG", (4, "TG", "G"), (1, "TT", "T")),  # to the first base, which has nothing in front of it
        ("TTTTG", (1, "T", "TT"), (1, "T", "TT")),
        ("GGCATGG", (3, "CAT", "CGT"), (4, "A", "G")),  # shared bases are cut off
        ("GGCATGG", (3, "CAT", "TAC"), (3, "CAT", "TAC")),
        ("GGCATGG", (2, "GCATG", "GG"), (2, "GCAT", "G")),
        ("GGCATGG", (3, "CAT", "CAT"), (3, "CAT", "CAT")),
    ],
)
def test_the_normal_form_is_the_shortest_and_leftmost(bases: str, variant: Variant, expected: Variant) -> None:
    found = normal("x", *variant, fetcher(bases))
    assert applied(bases, found) == applied(bases, variant)
    assert found == expected


# Few letters and repeated units, because chance makes no repeats.
UNITS = st.text("AC", min_size=1, max_size=3)
BASES = st.lists(st.builds(lambda unit, times: unit * times, UNITS, st.integers(1, 8)), min_size=1, max_size=5).map(
    "".join
)


@st.composite
def variants(draw: st.DrawFn, bases: str) -> Variant:
    start = draw(st.integers(0, len(bases) - 1))
    ref = bases[start : start + draw(st.integers(1, 7))]
    alt = draw(st.text("AC", min_size=1, max_size=7) | st.just(ref * 2) | st.just(ref[:1]))
    return start + 1, ref, alt


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_two_alleles_match_exactly_if_they_make_the_same_sequence(data: st.DataObject) -> None:
    bases = data.draw(BASES)
    first, second = data.draw(variants(bases)), data.draw(variants(bases))
    if first[1] == first[2] or second[1] == second[2]:
        return
    fetch = Window(fetcher(bases)).fetch
    same = applied(bases, first) == applied(bases, second)
    assert (normal("x", *first, fetch) == normal("x", *second, fetch)) is same
    ways = spellings(bases, applied(bases, first))
    assert first in ways
    assert {normal("x", *way, fetch) for way in ways} == {normal("x", *first, fetch)}
    assert normal("x", *first, fetch) in ways


@pytest.fixture(scope="module")
def repeats(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """A pack with a contig of repeats, of two letters for the most part."""
    unit = "CACACAGAAAAAACCCCACCACCACG"
    bases = {"1": "A" * 12 + unit * 12, "2": "CAC" * 40 + "G"}
    return make_genome(tmp_path_factory.mktemp("repeats"), "repeats", bases)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_source_is_found_however_both_sides_write_it(
    repeats: Reference, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A source in any spelling, order and grouping, and a file in others, meet exactly where the sequences agree."""
    bases = {contig: repeats.sequence.fetch(contig, 1, 10**6) for contig in ("1", "2")}
    known: dict[tuple[str, str], str] = {}  # contig and sequence -> id
    lines: list[str] = []
    for number in range(data.draw(st.integers(1, 6))):
        contig = data.draw(st.sampled_from(("1", "2")))
        made = applied(bases[contig], data.draw(variants(bases[contig])))
        if made == bases[contig] or (contig, made) in known:
            continue
        pos, ref, alt = data.draw(st.sampled_from(spellings(bases[contig], made)[:4000:7]))
        known[contig, made] = f"id{number}"
        if data.draw(st.booleans()):
            # In a record with a second allele, which the first shares its REF with.
            second = alt + "G"
            also = applied(bases[contig], (pos, ref, second))
            if also != bases[contig] and (contig, also) not in known:
                known[contig, also] = f"id{number}b"
                lines.append(f"{contig} {pos} . {ref} {alt},{second} . . X=id{number},id{number}b")
                continue
        lines.append(f"{contig} {pos} . {ref} {alt} . . X=id{number}")
    if not lines:
        return
    folder = tmp_path_factory.mktemp("source")
    source = converted(folder, repeats, lines)
    questions: dict[str, list[Variant]] = {"1": [], "2": []}
    for contig, made in known:
        for way in data.draw(st.lists(st.sampled_from(spellings(bases[contig], made)), min_size=1, max_size=4)):
            questions[contig].append(way)
    for contig in ("1", "2"):
        questions[contig] += data.draw(st.lists(variants(bases[contig]), max_size=5))
        questions[contig] = sorted(v for v in questions[contig] if v[1] != v[2])
    lookup = Lookup(source, repeats)
    for contig, asked in questions.items():
        answers = lookup.lookup(contig, asked)
        expected = [known.get((contig, applied(bases[contig], variant))) for variant in asked]
        assert [answer["X"] if answer else None for answer in answers] == expected
    lookup.close()


def converted(folder: Path, reference: Reference, lines: list[str]) -> Source:
    file = folder / "source.vcf"
    header = '##fileformat=VCFv4.2\n##INFO=<ID=X,Number=A,Type=String,Description="x">\n'
    file.write_bytes(text(header, lines))
    (folder / "table").mkdir()
    done = convert([file], folder / "table", folder, reference=reference, wanted=[Wanted("X", "X")])
    fields, sequence = tuple(done.fields), sequence_id(reference)
    return Source("s", "S", "1", "", done.rows, fields, sequence, done.sections, folder / "table")


def test_a_shift_along_thousands_of_bases_is_followed(tmp_path: Path) -> None:
    """Both ends of a repeat of 9,000 bases: far beyond what is held back on one side, and in memory on the other."""
    reference = make_genome(tmp_path)
    bases = genome()["1"]
    left, right = 8001, 8001 + 9000
    assert bases[left:right] == "CAG" * 3000
    spaced = [
        f"1 {pos} . {bases[pos - 1]} {'A' if bases[pos - 1] != 'A' else 'C'} . . X=snv{pos}"
        for pos in range(7500, 17500, 50)
    ]
    written_right = f"1 {right - 3} . {bases[right - 4 : right]} {bases[right - 4]} . . X=shifted"
    rows = sorted([*spaced, written_right], key=lambda row: int(row.split()[1]))
    source = converted(tmp_path, reference, rows)
    lookup = Lookup(source, reference)
    deletion = bases[left - 1], bases[left - 1 : left + 3]
    # By its left end, its right end, and anywhere between; in one batch with others, and alone afterwards.
    asked = [(left, deletion[1], deletion[0])]
    asked += [(pos, bases[pos - 1 : pos + 3], bases[pos - 1]) for pos in (left + 300, left + 5001, right - 3)]
    asked += [(17450, bases[17449], "A" if bases[17449] != "A" else "C")]
    answers = [answer and answer["X"] for answer in lookup.lookup("1", asked)]
    assert answers == ["shifted"] * 4 + ["snv17450"]
    assert lookup.lookup("1", asked[:1]) == [{"X": "shifted"}]
    lookup.close()


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 31, 33, 64, 1000, 200_000])
def test_shifts_of_every_length_end_where_the_repeat_does(length: int) -> None:
    for unit in ("A", "CA", "CAGTCAA"):
        bases = "G" + unit * (length // len(unit) + 2) + "T"
        whole = len(bases) - 1 - len(unit)
        found = normal("x", whole, bases[whole - 1 : whole + len(unit)], bases[whole - 1], Window(fetcher(bases)).fetch)
        assert found == (1, "G" + unit, "G")
