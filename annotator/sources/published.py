"""Download published versions of sources to machines that lack them. A version is always complete or absent.

`<folder of packs>/sources/<pack>/.published/<name>-<checksum>/` holds one version, separate from sources that are
installed by hand. One rename gives it that name, after each file has the checksum of its manifest, and the manifest the
requested one. Until then it is in `<folder of packs>/.downloads/<pack>+<name>/<checksum>/`, where the next try resumes.
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
    """Return the folder of a downloaded version."""
    folder = sources_folder(references_dir, version.pack_id) / PUBLISHED
    return folder / safe_name(f"{version.name}-{version.checksum}")


def find(references_dir: Path, version: Version) -> Source | None:
    """Return the version on this machine, downloaded or installed here; None if there is none."""
    installed = sources_folder(references_dir, version.pack_id) / safe_name(version.name)
    for folder in (place(references_dir, version), installed):
        try:
            source = load_source(folder)
            if source.checksum == version.checksum and _has_its_files(source.folder):
                return source
        except EngineError:  # missing or damaged, so it is downloaded again
            continue
    return None


def _has_its_files(folder: Path) -> bool:
    """Return whether all files have their size. Checksums are slow, and were compared after the download."""
    try:
        return all((folder / name).stat().st_size == facts["size"] for name, facts in files_of(folder).items())
    except FileNotFoundError:
        return False


def files_of(folder: Path) -> dict[str, dict[str, str | int]]:
    """Return `size` and `sha256` of each file except the manifest. Raises EngineError or InstallError."""
    try:
        files: dict[str, dict[str, str | int]] = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {safe_name(name): facts for name, facts in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError("bad-source", f"the manifest in {folder} cannot be read: {error!r}") from error


def is_whole(source: Source) -> bool:
    """Return whether every file has the checksum in the manifest."""
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
    """Download a version to this machine: one process downloads, others wait for it.

    Args:
        references_dir: the folder of packs.
        version: the version.
        address: returns the address of a file of the version.
        openers: additional schemes of addresses.
        check: called from time to time; may raise to stop. The next try resumes the download.
        wait: called with the seconds to wait before a broken connection is resumed.

    Raises:
        EngineError: the version cannot be downloaded.
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
    """Delete partial downloads of versions that are no longer published."""
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
    """Download exactly the files of a version into a folder."""

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
    """Give a version its final name, in one atomic step."""
    if load_source(made).name != version.name:
        raise InstallError("damaged", "its manifest is of another source.")
    sync(made)
    home.parent.mkdir(parents=True, exist_ok=True)
    if not discard(home):  # a damaged version
        raise InstallError("busy", "a damaged copy of it is in use; try again when its job has ended.")
    made.rename(home)
    sync(home.parent)


def brought(references_dir: Path, pack_id: str) -> list[Path]:
    """Return the folders of the downloaded versions."""
    folder = sources_folder(references_dir, pack_id) / PUBLISHED
    return [path for path in folder.glob("*") if not path.name.startswith(".")]


def prune(references_dir: Path, seen: Collection[Path], wanted: Collection[Version]) -> None:
    """Delete the downloaded versions in `seen` that are not in `wanted`, unless a run holds them.

    List `seen` before asking for `wanted`. Otherwise a version that another process has just downloaded, because of a
    newer answer, could be deleted because of an older one.
    """
    kept = {place(references_dir, version) for version in wanted}
    for folder in {path.parent for path in seen}:
        sweep(folder)
    for path in seen:
        if path not in kept:
            discard(path)
