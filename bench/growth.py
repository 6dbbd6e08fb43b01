"""Whether a worker's memory grows over many small jobs.

`python -m bench.growth [--jobs 2000]` runs the library in this process as a worker does: each job in a forked child,
with one child always kept ready; with --here in this process itself. It prints the proportional set size of this
process and of its fork servers with their children, after every twentieth of the jobs, and exits 1 if the median of
three such readings has grown too much from a quarter of the jobs to the last.
"""

import argparse
import gc
import os
import statistics
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from annotator.reference.pack import load_reference
from annotator.reference.sample_file import write_sample
from annotator.run.annotate import annotate
from annotator.run.options import Limits, Outputs
from annotator.run.process import isolated
from bench.service import family, memory_of

RECORDS = 300
READINGS = 20
#: What must hold: bytes that memory may grow by.
GROWTH_BYTES = 10e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--here", action="store_true", help="run the jobs in one process, without children for them")
    options = parser.parse_args()
    jobs, job = options.jobs, here if options.here else in_child
    table = Table(title=f"Memory over {jobs:,} jobs of {RECORDS} records, MB")
    for column in ("jobs", "this process", "its fork servers and children", "all"):
        table.add_column(column, justify="right")
    totals: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for seed in range(8):
            sources.append(Path(folder) / f"{seed}.vcf")
            write_sample(sources[-1], records=RECORDS, seed=seed)
        for number in range(1, jobs + 1):
            with tempfile.TemporaryDirectory(dir=folder) as out:
                job(sources[number % len(sources)], Path(out))
            if number % max(1, jobs // READINGS) == 0:
                own, others = memory()
                totals.append(own + others)
                table.add_row(f"{number:,}", *(f"{value / 1e6:.1f}" for value in (own, others, own + others)))
    Console().print(table)
    quarter = len(totals) // 4
    grown = statistics.median(totals[-3:]) - statistics.median(totals[quarter - 1 : quarter + 2])
    Console().print(f"From {jobs // 4:,} jobs to {jobs:,}: {grown / 1e6:+.1f} MB, of {GROWTH_BYTES / 1e6:.0f} at most")
    sys.exit(0 if grown <= GROWTH_BYTES else 1)


def in_child(source: Path, out: Path) -> None:
    """Do one job in a child, as `annotator.tasks` does."""
    isolated.annotate(
        source,
        out,
        reference=load_reference("rCRS"),
        references_dir=None,
        sources=(),
        limits=Limits(seconds=60),
        provenance={},
        outputs=Outputs(stats=True),
    )


def here(source: Path, out: Path) -> None:
    """Do one job in this process."""
    annotate(source, out, reference=load_reference("rCRS"), limits=Limits(seconds=60), outputs=Outputs(stats=True))


def memory() -> tuple[int, int]:
    """Return the bytes of this process, and of all that it has started."""
    gc.collect()
    own, *others = family(os.getpid())
    return memory_of(own), sum(map(memory_of, others))


if __name__ == "__main__":
    main()
