"""Annotate a file, or write its tables, in a child process that can be killed at any time."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from annotator.reference.pack import Reference
from annotator.run.options import Limits, Outputs, Progress, Report
from annotator.run.process import child, work
from annotator.sources.manifest import Source
from annotator.tables import Tables, TooLarge


def annotate(
    source: Path,
    out_dir: Path,
    *,
    reference: Reference,
    references_dir: Path | None,
    sources: Sequence[Source],
    limits: Limits,
    on_progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    provenance: Mapping[str, str],
    outputs: Outputs,
) -> Report:
    """Do what `annotator.run.annotate.annotate` does, in a child process.

    Args:
        references_dir: the folder of installed packs: the pack of `reference`, and those that a file may belong to
            instead.
        limits: time and memory limit the child and its processes together.

    Raises:
        InputError: the file cannot be annotated; code "too-much-memory" if it needs more memory than `limits` allows.
        EngineError: an internal error; code "time-limit" if the run took too long.
        Cancelled: `cancelled` returned True.
    """
    values = child.run(
        work.annotate,
        {
            "source": source.absolute(),
            "out_dir": out_dir.absolute(),
            "pack": (reference.id, references_dir and references_dir.absolute(), reference.checksum),
            "sources": list(sources),
            "limits": limits,
            "provenance": dict(provenance),
            "outputs": outputs,
        },
        folder=out_dir,
        limits=limits,
        on_progress=on_progress,
        cancelled=cancelled,
        provenance=provenance,
    )
    return Report(**values)


def write_tables(
    result: Path, out_dir: Path, *, limits: Limits, cancelled: Callable[[], bool] = lambda: False
) -> Tables:
    """Do what `annotator.tables.write` does, in a child process.

    Raises:
        TooLarge: see `annotator.tables.write`.
        InputError, EngineError, Cancelled: see `annotate`.
    """
    values = child.run(
        work.write_tables,
        {"result": result.absolute(), "out_dir": out_dir.absolute(), "output_bytes": limits.output_bytes},
        folder=out_dir,
        limits=limits,
        cancelled=cancelled,
    )
    if values is None:
        raise TooLarge(limits.output_bytes)
    return Tables(Path(values["tsv"]), Path(values["parquet"]), values["transcripts"], values["alleles"])
