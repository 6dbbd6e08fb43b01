"""Outputs derived from an annotated file: a flat table for people, a Parquet file for programs, and statistics.

They depend only on the bytes of the finished file, so they can be rebuilt at any time. Code that needs the reference, a
source or the input file does not belong here.

Polars starts threads when it is imported, so it must not be loaded before a worker forks. Other modules import only
`annotator.tables` itself, which loads the rest on the first call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotator.preflight.reader import human_bytes

TSV, PARQUET, STATS = "annot.tsv.gz", "annot.parquet", "annot.stats.txt"


@dataclass(frozen=True)
class Tables:
    """What was written: both files, and the number of rows in each, without the header."""

    tsv: Path
    parquet: Path
    transcripts: int
    alleles: int


class TooLarge(Exception):
    """The tables would exceed their maximum size. The text is a sentence for people."""

    def __init__(self, output_bytes: int) -> None:
        super().__init__(f"The tables are left out because they would be larger than {human_bytes(output_bytes)}.")


def write(
    result: Path, out_dir: Path, *, check: Callable[[], None] = lambda: None, output_bytes: int | None = None
) -> Tables:
    """Write annot.tsv.gz and annot.parquet of an annotated file into out_dir (see docs/annotation.md).

    The same file always gives the same bytes. Memory does not grow with the file. If it raises, no table is left.

    Args:
        result: the annotated file.
        out_dir: receives the tables.
        check: called every few MB; may raise to stop.
        output_bytes: maximum size of the flat table's text, which is never smaller than the Parquet file; None for no
            maximum.

    Raises:
        TooLarge: the tables would exceed output_bytes.
        EngineError: the annotator did not write the file.
    """
    from annotator.tables.files import write as write_now  # noqa: PLC0415

    return write_now(result, out_dir, check, output_bytes)
