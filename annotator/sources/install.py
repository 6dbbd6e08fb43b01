"""Install a source for a reference pack: download, check, convert, index, and only then make it visible to runs.

`<folder of packs>/sources/<pack>/` holds, for the source NAME,

    NAME               a link to the folder of the version in use; one atomic step replaces it
    .NAME-<checksum>/  the folder of a version: manifest.json, table.tsv.gz, its .tbi or .csi, table.blocks
    .fetch-NAME/       downloads for an install; an interrupted install resumes from them
    .make-NAME/        the new version while it is built; if an install is killed, the next one empties it
    .lock-NAME         locked during an install
    .retired-NAME      exists if new runs must not use the source
    .published/        downloaded versions, see annotator.sources.published
    .gone-…/           is being deleted

A run opens all files that it needs when it begins, so it can still read a version that is replaced meanwhile.
"""

import fcntl
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from annotator import __version__
from annotator.install import checksums
from annotator.install.download import FULL, Fetched, fetch, shown, sync
from annotator.install.openers import Opener
from annotator.reference.pack import Reference
from annotator.sources.convert import Converted, convert
from annotator.sources.errors import SourceError
from annotator.sources.fields import check_tags
from annotator.sources.manifest import (
    MANIFEST,
    Source,
    as_rows,
    load_source,
    retired_mark,
    sequence_id,
    source_names,
    sources_folder,
    write_manifest,
)
from annotator.sources.origin import Progress, Request, bring
from annotator.sources.roles import as_manifest
from annotator.sources.table import BLOCKS, TABLE
from annotator.sources.versions import discard, sweep

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}").fullmatch
#: Forbidden names of sources: `.NAME-<checksum>` would look like another source's `.fetch-NAME`, and so on.
_TAKEN = {"fetch", "make", "lock", "link", "retired", "gone", "published"}
_TBI_BASES = 2**29  # the longest contig that a .tbi index can hold


def install(
    request: Request,
    reference: Reference,
    references_dir: Path,
    *,
    progress: Progress = lambda *_: None,
    wait: Callable[[float], None] = time.sleep,
    openers: Mapping[str, Opener] = MappingProxyType({}),
) -> Source:
    """Install a source, or its next version.

    Args:
        request: what to install.
        reference: the pack to install it for.
        references_dir: the folder of packs.
        progress: called with the stage, the amount that is done, and the total.
        wait: called with the seconds to wait before a broken connection is resumed.
        openers: additional schemes of addresses.

    Raises:
        SourceError: the source cannot be installed, and nothing has changed.
    """
    fetcher = partial(fetch, wait=wait, openers=openers)
    if not _NAME(request.name):
        raise SourceError("bad-request", f"{request.name!r} cannot be the name of a source: letters, digits and _.")
    if request.name.lower() in _TAKEN:
        raise SourceError("bad-request", f"{request.name} is a word of the folder's own: give the source another name.")
    if not request.files or not request.fields:
        raise SourceError("bad-request", "A source needs a file and the fields that are to be taken from it.")
    check_tags(request.fields)
    _check_others(request, reference, references_dir)
    folder = sources_folder(references_dir, reference.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, request.name):
            return _install(request, reference, folder, progress, fetcher)
    except OSError as error:
        if error.errno in FULL:
            text = f"There is not enough space in {folder}: nothing was installed. Make some and try again."
            raise SourceError("no-space", text) from error
        place = error.filename or folder
        raise SourceError("refused", f"{place}: {error.strerror or error}; nothing was installed.") from error


def retire(references_dir: Path, pack_id: str, name: str, *, retired: bool = True) -> None:
    """Exclude an installed source from new runs, or include it again. Raises SourceError if there is none."""
    folder = sources_folder(references_dir, pack_id)
    _check_installed(folder, name)
    if retired:
        retired_mark(folder, name).touch()
    else:
        retired_mark(folder, name).unlink(missing_ok=True)


def remove(references_dir: Path, pack_id: str, name: str) -> None:
    """Remove an installed source. Raises SourceError if there is none, or if it is being installed."""
    folder = sources_folder(references_dir, pack_id)
    _check_installed(folder, name)
    with _locked(folder, name):
        (folder / name).unlink()
        retired_mark(folder, name).unlink(missing_ok=True)
        for version in folder.glob(f".{name}-*"):
            _delete(version)


def _check_installed(folder: Path, name: str) -> None:
    if not _NAME(name) or name.lower() in _TAKEN or not (folder / name).is_symlink():
        raise SourceError("not-found", f"No source {name} is installed for {folder.name}.")


def _check_others(request: Request, reference: Reference, references_dir: Path) -> None:
    for name in source_names(references_dir, reference.id):
        if name == request.name:
            continue
        other = load_source(sources_folder(references_dir, reference.id) / name)
        both = {one.tag for one in request.fields} & set(other.tags)
        if both:
            raise SourceError(
                "clash",
                f"{other.name} writes the tag {', '.join(sorted(both))} already: name yours otherwise, as in "
                "FIELD:NAME, or remove that source.",
            )


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    with (folder / f".lock-{name}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SourceError("busy", f"Another process is installing {name} already.") from error
        yield


def _install(
    request: Request, reference: Reference, folder: Path, progress: Progress, fetcher: Callable[..., Fetched]
) -> Source:
    fetched_dir, made = folder / f".fetch-{request.name}", folder / f".make-{request.name}"
    _delete(made)
    if not fetched_dir.is_dir():  # a download in it is resumed
        _delete(fetched_dir)
    try:
        files = [
            bring(url, request, fetched_dir / str(number), progress, fetcher)  # two files may have the same name
            for number, url in enumerate(request.files)
        ]
        new, work = made / "new", made / "work"
        new.mkdir(parents=True)
        work.mkdir()
        done = convert(
            [file.path for file, _ in files],
            new,
            work,
            reference=reference,
            wanted=request.fields,
            progress=lambda records: progress("convert", records, None),
        )
        progress("index", 0, None)
        index = _index(new / TABLE, reference)
        checksum = write_manifest(new, _manifest(request, reference, files, done, new, index))
        _publish(new, folder, request.name, checksum)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(fetched_dir, ignore_errors=True)
    return load_source(folder / request.name)


def _index(table: Path, reference: Reference) -> Path:
    """Make the tabix index, which is only for other programs."""
    import pysam  # noqa: PLC0415 - processes that only look up need not load its C libraries

    # pysam renames a file that is not compressed; this file is compressed.
    csi = max(reference.lengths.values()) > _TBI_BASES
    pysam.tabix_index(str(table), seq_col=0, start_col=1, end_col=1, force=True, csi=csi)
    return table.with_name(table.name + (".csi" if csi else ".tbi"))


def _manifest(
    request: Request,
    reference: Reference,
    files: Sequence[tuple[Fetched, str]],
    done: Converted,
    folder: Path,
    index: Path,
) -> dict[str, Any]:
    return {
        "name": request.name,
        "title": request.title,
        "version": request.version or _version(done.facts[0], files[0][0]),
        "reference": {"id": reference.id, "sequence": sequence_id(reference)},
        "origin": [
            {
                "address": shown(file.url),
                "size": file.size,
                "sha256": file.sha256,
                "compared_with": compared,
                "modified": file.modified,
                "header": facts,
            }
            for (file, compared), facts in zip(files, done.facts, strict=True)
        ],
        "fields": as_rows(done.fields),
        **({"roles": as_manifest(request.roles)} if request.roles else {}),
        "records": {
            "read": done.read,
            "rows": done.rows,
            "repeated": done.repeated,
            "dropped": dict(sorted(done.dropped.items())),
        },
        "contigs": {
            name: {"offset": section.offset, "blocks": section.blocks} for name, section in done.sections.items()
        },
        "files": {
            path.name: {"size": path.stat().st_size, "sha256": checksums.of_file(path, "sha256").value}
            for path in (folder / TABLE, folder / BLOCKS, index)
        },
        "made_with": f"annotator {__version__}",
    }


def _version(facts: dict[str, str], file: Fetched) -> str:
    """Return the name of a release: dbSNP's build, a version in the file's name, the file's date, else its checksum."""
    if build := facts.get("dbSNP_BUILD_ID"):
        return f"build {build}"
    if in_name := re.search(r"[._][vr](\d+(?:\.\d+)+)", file.path.name):
        return in_name[1]
    return facts.get("fileDate") or f"sha256:{file.sha256[:12]}"


def _is_whole(home: Path) -> bool:
    try:
        files = json.loads((home / MANIFEST).read_text(encoding="utf-8"))["files"]
        return all(checksums.of_file(home / name, "sha256").value == facts["sha256"] for name, facts in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _publish(new: Path, folder: Path, name: str, checksum: str) -> None:
    """Put the new version into use in one atomic step, and remove earlier versions."""
    for path in new.iterdir():
        sync(path)
    home = folder / f".{name}-{checksum[:16]}"
    if not _is_whole(home):  # otherwise the same version is installed, and may be in use
        _delete(home)
        new.rename(home)
    sync(home)
    link = folder / f".link-{name}"
    link.unlink(missing_ok=True)
    link.symlink_to(home.name)
    link.replace(folder / name)
    sync(folder)
    sweep(folder)
    for earlier in folder.glob(f".{name}-*"):
        if earlier != home:
            with suppress(OSError):
                discard(earlier)  # a version in use is deleted by a later install


def _delete(path: Path) -> None:
    """Delete a folder with its content, or a file or link; do nothing if it does not exist."""
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
