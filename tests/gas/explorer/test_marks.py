"""Stars and notes belong to a person and to a build's variant, in whichever file it is."""

import json
import random
from collections.abc import Callable

from annotator.effects.allele import shortest
from annotator.effects.hgvs_genomic import genomic
from gas.explorer import marks
from gas.explorer.keys import VariantKey
from gas.explorer.marks import Place
from gas.explorer.models import ColumnChoice, MarkedVariant, SavedFilter
from gas.jobs.models import Job
from gas.users.models import User


def row(number: int, key: VariantKey, hgvs_g: str = "") -> dict[str, object]:
    own = {"row_number": number, "hgvs_g": hgvs_g}
    return {**own, "contig": key.contig, "pos": key.pos, "ref": key.ref, "alt": key.alt}


def test_a_star_shows_up_where_another_file_has_the_variant(
    pending: Callable[..., Job], person: User, stranger: User
) -> None:
    job = pending()
    here = VariantKey("chr7", 100, "CAT", "CAG")
    assert marks.mark(person, job, row(0, here), starred=True, label="CFTR p.X")
    elsewhere = [row(0, VariantKey("7", 102, "T", "G")), row(1, VariantKey("7", 102, "T", "A")), row(2, here)]
    assert set(marks.of_rows(person, job.reference, elsewhere)) == {0, 2}
    assert not marks.of_rows(person, "another build", elsewhere)
    assert not marks.of_rows(stranger, job.reference, elsewhere)


def test_star_and_note_are_set_apart_and_gone_when_both_are(pending: Callable[..., Job], person: User) -> None:
    job, key = pending(), VariantKey("chrM", 11778, "G", "A")
    marks.mark(person, job, row(0, key), starred=True)
    noted = marks.mark(person, job, row(0, key), note=" seen in the mother ")
    assert noted is not None
    assert (noted.starred, noted.note, MarkedVariant.objects.count()) == (True, "seen in the mother", 1)
    assert marks.mark(person, job, row(0, key), starred=False) is not None
    assert marks.mark(person, job, row(0, key), note="") is None
    assert not MarkedVariant.objects.exists()


def test_marks_leave_with_their_person_and_come_with_their_download(pending: Callable[..., Job], person: User) -> None:
    job, key = pending(), VariantKey("chr1", 5, "A", "T")
    marks.mark(person, job, row(0, key), note="=cmd|' /C calc'!A0\tx\ny")
    SavedFilter.objects.create(owner=person, name="rare", query="impact=HIGH")
    ColumnChoice.objects.create(owner=person, names=["qual"])
    ((name, pieces),) = marks.export(person)
    found = json.loads(b"".join(pieces))
    assert name == "explorer.json"
    assert found["marked_variants"][0]["shown_as"] == "chr1-5-A-T"
    assert found["saved_filters"][0]["query"] == "impact=HIGH"
    assert found["columns"] == ["qual"]
    header, line = b"".join(marks.as_tsv(person)).decode().splitlines()
    assert header.split("\t")[0] == "build"
    assert "'=cmd" in line
    job.delete()
    assert MarkedVariant.objects.get().job is None
    person.delete()
    assert not MarkedVariant.objects.exists()
    assert not SavedFilter.objects.exists()


class _Sequence:
    def __init__(self, bases: str) -> None:
        self.bases = bases

    def fetch(self, _: str, first: int, last: int) -> str:
        return self.bases[max(0, first - 1) : last]


def test_two_spellings_are_one_variant_if_they_make_the_same_sequence() -> None:
    """All deletions, insertions and replacements of up to three bases, with and without bases around them."""
    dice = random.Random(14)  # noqa: S311
    for _ in range(12):
        bases = "".join(dice.choice(["A", "C", "AC", "ACC", "T"]) for _ in range(9))
        places: dict[str, set[Place]] = {}
        made: dict[Place, set[str]] = {}
        for start in range(len(bases)):
            for end in range(start + 1, min(len(bases), start + 4) + 1):
                for alt in ("", "A", "C", "AC", "CA", "ACA", "CAC", "ACAC"):
                    ref, whole = bases[start:end], bases[:start] + alt + bases[end:]
                    if not alt or alt == ref:
                        continue
                    key = VariantKey("chr1", start + 1, ref, alt)
                    place = Place.of(key, genomic(shortest(key.pos, ref, alt), "chr1", _Sequence(bases), "g"))
                    places.setdefault(whole, set()).add(place)
                    made.setdefault(place, set()).add(whole)
        assert all(len(found) == 1 for found in made.values())  # never two variants in one
        pure = [found for found in places.values() if all(not place.ref or not place.alt for place in found)]
        assert len(pure) > 20
        assert all(len(found) == 1 for found in pure)


def test_a_star_on_a_deletion_in_a_repeat_shows_up_wherever_a_file_places_it(
    pending: Callable[..., Job], person: User
) -> None:
    job = pending()
    marks.mark(person, job, row(0, VariantKey("chr7", 99, "GCA", "G"), "g.104_105del"), starred=True)
    rows = [
        row(0, VariantKey("7", 101, "ACA", "A"), "g.104_105del"),  # GCACACA
        row(1, VariantKey("7", 103, "ACAT", "AT"), "g.104_105del"),
        row(2, VariantKey("7", 99, "GCAC", "G"), "g.100_102del"),
    ]
    assert set(marks.of_rows(person, job.reference, rows)) == {0, 1}
