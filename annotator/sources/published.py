"""Published versions of sources, brought to a machine that lacks them: all of a version is there, or nothing of it.

`<folder of packs>/sources/<pack>/.published/<name>-<checksum>/` is one, next to what is installed by hand. It gets its
name by one rename, when each of its files has the checksum of its manifest, and that the one that was asked for. Until
then it grows in `<folder of packs>/.downloads/<pack>+<name>/<checksum>/`, where the next try goes on.
"""

import json
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from annotator.errors import EngineError
from annotator.install.checksums import Checksum, of_file
from annotator.install.download import DownloadError, fetch, sync
from annotator.install.errors import InstallError, of_disk
from annotator.install.openers import Opener
from annotator.install.place import DOWNLOADS, exclusive, safe_name
from annotator.sources.manifest import MANIFEST, Source, load_source, sources_folder
from annotator.sources.versions import discard, sweep

PUBLISHED = ".published"


@dataclass(frozen=True)
class Version:
    """One version of a source of a pack. checksum: SHA-256 of its manifest."""

    pack_id: str
    name: str
    checksum: str

    def __str__(self) -> str:
        return f"the source {self.name} of {self.pack_id} (manifest {self.checksum})"


def place(references_dir: Path, version: Version) -> Path:
    """Where the version is, once it was brought."""
    folder = sources_folder(references_dir, version.pack_id) / PUBLISHED
    return folder / safe_name(f"{version.name}-{version.checksum}")


def find(references_dir: Path, version: Version) -> Source | None:
    """The version as this machine has it: brought, or installed here; None if it does not."""
    installed = sources_folder(references_dir, version.pack_id) / safe_name(version.name)
    for folder in (place(references_dir, version), installed):
        try:
            source = load_source(folder)
            if source.checksum == version.checksum and _has_its_files(source.folder):
                return source
        except EngineError:  # there is none, or it is damaged: then it is downloaded again
            continue
    return None


def _has_its_files(folder: Path) -> bool:
    """Whether all files have their size. Their checksums were compared when they came, and take long."""
    try:
        return all((folder / name).stat().st_size == facts["size"] for name, facts in files_of(folder).items())
    except FileNotFoundError:
        return False


def files_of(folder: Path) -> dict[str, dict[str, str | int]]:
    """Return the files of a version without its manifest, `size` and `sha256` too. Raises EngineError, InstallError."""
    try:
        files: dict[str, dict[str, str | int]] = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {safe_name(name): facts for name, facts in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError("bad-source", f"the manifest in {folder} cannot be read: {error!r}") from error


def is_whole(source: Source) -> bool:
    """Whether every file has the checksum that the manifest gives."""
    try:
        files = files_of(source.folder).items()
        return all(of_file(source.folder / name, "sha256").value == facts["sha256"] for name, facts in files)
    except OSError:
        return False


def bring(
    references_dir: Path,
    version: Version,
    address: Callable[[str], str],
    *,
    openers: Mapping[str, Opener],
    check: Callable[[], None] = lambda: None,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Bring a version to this machine: one process does, the others wait for it. Raises EngineError.

    address gives where a file of the version is. check is called now and then, and may raise to stop: what has come by
    then is resumed by the next try. wait passes the seconds before a cut connection is taken up again.
    """
    try:
        key = safe_name(f"{version.pack_id}+{version.name}")
        with exclusive(references_dir, key, check):
            if find(references_dir, version):
                return
            downloads = references_dir / DOWNLOADS / key
            into = downloads / safe_name(version.checksum)
            _forget_others(downloads, into)
            _fetch_into(into, version, address, openers, check, wait)
            _put(into, place(references_dir, version), version)
            shutil.rmtree(downloads, ignore_errors=True)
    except (DownloadError, InstallError) as error:
        raise EngineError(f"source-{error.code}", f"{version} could not be fetched: {error.message}") from error
    except OSError as error:
        raise EngineError("source-disk", f"{version}: {of_disk(error, references_dir).message}") from error


def _forget_others(downloads: Path, wanted: Path) -> None:
    """Remove what has come of versions that are not published any more."""
    for other in downloads.glob("*"):
        if other != wanted:
            shutil.rmtree(other, ignore_errors=True)


def _fetch_into(
    into: Path,
    version: Version,
    address: Callable[[str], str],
    openers: Mapping[str, Opener],
    check: Callable[[], None],
    wait: Callable[[float], None],
) -> None:
    """Fetch all of a version, and nothing else."""

    def one(name: str, sha256: str, size: int | None) -> None:
        fetch(
            address(name),
            into / name,
            checksum=Checksum("sha256", sha256),
            expected_size=size,
            progress=lambda *_: check(),
            openers=openers,
            wait=wait,
        )

    one(MANIFEST, version.checksum, None)
    files = files_of(into)
    for name, facts in files.items():
        one(name, str(facts["sha256"]), int(facts["size"]))
    for path in into.iterdir():
        if path.name not in {MANIFEST, *files}:
            path.unlink()


def _put(made: Path, home: Path, version: Version) -> None:
    """Give a version its name, in one step."""
    if load_source(made).name != version.name:
        raise InstallError("damaged", "its manifest is of another source.")
    sync(made)
    home.parent.mkdir(parents=True, exist_ok=True)
    if not discard(home):  # a damaged one
        raise InstallError("busy", "a damaged copy of it is in use; try again when its job has ended.")
    made.rename(home)
    sync(home.parent)


def brought(references_dir: Path, pack_id: str) -> list[Path]:
    """The folders of the versions that were brought."""
    folder = sources_folder(references_dir, pack_id) / PUBLISHED
    return [path for path in folder.glob("*") if not path.name.startswith(".")]


def prune(references_dir: Path, seen: Collection[Path], wanted: Collection[Version]) -> None:
    """Delete those of the brought versions `seen` that are not wanted, unless a run holds them.

    They must have been seen before it was asked which are wanted: else one that another process has just brought, by a
    later answer, would be deleted by an earlier one.
    """
    kept = {place(references_dir, version) for version in wanted}
    for folder in {path.parent for path in seen}:
        sweep(folder)
    for path in seen:
        if path not in kept:
            discard(path)
