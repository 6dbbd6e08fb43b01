"""Sources of known variants in the database: which exist, which new jobs use, and which are retired.

`gas.jobs.catalogue.source_files` handles their files.
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
    """Another published source of the reference writes the same tag. The text says which."""


def published(pack_id: str) -> list[Version]:
    """Return the versions that new jobs on the reference use, by name, as of one moment."""
    return _versions(VariantSource.objects.filter(reference=pack_id, retired_at=None))


def offered() -> list[VariantSource]:
    """Return the sources that new jobs use, by reference and name."""
    used = VariantSource.objects.filter(retired_at=None, reference__retired_at=None)
    if settings.REFERENCES_S3:  # workers have only published versions
        used = used.exclude(published_at=None)
    return list(used)


def to_keep(pack_id: str) -> list[Version]:
    """Return all versions that a worker keeps, including retired ones, because they may be reinstated."""
    return _versions(VariantSource.objects.filter(reference=pack_id))


def _versions(rows: "QuerySet[VariantSource]") -> list[Version]:
    found = rows.exclude(published_at=None).values_list("reference", "name", "checksum")
    # Sorted here, because the collation depends on the database. Tags in results have this order.
    return [Version(*row) for row in sorted(found)]


def retired_names(pack_id: str) -> dict[str, bool]:
    """Return for each source of the pack whether it is retired."""
    rows = VariantSource.objects.filter(reference=pack_id).values_list("name", "retired_at")
    return {name: at is not None for name, at in rows}


def register(source: Source, pack: ReferenceInfo, folder: Path) -> None:
    """Store what is installed in `folder`. Whether the source is published or retired does not change."""
    row = VariantSource.objects.filter(reference=pack.id, name=source.name).first()
    if row is not None:
        if row.published_at is None and row.checksum != source.checksum:
            VariantSource.objects.filter(pk=row.pk, published_at=None).update(**_facts(source))
        return
    marked = retired_mark(sources_folder(folder, pack.id), source.name).exists()
    facts = {**_facts(source), "retired_at": timezone.now() if marked else None}
    VariantSource.objects.get_or_create(reference=_row_of(pack), name=source.name, defaults=facts)


def register_all() -> None:
    """Register the sources on this machine, installed by the command or by hand."""
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
    """Have new jobs use this version, whose files are in S3. Returns False if they do already. Raises TagsClash."""
    pack = _row_of(reference)
    with transaction.atomic():
        ReferencePack.objects.select_for_update().get(pk=pack.pk)  # concurrent calls would not see each other's tags
        check_tags(source, pack.pk)
        same = VariantSource.objects.filter(reference=pack, name=source.name, checksum=source.checksum)
        if same.exclude(published_at=None).exists():
            return False
        facts = {**_facts(source), "published_at": timezone.now()}
        VariantSource.objects.update_or_create(reference=pack, name=source.name, defaults=facts)
    return True


def forget(pack_id: str, name: str, *, published: bool) -> bool:
    """Have no new job use a withdrawn source. Returns whether there was one.

    A source that is only installed is forgotten too, unless it is retired: another machine may still have it.
    """
    rows = VariantSource.objects.filter(reference=pack_id, name=name)
    rows = rows if published else rows.filter(published_at=None, retired_at=None)
    return bool(rows.delete()[0])


def retire(sources: Sequence[int], *, actor: User | None = None) -> int:
    """Leave these sources out of new jobs. Returns how many were in use before."""
    return retiring.retire(VariantSource.objects.filter(pk__in=sources), actor=actor)


def reinstate(sources: Sequence[int]) -> int:
    """Use retired sources again. Returns how many there were."""
    return retiring.reinstate(VariantSource.objects.filter(pk__in=sources))
