"""Reference packs: each is a folder with a manifest.json that describes its contents.

A pack has a FASTA with its indexes, a GFF3 in Ensembl's style, and optionally a table of known variants. An installed
pack also has an indexed table of its gene models, so that a job reads only those near its records.
docs/references.md describes the manifest. The library's own packs are in `annotator/reference/packs`; a service may
have a folder with more packs, which `annotator.install` fills.
"""

import hashlib
import json
import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from annotator.effects.genes import GeneModels
from annotator.errors import EngineError
from annotator.formats.fasta import Sequence
from annotator.reference.gff3 import read_gff3
from annotator.reference.indexed import Indexed
from annotator.reference.known_variants import KnownVariants

log = logging.getLogger(__name__)

PACKS = Path(__file__).with_name("packs")
#: The folder of known variants in the folder of installed packs.
SOURCES_FOLDER = "sources"
MANIFEST = "manifest.json"
#: Format of manifests and of the files that they name. Format 4 added the column of mature microRNA products to the
#: gene table. Tables of format 3 lack it, and can still be read. Packs made by hand name no format.
FORMAT = 4


@dataclass(frozen=True)
class Contig:
    """One sequence of a reference.

    Attributes:
        name: the pack's name of it.
        length: in bases.
        md5: of its upper-case bases.
        accession: its accession, for HGVS.
        circular: whether it is circular.
        aliases: other names of it in files.
        genetic_code: NCBI's number of the genetic code of its genes.
        hgvs_prefix: "g", or "m" for mitochondria.
    """

    name: str
    length: int
    md5: str
    accession: str
    circular: bool
    aliases: tuple[str, ...]
    genetic_code: int = 1
    hgvs_prefix: str = "g"


@dataclass(frozen=True)
class Lookalike:
    """Another build that files are often on by mistake. Has its contigs' lengths, and the shifts of its positions."""

    title: str
    lengths: tuple[int, ...]
    shifts: tuple[int, ...]


@dataclass(frozen=True)
class ReferenceInfo:
    """The facts about a pack that people see."""

    id: str
    title: str
    organism: str
    version: str
    description: str
    contigs: tuple[Contig, ...]
    checksum: str  # SHA-256 of the manifest, which has that of every file


@dataclass(frozen=True)
class Reference(ReferenceInfo):
    """A pack that is ready for annotation. Its files are read when they are first needed."""

    fasta: Path
    gff: Path
    known_table: Path | None
    genetic_code: int
    hgvs_prefix: str
    lookalikes: tuple[Lookalike, ...]
    _names: dict[str, str] = field(repr=False)
    gene_table: tuple[Path, Path] | None = None  # the table and its index

    def canonical(self, name: str) -> str | None:
        """Return the pack's name of a contig that a file calls `name`; None if the pack does not have it."""
        return self._names.get(name)

    @property
    def lengths(self) -> dict[str, int]:
        return {contig.name: contig.length for contig in self.contigs}

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        return {contig.name: contig.aliases for contig in self.contigs}

    @cached_property
    def sequence(self) -> Sequence:
        return Sequence(self.fasta)

    @cached_property
    def gene_models(self) -> GeneModels:
        """Genes, transcripts and named regions, for lookups by position."""
        codes = {contig.name: contig.genetic_code for contig in self.contigs}
        if self.gene_table:
            return Indexed(*self.gene_table, codes)
        if self.gff.suffix == ".gz":  # a pack installed by an earlier version of the annotator
            log.warning("the reference pack %s has no table of gene models: install it again", self.id)
        return read_gff3(self.gff, codes)

    @cached_property
    def _by_name(self) -> dict[str, Contig]:
        return {contig.name: contig for contig in self.contigs}

    def hgvs_prefix_of(self, contig: str) -> str:
        """Return the HGVS prefix of positions on a contig: "g" or "m"."""
        return self._by_name[contig].hgvs_prefix

    @cached_property
    def known(self) -> KnownVariants:
        return KnownVariants(self.known_table, self.sequence, self.hgvs_prefix)


_loaded: dict[Path, tuple[str, Reference]] = {}


def load_reference(pack_id: str, extra_dir: Path | None = None) -> Reference:
    """Return the pack named pack_id, from extra_dir or from the library. Raises EngineError if there is none."""
    for folder in _pack_folders(extra_dir):
        if folder.name == pack_id:
            return _load(folder)
    raise EngineError("no-reference", f"there is no reference pack {pack_id!r}")


def available_references(extra_dir: Path | None = None) -> list[ReferenceInfo]:
    """Return the facts about every pack, the library's own first, each id once."""
    names = ReferenceInfo.__dataclass_fields__
    return [
        ReferenceInfo(**{name: getattr(reference, name) for name in names})
        for reference in installed_references(extra_dir)
    ]


def installed_references(extra_dir: Path | None = None) -> list[Reference]:
    """Return every pack, ready for annotation, the library's own first, each id once.

    A pack that cannot be read is left out and logged, so that the others can still be used.
    """
    found: dict[str, Reference | None] = {}
    for folder in _pack_folders(extra_dir):
        if folder.name in found:
            continue
        found[folder.name] = None  # another pack with the id of a broken one does not replace it
        try:
            found[folder.name] = _load(folder)
        except (EngineError, OSError) as error:
            log.warning("the reference pack in %s is left out: %s", folder, error)
    return [reference for reference in found.values() if reference is not None]


def _pack_folders(extra_dir: Path | None) -> list[Path]:
    # Absolute, because bcftools runs in another working folder.
    parents = [PACKS] + ([extra_dir.absolute()] if extra_dir is not None and extra_dir.is_dir() else [])
    # A folder whose name begins with a dot is still being filled.
    return [
        manifest.parent
        for parent in parents
        for manifest in sorted(parent.glob(f"*/{MANIFEST}"))
        if not manifest.parent.name.startswith(".")
    ]


def load_pack(folder: Path) -> Reference:
    """Read the pack in this folder, whose name is its id, without the cache. Raises EngineError if it is not a pack."""
    text = (folder / MANIFEST).read_bytes()
    try:
        return _parse(folder, json.loads(text), hashlib.sha256(text).hexdigest())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EngineError("bad-reference", f"the manifest of {folder.name} is not valid: {error!r}") from error


def _load(folder: Path) -> Reference:
    try:
        text = (folder / MANIFEST).read_bytes()
        checksum = hashlib.sha256(text).hexdigest()
        # A worker loads the same pack for every job, so only changed packs are read again.
        if folder in _loaded and _loaded[folder][0] == checksum:
            return _loaded[folder][1]
        _loaded[folder] = checksum, load_pack(folder)
    except FileNotFoundError as error:  # it was deleted after it was listed
        raise EngineError("no-reference", f"the reference pack {folder.name} has been removed") from error
    return _loaded[folder][1]


def _parse(folder: Path, manifest: dict[str, Any], checksum: str) -> Reference:
    if manifest["id"] != folder.name:
        raise ValueError(f"id {manifest['id']} in folder {folder.name}")
    if manifest.get("format", FORMAT) > FORMAT:
        raise ValueError(f"format {manifest['format']}, made by a later version of the annotator")
    contigs = tuple(
        Contig(
            name=row["name"],
            length=row["length"],
            md5=row["md5"],
            accession=row["accession"],
            circular=row.get("circular", False),
            aliases=tuple(row.get("aliases", ())),
            genetic_code=row.get("genetic_code", manifest["genetic_code"]),
            hgvs_prefix=row.get("hgvs_prefix", manifest.get("hgvs_prefix", "g")),
        )
        for row in manifest["contigs"]
    )
    names = {alias: contig.name for contig in contigs for alias in (contig.name, *contig.aliases)}
    files = manifest["files"]
    known = files.get("known_variants")
    table = files.get("gene_table")
    return Reference(
        id=manifest["id"],
        title=manifest["title"],
        organism=manifest["organism"],
        version=manifest["version"],
        description=manifest["description"],
        contigs=contigs,
        checksum=checksum,
        fasta=folder / files["fasta"]["name"],
        gff=folder / files["gff"]["name"],
        known_table=folder / known["name"] if known else None,
        genetic_code=manifest["genetic_code"],
        hgvs_prefix=manifest.get("hgvs_prefix", "g"),
        lookalikes=tuple(
            Lookalike(row["title"], tuple(row["lengths"]), tuple(row.get("shifts", ())))
            for row in manifest.get("lookalikes", ())
        ),
        _names=names,
        gene_table=(folder / table["name"], folder / files["gene_table_index"]["name"]) if table else None,
    )
