"""Outputs that are derived from the annotated file: its statistics and both tables."""

from pathlib import Path

from annotator import tables
from annotator.run.context import RunContext
from annotator.tables.stats import Stats


def write_derived(context: RunContext, result: Path, records: int) -> tuple[list[str], str]:
    """Write the tables, while bcftools computes the statistics.

    Args:
        context: the run.
        result: the annotated file.
        records: the number of its records.

    Returns:
        A sentence for each output that is left out; and a note about what the statistics lack, "" for nothing.
    """
    if not context.outputs.stats:
        return [], ""
    left_out = []
    with Stats(
        result,
        context.out_dir,
        name=context.outputs.name or context.provenance.get("file", ""),
        memory_bytes=context.limits.memory_bytes,
        cpu_seconds=context.cpu_seconds,
    ) as stats:
        if records <= context.outputs.table_records:
            try:
                tables.write(result, context.out_dir, check=context.watch, output_bytes=context.limits.output_bytes)
            except tables.TooLarge as error:
                left_out.append(str(error))
        stats.finish(context.watch)
    return left_out, stats.note
