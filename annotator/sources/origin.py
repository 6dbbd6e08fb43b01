"""The request for a source, and its files: download them or find them on disk, and compare their checksums."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from annotator.install import checksums
from annotator.install.checksums import Checksum
from annotator.install.download import DownloadError, Fetched, shown
from annotator.sources.errors import SourceError
from annotator.sources.fields import Wanted
from annotator.sources.presets import PRESETS
from annotator.sources.roles import Roles

#: Called with a stage ("fetch", "convert", "index"), the amount that is done, and the total (None if unknown).
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Request:
    """What to install.

    Attributes:
        name: the name of the source.
        title: its title for people.
        fields: the fields to take.
        files: addresses (http, https, file, or an opener's scheme) or paths; several files split a source by
            chromosome.
        md5: "needed" if each file must have an .md5 file next to it, "tried" if it may have one.
        checksum: of the only file, in place of an .md5 file.
        version: the name of the release; "" to take it from the files.
        roles: the clinical meaning of fields; None to recognize it by their names.
    """

    name: str
    title: str
    fields: tuple[Wanted, ...]
    files: tuple[str, ...]
    md5: str = "tried"
    checksum: Checksum | None = None
    version: str = ""
    roles: Roles | None = None


def preset_request(name: str, pack_id: str, mirror: str = "") -> Request:
    """Return the request for a well-known source. mirror: path or address to use as the folder of its files."""
    preset = PRESETS.get(name)
    if preset is None:
        raise SourceError(
            "bad-request", f"{name} is not one of {', '.join(PRESETS)}: give its file with --from and --fields."
        )
    # The id of a pack may have a release, as GRCh38-116.
    files = preset.files.get(pack_id) or preset.files.get(pack_id.partition("-")[0])
    if files is None:
        known = ", ".join(preset.files)
        raise SourceError(
            "bad-request", f"{name} is published for {known}, not for {pack_id}: give a file with --from."
        )
    if mirror:
        files = tuple(f"{mirror.rstrip('/')}/{file.rpartition('/')[2]}" for file in files)
    return Request(name, preset.title, preset.fields, files, "needed" if preset.md5 else "tried")


def bring(
    url: str, request: Request, folder: Path, progress: Progress, fetcher: Callable[..., Fetched]
) -> tuple[Fetched, str]:
    """Return one of the request's files, and the checksum that it matched, "" if there is none.

    Args:
        url: the address or path of the file.
        request: what to install.
        folder: receives the file, unless the file is local.
        progress: called with the bytes that have come.
        fetcher: annotator.install.download.fetch.

    Raises:
        SourceError: the file cannot be read or downloaded, or its checksum is wrong.
    """
    try:
        if "://" not in url:
            return _local(Path(url), request)
        target = folder / (unquote(urlsplit(url).path).rpartition("/")[2] or "source.vcf.gz")
        checksum = request.checksum or _published(url, request.md5, folder, fetcher)
        found = fetcher(url, target, checksum=checksum, progress=lambda size, total: progress("fetch", size, total))
    except DownloadError as error:
        raise SourceError(error.code, f"{error.message} Nothing was installed.") from error
    return found, str(checksum or "")


def _published(url: str, md5: str, folder: Path, fetcher: Callable[..., Fetched]) -> Checksum | None:
    """Return the checksum in the .md5 file next to the source; None if it is optional and missing."""
    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc, parts.path + ".md5", parts.query, ""))
    target = folder / "published.md5"
    try:
        target.unlink(missing_ok=True)
        words = fetcher(address, target).path.read_text(encoding="ascii", errors="replace").split()
    except DownloadError as error:
        if md5 != "needed" and error.code in {"not-found", "refused"}:
            return None
        raise
    if not words or not re.fullmatch("[0-9a-fA-F]{32}", words[0]):
        if md5 != "needed":
            return None
        raise SourceError("wrong-checksum", f"{shown(address)} holds no MD5 checksum. Nothing was installed.")
    return Checksum("md5", words[0].lower())


def _local(path: Path, request: Request) -> tuple[Fetched, str]:
    """Check a local file, which is not copied."""
    if not path.is_file():
        raise SourceError("not-found", f"{path} is not a file.")
    md5_file = path.with_name(path.name + ".md5")
    checksum = request.checksum
    if checksum is None and md5_file.is_file():
        words = md5_file.read_text(encoding="ascii", errors="replace").split()
        checksum = Checksum("md5", words[0].lower()) if words else None
    elif checksum is None and request.md5 == "needed":
        raise SourceError("not-found", f"{md5_file} is not there: the checksum that is published with the file.")
    if checksum is not None and (found := checksums.of_file(path, checksum.kind)) != checksum:
        raise SourceError(
            "wrong-checksum", f"{path} is damaged or another file: {found}, where {checksum} is expected."
        )
    sha256 = checksums.of_file(path, "sha256").value
    return Fetched(path.name, path, path.stat().st_size, sha256, ""), str(checksum or "")
