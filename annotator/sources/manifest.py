"""Installed sources: each is a folder with a manifest.json that describes it and its origin.

`<folder of packs>/sources/<pack>/<name>` is a link to the folder of the version in use.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from annotator.errors import EngineError
from annotator.reference.pack import SOURCES_FOLDER, ReferenceInfo
from annotator.sources.fields import Field
from annotator.sources.roles import Roles, of_manifest
from annotator.sources.table import Section

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Source:
    """One installed source of one reference pack. checksum: SHA-256 of its manifest, which has those of its files."""

    name: str
    title: str
    version: str
    checksum: str
    rows: int
    fields: tuple[Field, ...]
    sequence: str
    sections: dict[str, Section]
    folder: Path
    roles: Roles = field(default_factory=Roles)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(field.tag for field in self.fields)

    def __str__(self) -> str:
        return f"{self.title} {self.version}"


def sequence_id(reference: ReferenceInfo) -> str:
    """Return a checksum over the contigs of a pack. Packs with the same checksum have the same bases."""
    rows = sorted(f"{contig.name}\t{contig.length}\t{contig.md5}\n" for contig in reference.contigs)
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def sources_folder(references_dir: Path, pack_id: str) -> Path:
    """Return the folder of the sources of a pack, for built-in and for installed packs."""
    return references_dir / SOURCES_FOLDER / pack_id


def retired_mark(folder: Path, name: str) -> Path:
    """Return the file whose existence excludes a source from new runs."""
    return folder / f".retired-{name}"


def installed_sources(references_dir: Path | None, pack_id: str, *, retired: bool = False) -> list[Source]:
    """Return the sources of a pack by name. Raises EngineError if one is damaged.

    retired: whether to include retired sources.
    """
    if references_dir is None:
        return []
    folder = sources_folder(references_dir, pack_id)
    names = source_names(references_dir, pack_id)
    return [load_source(folder / name) for name in names if retired or not retired_mark(folder, name).exists()]


def source_names(references_dir: Path, pack_id: str) -> list[str]:
    """Return the names of all sources of a pack, retired or not."""
    folder = sources_folder(references_dir, pack_id)
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


def load_source(link: Path) -> Source:
    """Read the manifest of the version in use."""
    folder = link.resolve()
    try:
        text = (folder / MANIFEST).read_bytes()
        return _parse(folder, json.loads(text), hashlib.sha256(text).hexdigest())
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise EngineError("bad-source", f"the source {link.name} cannot be read: {error!r}") from error


def _parse(folder: Path, manifest: dict[str, Any], checksum: str) -> Source:
    if manifest["format"] != FORMAT:
        raise ValueError(f"format {manifest['format']}")
    fields = tuple(Field(**one) for one in manifest["fields"])
    return Source(
        name=manifest["name"],
        title=manifest["title"],
        version=manifest["version"],
        checksum=checksum,
        rows=manifest["records"]["rows"],
        fields=fields,
        sequence=manifest["reference"]["sequence"],
        sections={name: Section(**section) for name, section in manifest["contigs"].items()},
        folder=folder,
        roles=of_manifest(manifest.get("roles"), fields),
    )


def write_manifest(folder: Path, manifest: dict[str, Any]) -> str:
    """Write the manifest and return its checksum."""
    text = json.dumps({"format": FORMAT, **manifest}, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def as_rows(fields: list[Field]) -> list[dict[str, Any]]:
    """Return the fields in the form of the manifest."""
    return [asdict(field) for field in fields]
