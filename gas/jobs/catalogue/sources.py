"""Sources of known variants as the service knows them: which there are, which new jobs use, and which are retired.

Their files are the business of gas.jobs.catalogue.source_files.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotator.errors import EngineError
from annotator.reference.pack import Reference, ReferenceInfo, available_references
from annotator.sources.manifest import Source, load_source, retired_mark, source_names, sources_folder
from annotator.sources.published import Version
from gas.jobs.catalogue import references, retiring
from gas.jobs.models import ReferencePack, VariantSource
from gas.users.models import User

log = logging.getLogger(__name__)


class TagsClash(Exception):
    """Another published source of the reference writes a tag of this one; the text says which."""


def published(pack_id: str) -> list[Version]:
    """The versions that new jobs on the reference use, read at one instant; by name."""
    return _versions(VariantSource.objects.filter(reference=pack_id, retired_at=None))


def offered() -> list[VariantSource]:
    """The sources that new jobs use, by reference and name."""
    used = VariantSource.objects.filter(retired_at=None, reference__retired_at=None)
    if settings.REFERENCES_S3:  # workers have published versions only
        used = used.exclude(published_at=None)
    return list(used)


def to_keep(pack_id: str) -> list[Version]:
    """All that a worker need not fetch again: those that are retired too, for they may come back."""
    return _versions(VariantSource.objects.filter(reference=pack_id))


def _versions(rows: "QuerySet[VariantSource]") -> list[Version]:
    found = rows.exclude(published_at=None).values_list("reference", "name", "checksum")
    # Sorted here, since the order of letters depends on the database; it is that of the tags in results.
    return [Version(*row) for row in sorted(found)]


def retired_names(pack_id: str) -> dict[str, bool]:
    """Whether each of the pack's sources is retired."""
    rows = VariantSource.objects.filter(reference=pack_id).values_list("name", "retired_at")
    return {name: at is not None for name, at in rows}


def register(source: Source, pack: ReferenceInfo, folder: Path) -> None:
    """Write down what is installed in folder. What is published, and whether it is retired, stays as it is."""
    row = VariantSource.objects.filter(reference=pack.id, name=source.name).first()
    if row is not None:
        if row.published_at is None and row.checksum != source.checksum:
            VariantSource.objects.filter(pk=row.pk, published_at=None).update(**_facts(source))
        return
    marked = retired_mark(sources_folder(folder, pack.id), source.name).exists()
    facts = {**_facts(source), "retired_at": timezone.now() if marked else None}
    VariantSource.objects.get_or_create(reference=_row_of(pack), name=source.name, defaults=facts)


def register_all() -> None:
    """Write down what this machine has, by the command or by hand."""
    folder: Path | None = settings.REFERENCES_DIR
    if folder is None:
        return
    for pack in available_references(folder):
        for name in source_names(folder, pack.id):
            try:
                register(load_source(sources_folder(folder, pack.id) / name), pack, folder)
            except EngineError as error:
                log.warning("%s: %s", pack.id, error.message)


def _row_of(pack: ReferenceInfo) -> ReferencePack:
    return ReferencePack.objects.filter(pk=pack.id).first() or references.register(pack)


def _facts(source: Source) -> dict[str, Any]:
    return {
        "title": source.title[:200],
        "version": source.version[:100],
        "checksum": source.checksum,
        "tags": list(source.tags),
        "alleles": source.rows,
    }


def check_tags(source: Source, pack_id: str) -> None:
    """Raise TagsClash if jobs could not use the source together with the published ones, including retired ones."""
    others = VariantSource.objects.filter(reference=pack_id).exclude(name=source.name).exclude(published_at=None)
    for other in others:
        if both := set(other.tags) & set(source.tags):
            raise TagsClash(
                f"{other.name} is published for {pack_id} and writes the tag {', '.join(sorted(both))} already: name "
                "yours otherwise, as in FIELD:NAME, or take that source back with --remove --publish."
            )


def use(source: Source, reference: Reference) -> bool:
    """Have new jobs use this version, whose files are in S3; False if they do already. Raises TagsClash."""
    pack = _row_of(reference)
    with transaction.atomic():
        ReferencePack.objects.select_for_update().get(pk=pack.pk)  # two at once would not see each other's tags
        check_tags(source, pack.pk)
        same = VariantSource.objects.filter(reference=pack, name=source.name, checksum=source.checksum)
        if same.exclude(published_at=None).exists():
            return False
        facts = {**_facts(source), "published_at": timezone.now()}
        VariantSource.objects.update_or_create(reference=pack, name=source.name, defaults=facts)
    return True


def forget(pack_id: str, name: str, *, published: bool) -> bool:
    """Have no new job use a source that was withdrawn; returns whether there was one.

    One that is only installed is forgotten too, unless it is retired: another machine may have it still.
    """
    rows = VariantSource.objects.filter(reference=pack_id, name=name)
    rows = rows if published else rows.filter(published_at=None, retired_at=None)
    return bool(rows.delete()[0])


def retire(sources: Sequence[int], *, actor: User | None = None) -> int:
    """Leave these sources out of new jobs; returns how many were used until now."""
    return retiring.retire(VariantSource.objects.filter(pk__in=sources), actor=actor)


def reinstate(sources: Sequence[int]) -> int:
    """Use retired sources again; returns how many."""
    return retiring.reinstate(VariantSource.objects.filter(pk__in=sources))
