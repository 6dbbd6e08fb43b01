"""Install a reference pack by name: find, download, build, check, and only then make it visible."""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from annotator.install import contig_codes as codes
from annotator.install import ensembl, names
from annotator.install.build import Recipe, build_pack
from annotator.install.download import Fetched, fetch, no_space
from annotator.install.ensembl import Found, Source
from annotator.install.errors import InstallError, of_disk
from annotator.install.openers import Opener
from annotator.install.place import DOWNLOADS, exclusive, manifest_of, staged
from annotator.reference.pack import PACKS, SOURCES_FOLDER

#: Called with (the current step, bytes done, total bytes or None).
Progress = Callable[[str, int, int | None], None]

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}").fullmatch
#: Bytes written for each byte of a gzip file, measured on a genome with the gene set of human: 30 MB of GFF3 become
#: 108 MB, including 65 MB for the table of genes and its index. The genome is compressed again.
GENOME_RATIO, GENES_RATIO = 1.2, 4.2
#: Bytes written for each byte of a plain file: random bases compress to 0.33 bytes.
PLAIN_RATIO = 0.4
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Wanted:
    """What to install.

    Attributes:
        name: an assembly, such as GRCh38, or a species.
        base: address or folder of the files, by default Ensembl's.
        release: the release; "" for the newest.
        pack_id: the id of the pack, by default the assembly.
        codes: genetic codes by contig.
        report: address of an NCBI assembly report, which has more names of the contigs.
    """

    name: str
    base: str = ensembl.BASE
    release: str = ""
    pack_id: str = ""
    codes: Mapping[str, int] = field(default_factory=dict)
    report: str = ""


@dataclass(frozen=True)
class Installed:
    """The pack's folder. new: False if the pack was installed already."""

    folder: Path
    new: bool


def install(
    wanted: Wanted,
    folder: Path,
    *,
    progress: Progress | None = None,
    openers: Mapping[str, Opener] | None = None,
    keep_downloads: bool = False,
) -> Installed:
    """Install a pack into `folder`. The download of an earlier try is resumed.

    A pack is never replaced, because results refer to it: another release needs another id. Raises InstallError or
    DownloadError; then no part of the pack is in use.
    """
    codes.check_known(wanted.codes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".small-", dir=folder) as small:
            read = _reader(Path(small), openers)
            found = ensembl.find(wanted.name, read, base=wanted.base, release=wanted.release)
            report = names.parse_report(read(wanted.report)) if wanted.report else []
        pack_id = wanted.pack_id or found.assembly
        check_id(pack_id)
        with exclusive(folder, pack_id):
            if (there := manifest_of(folder / pack_id)) is not None:
                return _there(folder / pack_id, there, found)
            downloads = folder / DOWNLOADS / pack_id
            genome = _fetch(found.genome, downloads, progress, openers)
            genes = _fetch(found.genes, downloads, progress, openers)
            check_room(folder, genome.path, genes.path)
            recipe = Recipe(
                id=pack_id,
                species=found.species,
                organism=found.species.replace("_", " ").capitalize(),
                assembly=found.assembly,
                release=found.release,
                genome=genome,
                genes=genes,
                codes=wanted.codes,
                report=report,
                lookalikes=found.lookalikes,
                published={one.url: str(one.checksum or "") for one in (found.genome, found.genes)},
            )
            with staged(folder, pack_id) as inner:
                build_pack(inner, recipe, progress)
            if not keep_downloads:
                shutil.rmtree(downloads, ignore_errors=True)
    except OSError as error:
        raise of_disk(error, folder) from error
    return Installed(folder / pack_id, new=True)


def check_id(pack_id: str) -> None:
    """Raise InstallError if the id is not a valid pack id."""
    if not ID(pack_id):
        raise InstallError(
            "bad-id", f"{pack_id!r} cannot be a pack's id: letters, digits, points, dashes, 64 at most (--id)."
        )
    if pack_id == SOURCES_FOLDER:
        raise InstallError("bad-id", f"{pack_id} is the folder of known variants; choose another id.")
    if (PACKS / pack_id).exists():
        raise InstallError("exists", f"{pack_id} is built in; choose another id.")


def _there(pack: Path, manifest: Mapping[str, object], found: Found) -> Installed:
    has = manifest.get("assembly"), manifest.get("release")
    if has == (found.assembly, found.release):
        return Installed(pack, new=False)
    raise InstallError(
        "exists",
        f"{pack.name} is installed as {manifest.get('version')}, and results refer to it: install {found.assembly}, "
        f"release {found.release}, under another id (--id {pack.name}-{found.release}).",
    )


def _fetch(source: Source, folder: Path, progress: Progress | None, openers: Mapping[str, Opener] | None) -> Fetched:
    name = Path(urlsplit(source.url).path).name
    told = (lambda done, total: progress(name, done, total)) if progress else None
    return fetch(source.url, folder / name, checksum=source.checksum, progress=told, openers=openers)


def _reader(folder: Path, openers: Mapping[str, Opener] | None) -> Callable[[str], str]:
    def read(url: str) -> str:
        return fetch(url, folder / "small", openers=openers).path.read_text(encoding="utf-8", errors="replace")

    return read


def check_room(folder: Path, genome: Path, genes: Path) -> None:
    """Raise InstallError if the folder has no space for a pack built from these files."""
    needed = int(_written(genome, GENOME_RATIO) + _written(genes, GENES_RATIO))
    if needed > shutil.disk_usage(folder).free:
        raise InstallError("no-space", no_space(folder / "the pack", needed).message)


def _written(source: Path, ratio: float) -> float:
    """Return the maximum number of bytes written for a file. ratio: for each byte of a gzip file."""
    with source.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
    return source.stat().st_size * (ratio if is_packed else PLAIN_RATIO)
