"""Stars and notes on variants: set, found again in other jobs, listed and exported in one place."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotator.effects.allele import shortest
from gas.explorer.columns import plain_contig
from gas.explorer.export_formats import FORMATS
from gas.explorer.keys import VariantKey
from gas.explorer.models import (
    NOTE_CHARACTERS,
    ColumnChoice,
    ExportState,
    MarkedVariant,
    SavedFilter,
    VariantExport,
    digest_of,
)
from gas.explorer.spreadsheets import defused
from gas.jobs.models import Job
from gas.jobs.personal import stored
from gas.users.export import as_json
from gas.users.models import User
from gas.users.registry import File

#: An insertion or deletion in HGVS, such as g.100_102del.
_MOVED = re.compile(r"\.(?P<first>\d+)(?:_(?P<last>\d+))?(?P<what>del|dup|ins)(?!ins)")
EXPORTED = ("build", "shown_as", "label", "starred", "note", "created_at", "changed_at")


@dataclass(frozen=True)
class Place:
    """A variant as it is the same in every file: what `MarkedVariant` finds it by.

    ref, alt: without bases that both share at their ends. An insertion or deletion stands at the last of the positions
    that describe the same sequence, as in HGVS, where one of the two is "".
    """

    contig: str
    pos: int
    ref: str
    alt: str

    @classmethod
    def of(cls, key: VariantKey, hgvs_g: str) -> "Place":
        """Return the place of a file's variant.

        Args:
            key: as the file has it, in a repeat at any of its positions.
            hgvs_g: its description on the reference, which tells the last position; "" if it has none.
        """
        contig = plain_contig(key.contig)
        if not key.alt.isalpha():
            return cls(contig, key.pos, key.ref, key.alt)
        change = shortest(key.pos, key.ref, key.alt)
        moved = _MOVED.search(hgvs_g)
        if moved is None or bool(change.ref) == bool(change.alt):
            return cls(contig, change.pos, change.ref, change.alt)
        first, last = int(moved["first"]), int(moved["last"] or moved["first"])
        pos = {"del": first, "ins": last, "dup": last + 1}[moved["what"]]
        return cls(contig, pos, _rotated(change.ref, pos - change.pos), _rotated(change.alt, pos - change.pos))


def _rotated(bases: str, steps: int) -> str:
    """Return deleted or inserted bases after a move by some positions along a repeat of them."""
    cut = steps % len(bases) if bases else 0
    return bases[cut:] + bases[:cut]


def of_rows(user: User, build: str, rows: Sequence[Mapping[str, Any]]) -> dict[int, MarkedVariant]:
    """Return a person's marks on rows of a page, by row_number.

    Rows need contig, pos, ref, alt, hgvs_g and row_number.
    """
    places = {int(row["row_number"]): Place.of(VariantKey.of_row(row), row["hgvs_g"] or "") for row in rows}
    if not places:
        return {}
    found = MarkedVariant.objects.filter(
        owner=user,
        build=build,
        contig__in={place.contig for place in places.values()},
        pos__in={place.pos for place in places.values()},
    )
    known = {(one.contig, one.pos, one.digest): one for one in found}
    marks = {}
    for number, place in places.items():
        if mark := known.get((place.contig, place.pos, digest_of(place.ref, place.alt))):
            marks[number] = mark
    return marks


def mark(
    user: User,
    job: Job,
    row: Mapping[str, Any],
    *,
    starred: bool | None = None,
    note: str | None = None,
    label: str = "",
) -> MarkedVariant | None:
    """Set the star or the note of a variant, or both; what is None stays as it is.

    Args:
        job: one of this person's, which has the variant.
        row: of the variant, with contig, pos, ref, alt and hgvs_g.
        label: how people recognize the variant, such as its gene and HGVS description.

    Returns:
        The mark; None once there is neither star nor note.
    """
    key = VariantKey.of_row(row)
    place = Place.of(key, row["hgvs_g"] or "")
    with transaction.atomic():
        found, _ = MarkedVariant.objects.select_for_update().get_or_create(
            owner=user,
            build=job.reference,
            contig=place.contig,
            pos=place.pos,
            digest=digest_of(place.ref, place.alt),
            defaults={"ref": place.ref, "alt": place.alt, "shown_as": str(key)[:200]},
        )
        found.starred = found.starred if starred is None else starred
        found.note = found.note if note is None else note.strip()[:NOTE_CHARACTERS]
        if not found.starred and not found.note:
            found.delete()
            return None
        found.label, found.shown_as, found.job = (label or found.label)[:200], str(key)[:200], job
        found.changed_at = timezone.now()
        found.save()
    return found


def as_tsv(user: User) -> Iterator[bytes]:
    """Yield all marks of a person as a table for spreadsheets."""
    yield ("\t".join(EXPORTED) + "\n").encode()
    for one in MarkedVariant.objects.filter(owner=user).iterator(500):
        text = io.StringIO()
        values = [getattr(one, name) for name in EXPORTED]
        cells = [value.isoformat() if hasattr(value, "isoformat") else defused(str(value)) for value in values]
        csv.writer(text, delimiter="\t", lineterminator="\n").writerow(cells)
        yield text.getvalue().encode()


def export(user: User) -> Iterator[File]:
    """Yield a person's saved filters, stars, notes, choice of columns and large exports for "download my data"."""
    marks = [{name: getattr(one, name) for name in EXPORTED} for one in MarkedVariant.objects.filter(owner=user)]
    filters = list(SavedFilter.objects.filter(owner=user).values("name", "query", "created_at"))
    choice = ColumnChoice.objects.filter(owner=user).first()
    columns = choice.names if choice else []
    mine = VariantExport.objects.filter(owner=user).select_related("job")
    listed = list(mine.values("id", "job", "query", "format", "rows", "state", "asked_at", "finished_at", "expires_at"))
    kept = {"saved_filters": filters, "marked_variants": marks, "columns": columns, "exports": listed}
    yield "explorer.json", [as_json(kept)]
    for one in mine.filter(state=ExportState.READY):
        yield from stored(f"exports/{one.pk}{FORMATS[one.format].stored_ending}", settings.S3_RESULTS_BUCKET, one.key)
