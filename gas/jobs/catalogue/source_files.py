"""The files of sources of known variants: published to S3, and fetched by each machine whose jobs need them.

With REFERENCES_S3, only the database says which versions jobs use (gas.jobs.catalogue.sources). So all machines use the
same versions, and a job whose versions are on its machine sends no request to S3. Version CHECKSUM of a source is
s3://REFERENCES_S3/sources/<pack>/<name>/<checksum>/. Its files are uploaded first, then its manifest, and then its row
is written. A published version never changes. Without REFERENCES_S3 each machine uses the sources installed on it.
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
    """The sources of a run by name, and whether any of them had to be fetched first."""

    sources: list[Source]
    brought: bool = False


def take(pack_id: str, held: ExitStack, check: Callable[[], None] = lambda: None) -> Taken:
    """Return the sources that a job on the reference uses now, and fetch those that this machine lacks.

    Args:
        pack_id: id of the reference pack.
        held: keeps the sources from being deleted until it is closed.
        check: called from time to time; it may raise to stop.

    Raises:
        EngineError: a source could not be fetched or is damaged.
    """
    folder: Path | None = settings.REFERENCES_DIR
    if folder is None:
        return Taken([])
    fetched = False
    while True:
        seen = brought(folder, pack_id)  # before the query: see prune
        wanted = sources.published(pack_id) if settings.REFERENCES_S3 else []
        here = {version: find(folder, version) for version in wanted}
        if lacking := next((version for version, source in here.items() if source is None), None):
            # A fetch may take an hour. A newer version may be published or one withdrawn meanwhile, so start again.
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
    """Hold all of them. Returns False if a newer version has replaced one meanwhile."""
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
        # The version was withdrawn or replaced meanwhile: use what is published now.


def _installed(folder: Path, pack_id: str) -> list[Source]:
    """Return the sources installed here and not retired, by the database, or by their mark if it does not know them."""
    retired = sources.retired_names(pack_id)
    here = sources_folder(folder, pack_id)
    return [
        load_source(here / name)
        for name in source_names(folder, pack_id)
        if not retired.get(name, retired_mark(here, name).exists())
    ]


def address(version: Version, name: str) -> str:
    """Return the address of a file of a published version."""
    return f"{home(version.pack_id, version.name)}{version.checksum}/{name}"


def home(pack_id: str, name: str) -> str:
    """Return the address of the folder that holds all versions of a source."""
    return f"s3://{settings.REFERENCES_S3}/sources/{pack_id}/{name}/"


def publish(folder: Path, reference: Reference, name: str, told: Callable[[str], None] = lambda _: None) -> bool:
    """Publish the version installed in `folder` to S3, and have new jobs use it.

    Until the manifest is uploaded, nothing changes for any job.

    Args:
        folder: where the source is installed.
        reference: the pack that the source belongs to.
        name: name of the source.
        told: called with the name of each file.

    Returns:
        False if new jobs use this version already.

    Raises:
        NotPublished: the source cannot be published.
        EngineError: the installed source cannot be read.
        AWSError: S3 cannot be reached or refuses.
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
            sources.check_tags(source, reference.id)  # before an upload of hours
            new = _send(version, source, told)
            return sources.use(source, reference) or new
        except sources.TagsClash as error:
            raise NotPublished(str(error)) from error


def _send(version: Version, source: Source, told: Callable[[str], None]) -> bool:
    """Upload all files of a version, the manifest last. Returns False if they are uploaded already."""
    names = [*files_of(source.folder), MANIFEST]
    if all(mirror.size(address(version, name)) == (source.folder / name).stat().st_size for name in names):
        return False
    for name in names:
        told(name)
        mirror.put(source.folder / name, address(version, name))
    return True


def withdraw(pack_id: str, name: str) -> bool:
    """Withdraw a source: no new job uses it, and its files are deleted from S3.

    Each worker deletes its own copy with its next job on the reference.

    Returns:
        Whether there was such a source.
    """
    if not settings.REFERENCES_S3:
        raise NotPublished("Set REFERENCES_S3 to the bucket and prefix that packs are published at.")
    known = sources.forget(pack_id, name, published=True)
    return bool(mirror.remove(home(pack_id, name))) or known
