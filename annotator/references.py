"""Reference packs: a folder each, with a manifest.json that says what is in it.

A pack holds a FASTA with its indexes, a GFF3 in Ensembl style, and optionally a table of known variants. Where it is
large, its genes are in slices, one for each contig, so that a job reads those of its own contigs alone; and with an
index (annotator.regions), so that a small file's job reads those near its records alone.
docs/references.md describes the manifest. The packs that come with the library are in `annotator/packs`; a service may
have a folder of more, which `annotator.install` fills.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from annotator.bgzf import BLOCK
from annotator.errors import EngineError
from annotator.features import FeatureLookup, Features, SlicedFeatures
from annotator.known import KnownVariants
from annotator.reference.gene_models import GeneModels
from annotator.reference.gff3 import read_gff3
from annotator.reference.indexed import Indexed
from annotator.regional import RegionalFeatures
from annotator.regions import Genes, Places
from annotator.sequence import Sequence
from annotator.slices import Slice, join
from annotator.translate import protein

log = logging.getLogger(__name__)

PACKS = Path(__file__).with_name("packs")
MANIFEST = "manifest.json"
PROTEINS_KEPT = 1000
#: csq refuses a GFF3 without a transcript of a kind that it knows. No contig of a file is called so.
_A_GENE = b"""no_contig\t.\tncRNA_gene\t1\t3\t.\t+\t.\tID=gene:none;Name=none;biotype=misc_RNA
no_contig\t.\ttranscript\t1\t3\t.\t+\t.\tID=transcript:none;Parent=gene:none;biotype=misc_RNA
"""


@dataclass(frozen=True)
class Contig:
    """One sequence of a reference. aliases: the other names that files use for it; md5: of its upper-case bases;
    genetic_code: NCBI's number of that which its genes are read with; hgvs_prefix: "g", or "m" of a mitochondrion.
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
    """Another build that files are often on by mistake: its contigs' lengths, and how far positions are shifted."""

    title: str
    lengths: tuple[int, ...]
    shifts: tuple[int, ...]


@dataclass(frozen=True)
class ReferenceInfo:
    """What people are shown of a pack."""

    id: str
    title: str
    organism: str
    version: str
    description: str
    contigs: tuple[Contig, ...]
    checksum: str  # SHA-256 of the manifest, which holds that of every file


@dataclass(frozen=True)
class Reference(ReferenceInfo):
    """A pack that is ready to annotate with. Its files are read when they are first needed."""

    fasta: Path
    gff: Path
    known_table: Path | None
    genetic_code: int
    hgvs_prefix: str
    lookalikes: tuple[Lookalike, ...]
    _names: dict[str, str] = field(repr=False)
    feature_table: Path | None = None
    _gff_slices: Mapping[str, Slice] = field(default_factory=dict, repr=False)
    _feature_slices: Mapping[str, Slice] = field(default_factory=dict, repr=False)
    gene_index: Path | None = None
    _index_sections: Mapping[str, Slice] = field(default_factory=dict, repr=False)
    _gene_block: int = BLOCK
    gene_table: tuple[Path, Path] | None = None  # and its index

    def canonical(self, name: str) -> str | None:
        """Return the pack's own name of a contig that a file calls `name`; None if the pack does not have it."""
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
    def features(self) -> FeatureLookup:
        if self.feature_table is None:
            return Features(self.gff)
        sliced = SlicedFeatures(self.feature_table, self._feature_slices)
        return RegionalFeatures(sliced, self.genes) if self.genes else sliced

    @cached_property
    def gene_models(self) -> GeneModels:
        """Genes, transcripts and named regions, by position."""
        codes = {contig.name: contig.genetic_code for contig in self.contigs}
        if self.gene_table:
            return Indexed(*self.gene_table, codes)
        if self.feature_table:
            log.warning("the reference pack %s has no table of gene models: install it again", self.id)
        return read_gff3(self.gff, codes)

    @cached_property
    def genes(self) -> Genes | None:
        """The genes by where they lie; None of a pack without an index of them."""
        if self.feature_table is None or self.gene_index is None:
            return None
        return Genes(
            (self.gene_index, self._index_sections),
            (self.gff, self._gff_slices),
            (self.feature_table, self._feature_slices),
            self._gene_block,
        )

    @property
    def has_slices(self) -> bool:
        """Whether genes can be had contig by contig."""
        return self.feature_table is not None

    def gff_for(self, contigs: Iterable[str], target: Path, places: Places | None = None) -> Path:
        """Return a GFF3 with the genes of these contigs, by the pack's own names, for csq; where records lie in these
        places alone, it may be without genes that are not near them.

        It is written to target, bgzip or plain, unless the pack has no slices: then it is the pack's whole GFF3.
        """
        if not self.has_slices:
            return self.gff
        if places is not None and self.genes and self.genes.write_gff(places, target, _A_GENE):
            return target
        slices = [self._gff_slices[contig] for contig in contigs if contig in self._gff_slices]
        join(self.gff, slices, target, _A_GENE + (self.genes.filler(contigs) if self.genes else b""))
        return target

    @cached_property
    def _by_name(self) -> dict[str, Contig]:
        return {contig.name: contig for contig in self.contigs}

    def genetic_code_of(self, contig: str) -> int:
        """NCBI's number of the genetic code of a contig, by the pack's own name of it."""
        return self._by_name[contig].genetic_code

    def hgvs_prefix_of(self, contig: str) -> str:
        """What HGVS writes in front of positions on a contig: "g" or "m"."""
        return self._by_name[contig].hgvs_prefix

    @cached_property
    def genetic_codes(self) -> dict[int, tuple[str, ...]]:
        """The contigs by genetic code, in the pack's order."""
        found: dict[int, list[str]] = {}
        for contig in self.contigs:
            found.setdefault(contig.genetic_code, []).append(contig.name)
        return {code: tuple(names) for code, names in found.items()}

    @cached_property
    def known(self) -> KnownVariants:
        return KnownVariants(self.known_table, self.sequence, self.hgvs_prefix)

    @cached_property
    def _proteins(self) -> dict[str, str]:
        return {}

    def protein(self, transcript: str, contig: str = "") -> str:
        """Return the protein of a contig's transcript in one-letter codes, "" if it codes for none.

        contig may be left out where the pack has only one.
        """
        found = self._proteins.get(transcript)
        if found is None:
            contig = contig or self.contigs[0].name
            coding = self.features.transcript(transcript, contig)
            found = protein(coding, self.sequence, self.genetic_code_of(contig)) if coding else ""
            if len(self._proteins) >= PROTEINS_KEPT:
                self._proteins.clear()
            self._proteins[transcript] = found
        return found


_loaded: dict[Path, tuple[str, Reference]] = {}


def load_reference(pack_id: str, extra_dir: Path | None = None) -> Reference:
    """Return the pack named pack_id, from extra_dir or from the library. Raises EngineError if there is none."""
    for folder in _pack_folders(extra_dir):
        if folder.name == pack_id:
            return _load(folder)
    raise EngineError("no-reference", f"there is no reference pack {pack_id!r}")


def available_references(extra_dir: Path | None = None) -> list[ReferenceInfo]:
    """Return what people are shown of every pack, those of the library first, each id once."""
    names = ReferenceInfo.__dataclass_fields__
    return [
        ReferenceInfo(**{name: getattr(reference, name) for name in names})
        for reference in installed_references(extra_dir)
    ]


def installed_references(extra_dir: Path | None = None) -> list[Reference]:
    """Return every pack, ready to annotate with, those of the library first, each id once.

    One that cannot be read is left out, and the log says why: the others are none the worse for it.
    """
    found: dict[str, Reference | None] = {}
    for folder in _pack_folders(extra_dir):
        if folder.name in found:
            continue
        found[folder.name] = None  # what has the id of a broken pack does not take its place
        try:
            found[folder.name] = _load(folder)
        except (EngineError, OSError) as error:
            log.warning("the reference pack in %s is left out: %s", folder, error)
    return [reference for reference in found.values() if reference is not None]


def _pack_folders(extra_dir: Path | None) -> list[Path]:
    # Absolute, since bcftools runs in a folder of its own.
    parents = [PACKS] + ([extra_dir.absolute()] if extra_dir is not None and extra_dir.is_dir() else [])
    # A folder whose name begins with a dot is still being filled.
    return [
        manifest.parent
        for parent in parents
        for manifest in sorted(parent.glob(f"*/{MANIFEST}"))
        if not manifest.parent.name.startswith(".")
    ]


def load_pack(folder: Path) -> Reference:
    """Return the pack in this folder, whose name is the pack's id, read anew. Raises EngineError if it is not one."""
    text = (folder / MANIFEST).read_bytes()
    try:
        return _parse(folder, json.loads(text), hashlib.sha256(text).hexdigest())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EngineError("bad-reference", f"the manifest of {folder.name} is not valid: {error!r}") from error


def _load(folder: Path) -> Reference:
    try:
        text = (folder / MANIFEST).read_bytes()
        checksum = hashlib.sha256(text).hexdigest()
        # A worker loads the same pack for every job: read again only what has changed.
        if folder in _loaded and _loaded[folder][0] == checksum:
            return _loaded[folder][1]
        _loaded[folder] = checksum, load_pack(folder)
    except FileNotFoundError as error:  # it was there a moment ago
        raise EngineError("no-reference", f"the reference pack {folder.name} has been removed") from error
    return _loaded[folder][1]


def _parse(folder: Path, manifest: dict[str, Any], checksum: str) -> Reference:
    if manifest["id"] != folder.name:
        raise ValueError(f"id {manifest['id']} in folder {folder.name}")
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
    features = files.get("features")
    index = files.get("gene_index")
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
        feature_table=folder / features["name"] if features else None,
        _gff_slices=_slices(manifest, "gff"),
        _feature_slices=_slices(manifest, "features"),
        gene_index=folder / index["name"] if index else None,
        _index_sections=_slices(manifest, "gene_index"),
        _gene_block=index.get("block_bytes", BLOCK) if index else BLOCK,
        gene_table=(folder / table["name"], folder / files["gene_table_index"]["name"]) if table else None,
    )


def _slices(manifest: dict[str, Any], file: str) -> dict[str, Slice]:
    return {row["name"]: Slice(*row["slices"][file]) for row in manifest["contigs"] if file in row.get("slices", {})}
