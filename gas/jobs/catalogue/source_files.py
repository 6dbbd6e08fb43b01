"""The files of sources of known variants: published to S3, and brought to each machine that a job needs them on.

With REFERENCES_S3, which versions jobs use is in the database alone (gas.jobs.catalogue.sources), so that every
machine uses the same, and a job whose versions are here asks S3 for nothing. Version CHECKSUM of a source is
s3://REFERENCES_S3/sources/<pack>/<name>/<checksum>/, its files first, its manifest last, and the row after that. It is
never changed there. Without REFERENCES_S3 each machine uses what is installed on it.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from annotator.errors import EngineError
from annotator.reference.pack import Reference
from annotator.sources.manifest import (
    MANIFEST,
    Source,
    load_source,
    retired_mark,
    sequence_id,
    source_names,
    sources_folder,
)
from annotator.sources.published import Version, bring, brought, files_of, find, is_whole, place, prune
from annotator.sources.versions import hold
from gas.aws import mirror
from gas.jobs.catalogue import packs, sources
from gas.jobs.catalogue.packs import NotPublished


@dataclass(frozen=True)
class Taken:
    """The sources of a run, by name; and whether any had to be brought here first."""

    sources: list[Source]
    brought: bool = False


def take(pack_id: str, held: ExitStack, check: Callable[[], None] = lambda: None) -> Taken:
    """The sources that a job on the reference has to use now. They are not deleted before `held` is closed.

    All that lack here are brought from S3 first. check is called now and then, and may raise. Raises EngineError.
    """
    folder: Path | None = settings.REFERENCES_DIR
    if folder is None:
        return Taken([])
    fetched = False
    while True:
        seen = brought(folder, pack_id)  # before the database is asked: see prune
        wanted = sources.published(pack_id) if settings.REFERENCES_S3 else []
        here = {version: find(folder, version) for version in wanted}
        if lacking := next((version for version, source in here.items() if source is None), None):
            # It may take an hour, and a newer version, or the end of one, be published meanwhile: so all over again.
            _bring(folder, lacking, check)
            fetched = True
            continue
        found = (
            [source for source in here.values() if source] if settings.REFERENCES_S3 else _installed(folder, pack_id)
        )
        if _hold(found, held):
            if set(seen) - {place(folder, version) for version in wanted}:
                prune(folder, seen, sources.to_keep(pack_id))
            return Taken(found, fetched)


def _hold(found: list[Source], held: ExitStack) -> bool:
    """Hold all of them; False if a newer version has taken the place of one meanwhile."""
    with ExitStack() as holds:
        for source in found:
            file = hold(source)
            if file is None:
                return False
            holds.enter_context(file)
        held.enter_context(holds.pop_all())
    return True


def _bring(folder: Path, version: Version, check: Callable[[], None]) -> None:
    try:
        bring(folder, version, lambda name: address(version, name), openers=packs.OPENERS, check=check)
    except EngineError:
        if version in sources.published(version.pack_id):
            raise
        # It was withdrawn or replaced meanwhile: what is published now counts.


def _installed(folder: Path, pack_id: str) -> list[Source]:
    """What is installed on this machine and not retired: by the database, and what that does not know by its mark."""
    retired = sources.retired_names(pack_id)
    here = sources_folder(folder, pack_id)
    return [
        load_source(here / name)
        for name in source_names(folder, pack_id)
        if not retired.get(name, retired_mark(here, name).exists())
    ]


def address(version: Version, name: str) -> str:
    """Where a file of a published version is."""
    return f"{home(version.pack_id, version.name)}{version.checksum}/{name}"


def home(pack_id: str, name: str) -> str:
    """Where all versions of a source are."""
    return f"s3://{settings.REFERENCES_S3}/sources/{pack_id}/{name}/"


def publish(folder: Path, reference: Reference, name: str, told: Callable[[str], None] = lambda _: None) -> bool:
    """Put the version that is installed in folder into S3, and have new jobs use it; False if they do already.

    Until its manifest is there nothing changes for any job. told is called with each file's name. Raises NotPublished,
    EngineError, and what gas.aws raises.
    """
    if not settings.REFERENCES_S3:
        raise NotPublished("Set REFERENCES_S3 to the bucket and prefix that packs are published at.")
    packs.compare(reference)
    source = load_source(sources_folder(folder, reference.id) / name)
    with ExitStack() as held:
        if not _hold([source], held) or not is_whole(source) or source.sequence != sequence_id(reference):
            raise NotPublished(f"{name} is damaged, or was made for another {reference.id}: install it again.")
        version = Version(reference.id, name, source.checksum)
        try:
            sources.check_tags(source, reference.id)  # before hours of sending
            new = _send(version, source, told)
            return sources.use(source, reference) or new
        except sources.TagsClash as error:
            raise NotPublished(str(error)) from error


def _send(version: Version, source: Source, told: Callable[[str], None]) -> bool:
    """Put all files of a version there, the manifest last; False if they are there."""
    names = [*files_of(source.folder), MANIFEST]
    if all(mirror.size(address(version, name)) == (source.folder / name).stat().st_size for name in names):
        return False
    for name in names:
        told(name)
        mirror.put(source.folder / name, address(version, name))
    return True


def withdraw(pack_id: str, name: str) -> bool:
    """Withdraw a source: no new job uses it, and its files are deleted from S3.

    Each worker deletes its copy with its next job on the reference. Returns whether there was such a source.
    """
    if not settings.REFERENCES_S3:
        raise NotPublished("Set REFERENCES_S3 to the bucket and prefix that packs are published at.")
    known = sources.forget(pack_id, name, published=True)
    return bool(mirror.remove(home(pack_id, name))) or known
