"""Stars and notes belong to a person and to a build's variant, in whichever file it is."""

import json
from collections.abc import Callable

from gas.explorer import marks
from gas.explorer.keys import VariantKey
from gas.explorer.models import ColumnChoice, MarkedVariant, SavedFilter
from gas.jobs.models import Job
from gas.users.models import User


def row(number: int, key: VariantKey) -> dict[str, object]:
    return {"row_number": number, "contig": key.contig, "pos": key.pos, "ref": key.ref, "alt": key.alt}


def test_a_star_shows_up_where_another_file_has_the_variant(
    pending: Callable[..., Job], person: User, stranger: User
) -> None:
    job = pending()
    here = VariantKey("chr7", 100, "CAT", "CAG")
    assert marks.mark(person, job, here, starred=True, label="CFTR p.X")
    elsewhere = [row(0, VariantKey("7", 102, "T", "G")), row(1, VariantKey("7", 102, "T", "A")), row(2, here)]
    assert set(marks.of_rows(person, job.reference, elsewhere)) == {0, 2}
    assert not marks.of_rows(person, "another build", elsewhere)
    assert not marks.of_rows(stranger, job.reference, elsewhere)


def test_star_and_note_are_set_apart_and_gone_when_both_are(pending: Callable[..., Job], person: User) -> None:
    job, key = pending(), VariantKey("chrM", 11778, "G", "A")
    marks.mark(person, job, key, starred=True)
    noted = marks.mark(person, job, key, note=" seen in the mother ")
    assert noted is not None
    assert (noted.starred, noted.note, MarkedVariant.objects.count()) == (True, "seen in the mother", 1)
    assert marks.mark(person, job, key, starred=False) is not None
    assert marks.mark(person, job, key, note="") is None
    assert not MarkedVariant.objects.exists()


def test_marks_leave_with_their_person_and_come_with_their_download(pending: Callable[..., Job], person: User) -> None:
    job, key = pending(), VariantKey("chr1", 5, "A", "T")
    marks.mark(person, job, key, note="=cmd|' /C calc'!A0\tx\ny")
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
