"""Where Ensembl and its mirrors keep the genome and genes of a species, and the checksums of these.

    release-N/fasta/<species>/dna/<Species>.<assembly>.dna.primary_assembly.fa.gz, else ….dna.toplevel.fa.gz
    release-N/gff3/<species>/<Species>.<assembly>.<release>.gff3.gz
    current_fasta/… and current_gff3/… (grch37/current/fasta/… …) for the newest release

Each folder has a file CHECKSUMS, which gives the names of the files, so that no folder needs to be listed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from annotator.install.checksums import Checksum, parse_sums
from annotator.install.download import DownloadError, shown
from annotator.install.errors import InstallError

BASE = "https://ftp.ensembl.org/pub"
SUM_FILES = ("CHECKSUMS", "md5sum.txt")
#: Files of the whole genome, best first: not masked, and without alternative loci if possible.
_GENOMES = (".dna.primary_assembly.fa.gz", ".dna.toplevel.fa.gz", "unmasked.fa.gz")
_GENES = re.compile(r"[^.]+\.(?P<assembly>.+?)\.(?P<release>\d+)\.gff3\.gz").fullmatch
_DATED_GENES = re.compile(r"(?:.*-)?genes\.gff3\.gz").fullmatch
_SPECIES = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9.]+)+").fullmatch


@dataclass(frozen=True)
class Known:
    """An assembly with a name of its own, such as GRCh38.

    Attributes:
        species: as Ensembl writes it.
        assembly: its name.
        folder: its folder below BASE.
        paths: the folders of genome and genes if they differ from Ensembl's usual layout.
        release: the only release, for an assembly with its own `paths`, else "".
        lookalikes: builds that are often mistaken for it.
    """

    species: str
    assembly: str
    folder: str = ""
    paths: tuple[str, str] | None = None
    release: str = ""
    lookalikes: tuple[dict[str, Any], ...] = field(default=())


def _build(title: str, *lengths: int) -> dict[str, Any]:
    return {"title": title, "lengths": list(lengths)}


# Chromosomes 1 and X: https://www.ncbi.nlm.nih.gov/grc
_HUMAN = {
    "GRCh37": _build("GRCh37 (hg19)", 249250621, 155270560),
    "GRCh38": _build("GRCh38 (hg38)", 248956422, 156040895),
    "T2T-CHM13": _build("T2T-CHM13 (hs1)", 248387328, 154259566),
}
_MOUSE = {"GRCm38": _build("GRCm38 (mm10)", 195471971, 171031299)}
_T2T = "rapid-release/species/Homo_sapiens/GCA_009914755.4/ensembl"


def _others(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(build for other, build in _HUMAN.items() if other != name)


KNOWN = {
    "GRCh38": Known("homo_sapiens", "GRCh38", lookalikes=_others("GRCh38")),
    "GRCh37": Known("homo_sapiens", "GRCh37", folder="grch37", lookalikes=_others("GRCh37")),
    "GRCm39": Known("mus_musculus", "GRCm39", lookalikes=tuple(_MOUSE.values())),
    "T2T-CHM13": Known(
        "homo_sapiens",
        "T2T-CHM13",
        paths=(f"{_T2T}/genome", f"{_T2T}/geneset/2022_07"),
        release="2022_07",
        lookalikes=_others("T2T-CHM13"),
    ),
}


@dataclass(frozen=True)
class Source:
    """One file to download. checksum: None if none is published."""

    url: str
    checksum: Checksum | None


@dataclass(frozen=True)
class Found:
    """The assembly and the files to install."""

    species: str
    assembly: str
    release: str
    genome: Source
    genes: Source
    lookalikes: tuple[dict[str, Any], ...] = ()


#: Returns the text of a small file. Raises DownloadError.
Read = Callable[[str], str]


def find(name: str, read: Read, *, base: str = BASE, release: str = "") -> Found:
    """Find the genome and the genes of an assembly (GRCh38 ...) or a species (danio_rerio).

    Args:
        name: the assembly or the species.
        read: returns the text of a small file.
        base: the address of Ensembl's `pub` folder or of a copy, or a folder with the files and their CHECKSUMS.
        release: the number of the release; "" for the newest.

    Raises:
        InstallError, DownloadError: the files cannot be found or read.
    """
    known = KNOWN.get(name)
    species = known.species if known else name.lower()
    if known is None and not _SPECIES(species):
        raise InstallError(
            "unknown-name",
            f"{name!r} is neither {', '.join(KNOWN)} nor a species as Ensembl writes it, such as danio_rerio.",
        )
    root = base.rstrip("/")
    looked: list[str] = []
    for genome_folder, genes_folder in _folders(root, known, species, release, own=base != BASE):
        sums = _sums(genome_folder, read)
        looked.append(shown(genome_folder))
        if sums is None:
            continue
        genes_sums = sums if genome_folder == genes_folder else _sums(genes_folder, read)
        if genes_sums is None:
            raise InstallError("not-found", f"{shown(genes_folder)} has no {SUM_FILES[0]}, so nothing can be checked.")
        return _found(known, species, release, (genome_folder, sums), (genes_folder, genes_sums))
    what = f"release {release} of {name}" if release else name
    raise InstallError("not-found", f"There is no {what} at {' or '.join(looked)} (no {SUM_FILES[0]} there).")


def _folders(root: str, known: Known | None, species: str, release: str, *, own: bool) -> Iterator[tuple[str, str]]:
    if known and known.paths:
        yield f"{root}/{known.paths[0]}", f"{root}/{known.paths[1]}"
    else:
        roots = [f"{root}/{known.folder}"] if known and known.folder else [root]
        if own and root not in roots:
            roots.append(root)  # a mirror of only that part
        for start in roots:
            if release:
                yield f"{start}/release-{release}/fasta/{species}/dna", f"{start}/release-{release}/gff3/{species}"
            else:
                yield f"{start}/current_fasta/{species}/dna", f"{start}/current_gff3/{species}"
                yield f"{start}/current/fasta/{species}/dna", f"{start}/current/gff3/{species}"
    if own:
        yield root, root


def _sums(folder: str, read: Read) -> dict[str, Checksum] | None:
    for name in SUM_FILES:
        try:
            return parse_sums(read(f"{folder}/{name}"))
        except DownloadError as error:
            if error.code != "not-found":
                raise
    return None


def _found(
    known: Known | None,
    species: str,
    release: str,
    genome_sums: tuple[str, dict[str, Checksum]],
    genes_sums: tuple[str, dict[str, Checksum]],
) -> Found:
    wanted = known.assembly if known else ""
    genome_folder, genomes = genome_sums
    genes_folder, all_genes = genes_sums
    genome = _genome(genomes, species, wanted if known and not known.paths else "")
    if genome is None:
        raise InstallError("not-found", f"{shown(genome_folder)} has no genome of {wanted or species}.")
    genes = [match for name in all_genes if (match := _GENES(name)) and _fits(name, species, wanted)]
    dated = [name for name in all_genes if known and known.paths and _DATED_GENES(name)]
    if known and dated and not genes:
        if release not in {"", known.release}:
            raise InstallError("not-found", f"There are no numbered releases of {known.assembly}.")
        from_genes = genes_folder, all_genes, dated[0]
        return _result(known, species, known.release, (genome_folder, genomes, genome), from_genes)
    genes = [match for match in genes if f".{match['assembly']}." in genome]
    # GRCh37's genes remain those of release 87, even in the folders of later releases.
    frozen = wanted == "GRCh37" and genes_folder != genome_folder
    if release and not frozen:
        genes = [match for match in genes if match["release"] == release]
    if not genes:
        what = f"genes of release {release}" if release else "genes (….gff3.gz)"
        raise InstallError("not-found", f"{shown(genes_folder)} has no {what} for {genome}.")
    newest = max(genes, key=lambda match: int(match["release"]))
    from_genes = genes_folder, all_genes, newest[0]
    known = known or Known(species, newest["assembly"])
    return _result(known, species, release or newest["release"], (genome_folder, genomes, genome), from_genes)


def _result(
    known: Known,
    species: str,
    release: str,
    genome: tuple[str, dict[str, Checksum], str],
    genes: tuple[str, dict[str, Checksum], str],
) -> Found:
    sources = [Source(f"{folder}/{name}", sums[name]) for folder, sums, name in (genome, genes)]
    return Found(species, known.assembly, release, sources[0], sources[1], known.lookalikes)


def _genome(sums: dict[str, Checksum], species: str, assembly: str) -> str | None:
    start = f"{species.capitalize()}.{assembly}" if assembly else ""
    for ending in _GENOMES:
        for name in sorted(sums):
            if name.endswith(ending) and name.startswith(start) and (start or _of(name, species)):
                return name
    return None


def _of(name: str, species: str) -> bool:
    return name.lower().startswith((species, "unmasked"))


def _fits(name: str, species: str, assembly: str) -> bool:
    start = f"{species}.{assembly.lower()}" if assembly else f"{species}."
    return name.lower().startswith(start)
