"""Reference packs: a folder each, with a manifest.json that says what is in it.

A pack holds a FASTA with its .fai, a GFF3 in Ensembl style, and optionally a table of known variants;
docs/annotation.md describes the manifest. The packs that come with the library are in `annotator/packs`; a service may
have a folder of more.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from annotator.errors import EngineError
from annotator.features import Features
from annotator.known import KnownVariants
from annotator.sequence import Sequence
from annotator.translate import protein

PACKS = Path(__file__).with_name("packs")


@dataclass(frozen=True)
class Contig:
    """One sequence of a reference. aliases: the other names that files use for it; md5: of its upper-case bases."""

    name: str
    length: int
    md5: str
    accession: str
    circular: bool
    aliases: tuple[str, ...]


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
    def features(self) -> Features:
        return Features(self.gff)

    @cached_property
    def known(self) -> KnownVariants:
        return KnownVariants(self.known_table, self.sequence, self.hgvs_prefix)

    @cached_property
    def _proteins(self) -> dict[str, str]:
        return {}

    def protein(self, transcript: str) -> str:
        """Return a transcript's protein in one-letter codes, "" if it codes for none."""
        found = self._proteins.get(transcript)
        if found is None:
            segments = self.features.transcripts.get(transcript)
            found = protein(segments, self.sequence, self.genetic_code) if segments else ""
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
    """Return every pack, those of the library first, each id once."""
    found: dict[str, ReferenceInfo] = {}
    for folder in _pack_folders(extra_dir):
        reference = _load(folder)
        info = ReferenceInfo(**{name: getattr(reference, name) for name in ReferenceInfo.__dataclass_fields__})
        found.setdefault(folder.name, info)
    return list(found.values())


def _pack_folders(extra_dir: Path | None) -> list[Path]:
    parents = [PACKS] + ([extra_dir] if extra_dir is not None and extra_dir.is_dir() else [])
    return [manifest.parent for parent in parents for manifest in sorted(parent.glob("*/manifest.json"))]


def _load(folder: Path) -> Reference:
    text = (folder / "manifest.json").read_bytes()
    checksum = hashlib.sha256(text).hexdigest()
    # A worker loads the same pack for every job: read again only what has changed.
    if folder in _loaded and _loaded[folder][0] == checksum:
        return _loaded[folder][1]
    try:
        reference = _parse(folder, json.loads(text), checksum)
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError("bad-reference", f"the manifest of {folder.name} is not valid: {error!r}") from error
    _loaded[folder] = checksum, reference
    return reference


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
        )
        for row in manifest["contigs"]
    )
    names = {alias: contig.name for contig in contigs for alias in (contig.name, *contig.aliases)}
    files = manifest["files"]
    known = files.get("known_variants")
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
    )
