"""What a child process does for a job: called by `child_main`, named by `child`.

Values that are returned go to the parent as JSON.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from annotator import tables
from annotator.errors import EngineError
from annotator.reference.pack import installed_references, load_reference
from annotator.run.annotate import annotate as annotate_file
from annotator.run.options import Limits, Outputs, Progress
from annotator.sources.manifest import Source

Tell = Callable[[Progress], None]


def annotate(
    source: Path,
    out_dir: Path,
    *,
    pack: tuple[str, Path | None, str],
    sources: Sequence[Source],
    limits: Limits,
    provenance: dict[str, str],
    outputs: Outputs,
    tell: Tell,
) -> dict[str, Any]:
    """Annotate a file; pack: the reference's id, the folder of installed packs, and the checksum that it must have."""
    name, folder, checksum = pack
    reference = load_reference(name, folder)
    if reference.checksum != checksum:
        raise EngineError("reference-differs", f"the reference pack {name} was replaced while a job began")
    report = annotate_file(
        source,
        out_dir,
        reference=reference,
        sources=sources,
        limits=limits,
        on_progress=tell,
        provenance=provenance,
        installed=lambda: installed_references(folder),
        outputs=outputs,
    )
    return dataclasses.asdict(report)


def write_tables(result: Path, out_dir: Path, *, output_bytes: int, tell: Tell) -> dict[str, Any] | None:
    """Write the tables of an annotated file; None if they would be larger than they may be."""
    try:
        made = tables.write(result, out_dir, output_bytes=output_bytes)
    except tables.TooLarge:
        return None
    return {**dataclasses.asdict(made), "tsv": str(made.tsv), "parquet": str(made.parquet)}
