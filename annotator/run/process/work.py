"""Functions that a child process runs for a job: `isolated` names them, and `child_main` calls them.

Their results are sent to the parent as JSON.
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
    """Annotate a file; for the other arguments see `annotator.run.annotate.annotate`.

    Args:
        pack: the reference's id, the folder of installed packs, and the checksum that the pack must have.
        tell: reports progress.

    Returns:
        The fields of the Report, by name.

    Raises:
        EngineError: the pack has another checksum, or an error of the annotator.
    """
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
    """Write the tables of an annotated file.

    Args:
        result: the annotated file.
        out_dir: the folder for the tables.
        output_bytes: maximum size of a table.
        tell: not used: writing tables reports no progress.

    Returns:
        The fields of `tables.Tables`, by name; None if a table would be too large.
    """
    try:
        made = tables.write(result, out_dir, output_bytes=output_bytes)
    except tables.TooLarge:
        return None
    return {**dataclasses.asdict(made), "tsv": str(made.tsv), "parquet": str(made.parquet)}
