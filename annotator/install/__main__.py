"""Install a reference pack of your own genome: `python -m annotator.install NAME --fasta FILE --genes FILE`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from annotator.install.errors import InstallError
from annotator.install.own import OwnGenome, install_own

STEPS = {"models": "Reading the gene models", "genome": "Packing the genome", "genes": "Packing the genes"}


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 installed, 2 the arguments or files cannot be used, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m annotator.install",
        description="Make a reference pack of your own genome, for `python -m annotator --reference NAME`.",
    )
    parser.add_argument("name", help="what to call the pack: letters, digits, points and dashes")
    add_file_arguments(parser, required=True)
    parser.add_argument(
        "--genetic-code",
        action="append",
        default=[],
        metavar="CONTIG=N",
        help="NCBI's number of a contig's genetic code, where it is not the usual one",
    )
    parser.add_argument("--assembly-report", type=Path, help="NCBI's assembly report, for more names of the contigs")
    parser.add_argument("--references-dir", type=Path, required=True, help="the folder that packs are kept in")
    options = parser.parse_args(arguments)
    try:
        with ProgressBars() as show:
            done = install_own(own_genome(options.name, options), options.references_dir, progress=show)
    except InstallError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    sys.stdout.write("\n".join(done.lines()) + "\n")
    return 0


def add_file_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options that name the files of a genome."""
    parser.add_argument("--fasta", type=Path, required=required, help="your own genome, plain or .gz")
    parser.add_argument(
        "--genes",
        type=Path,
        required=required,
        help="its genes: GFF3 or GTF of Ensembl, GENCODE or NCBI RefSeq, plain or .gz",
    )
    parser.add_argument("--mane", type=Path, help="NCBI's MANE summary, to mark MANE transcripts")
    parser.add_argument("--organism", default="", help="such as Homo sapiens")


def own_genome(name: str, options: argparse.Namespace) -> OwnGenome:
    """Return the genome that the command's options describe. Raises InstallError."""
    return OwnGenome(
        name=name,
        fasta=options.fasta,
        genes=options.genes,
        codes=parse_codes(options.genetic_code),
        mane=options.mane,
        report=options.assembly_report,
        organism=options.organism,
    )


def parse_codes(texts: list[str]) -> dict[str, int]:
    """Parse texts such as MT=2 into {contig: genetic code}. Raises InstallError."""
    found = {}
    for text in texts:
        contig, _, code = text.rpartition("=")
        if not contig or not code.isdecimal() or len(code) > 3:
            raise InstallError("bad-code", f"--genetic-code is CONTIG=N, such as MT=2; {text!r} is not.")
        found[contig] = int(code)
    return found


class ProgressBars:
    """Shows a bar for each step, on standard error."""

    def __init__(self, *, shown: bool = True) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=Console(file=sys.stderr), disable=not shown)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "ProgressBars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Move the bar of a step."""
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(STEPS.get(what, what), total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)


if __name__ == "__main__":
    sys.exit(main())
