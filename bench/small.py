"""How long a file of 150 KB takes on a gene set of human size, and whether it comes out the same as with all genes.

`python -m bench.small [--scale 1] [--runs 5] [--folder DIR]` makes a genome with 250,000 transcripts (see bench.genome;
its bases are a tenth of a human genome's), installs it as install_reference does, and prints for three files of 150 KB,
of a panel of 20 genes, of one chromosome and of all of them: the time in the library, of the first run in a process and
of later ones; of the command line; and in the library with all genes of the GFF3 read into memory, whose result must
be the same byte for byte. It says which bars do not hold. Run `python -m annotator.run.columnar` before, as for a
worker: loops that are not compiled are not used for small files. The genome and the pack are kept in the folder: a
gigabyte, and some minutes the first time.
"""

import argparse
import gzip
import hashlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

import annotator
from annotator.install.install import Wanted, install
from annotator.reference.pack import Reference, load_reference
from annotator.run.annotate import annotate
from annotator.run.attempt import RESULT
from bench import genome
from bench.chromosome import TRANSITIONS
from bench.service import LIMIT_BYTES
from tests.support.genome import write_sums

#: What must hold: seconds in the library, the median of later runs in a process that has annotated before.
SECONDS = {"20 genes": 0.25, "one chromosome": 0.5, "all chromosomes": 0.5}
PANEL = 20  # genes
RECORDS = 4_500  # more than a file has room for
#: Modules outside annotator.install that decide what is in a pack.
WRITERS = ("reference/gene_models", "reference/gene_table", "reference/gff3")


@dataclass(frozen=True)
class Times:
    """Seconds of a small file.

    first: in a process that has not annotated yet; best, library: best and median of later runs in one process;
    same: whether the result equals that of the whole gene set.
    """

    records: int
    first: float
    best: float
    library: float
    command: float
    whole: float
    same: bool


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.small", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the genome and its genes")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="kept, so that the next run finds it")
    options = parser.parse_args()
    folder = options.folder.absolute() / f"genome-{options.scale:g}"
    packs = prepare(folder, options.scale)
    reference = load_reference(genome.ASSEMBLY, packs)
    found = {}
    for what, rows in files(reference).items():
        source = folder / f"{what.replace(' ', '-')}.vcf"
        records = write(source, reference, rows)
        found[what] = measure(source, packs, records, options.runs)
    console = Console()
    console.print(shown(found, packs))
    failed = [
        f"{what}: {one.library:.2f} s, at most {SECONDS[what]:g} s"
        for what, one in found.items()
        if one.library > SECONDS[what]
    ]
    failed += [f"{what}: not the result with all genes in memory" for what, one in found.items() if not one.same]
    for bar in failed:
        console.print(f"Does not hold: {bar}")
    sys.exit(1 if failed else 0)


# --- The genome, and the files


def prepare(folder: Path, scale: float) -> Path:
    """Return the folder with the pack; another one when the code that installs it has changed."""
    root = folder / "pub"
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        made = genome.write(root, scale)
        for path in (made.genome, made.genes):
            write_sums(path.parent)
        facts = f"{made.bases:,} bases, {made.gene_count:,} genes, {made.transcripts:,} transcripts, {made.rows:,} rows"
        (folder / "made").write_text(facts)
    packs = folder / f"packs-{_code()}"
    for old in folder.glob("packs-*"):
        if old != packs:
            shutil.rmtree(old)
    install(Wanted(genome.SPECIES, base=root.as_uri(), release=genome.RELEASE), packs)
    return packs


def _code() -> str:
    """Of what makes packs: a pack that older code has made may lack something."""
    room = Path(annotator.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*(room / "install").glob("*.py"), *(room / f"{name}.py" for name in WRITERS)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def files(reference: Reference) -> dict[str, Iterator[tuple[str, int]]]:
    """Positions in order, far more than a file has room for, thinned out by the writer."""
    lengths = {name: size for name, size in reference.lengths.items() if name != "MT"}
    rng = random.Random(2)  # noqa: S311  (nothing secret)
    spacing = genome.BASES // genome.GENES
    names = sorted(rng.sample(range(len(lengths)), min(PANEL, len(lengths))))
    ordered = list(lengths)
    panel = [
        (ordered[at], start)
        for at in names
        for start in [1000 + rng.randrange((lengths[ordered[at]] - 3 * spacing) // spacing) * spacing]
    ]
    return {
        "20 genes": ((name, start + offset) for name, start in panel for offset in range(0, 3_500, 15)),
        "one chromosome": (("22", pos) for pos in _even(lengths["22"], RECORDS)),
        "all chromosomes": (
            (name, pos) for name, size in lengths.items() for pos in _even(size, RECORDS // len(lengths))
        ),
    }


def _even(size: int, count: int) -> Iterable[int]:
    return range(1000, size - 1000, (size - 2000) // count)


def write(path: Path, reference: Reference, places: Iterable[tuple[str, int]]) -> int:
    """Return a person's file, as large as the free plan takes, with records at these places; how many there are."""
    rng = random.Random(1)  # noqa: S311  (nothing secret)
    header = ["##fileformat=VCFv4.2"]
    header += [f"##contig=<ID={name},length={size}>" for name, size in reference.lengths.items()]
    header += [
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tperson",
    ]
    lines = []
    for contig, pos in places:
        bases = reference.sequence.fetch(contig, pos, pos + 2)
        dice, base = rng.random(), bases[0]
        if dice < 0.88:
            ref, alt = base, TRANSITIONS[base]
        elif dice < 0.94:
            ref, alt = base, base + "".join(rng.choices("ACGT", k=rng.randint(1, 4)))
        else:
            ref, alt = bases, base
        lines.append(f"{contig}\t{pos}\t.\t{ref}\t{alt}\t50\tPASS\tDP={rng.randrange(9, 60)}\tGT\t0/1")
    room = LIMIT_BYTES - sum(len(line) + 1 for line in header)
    kept = min(len(lines), int(room / (sum(map(len, lines)) / len(lines) + 1)))
    lines = [lines[number * len(lines) // kept] for number in range(kept)]
    while sum(len(line) + 1 for line in lines) > room:
        lines.pop()
    path.write_text("\n".join([*header, *lines]) + "\n")
    return len(lines)


# --- Measuring


def measure(source: Path, packs: Path, records: int, runs: int) -> Times:
    first = float(
        subprocess.run(
            [sys.executable, "-m", "bench.small_once", str(source), str(packs)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    library = [run(source, packs) for _ in range(runs + 1)][1:]
    without_table = replace(load_reference(genome.ASSEMBLY, packs), gene_table=None)
    whole = [run(source, packs, without_table) for _ in range(max(1, runs // 2))]
    return Times(
        records=records,
        first=first,
        best=min(seconds for seconds, _ in library),
        library=statistics.median(seconds for seconds, _ in library),
        command=statistics.median(command(source, packs) for _ in range(max(1, runs // 2))),
        whole=statistics.median(seconds for seconds, _ in whole),
        same=len({text for _, text in library + whole}) == 1,
    )


def run(source: Path, packs: Path, reference: Reference | None = None) -> tuple[float, str]:
    """Return seconds in the library, and a checksum of the result's text without the header's lines of the run.

    reference: the installed pack if none.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        annotate(source, Path(folder), reference=reference or load_reference(genome.ASSEMBLY, packs))
        seconds = time.perf_counter() - began
        lines = gzip.decompress((Path(folder) / RESULT).read_bytes()).splitlines(keepends=True)
    text = b"".join(line for line in lines if not line.startswith((b"##gas_job=", b"##gas_file=")))
    return seconds, hashlib.sha256(text).hexdigest()


def command(source: Path, packs: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        subprocess.run(
            [
                *(sys.executable, "-m", "annotator", str(source), str(Path(folder) / "out.vcf.gz")),
                *("--reference", genome.ASSEMBLY, "--references-dir", str(packs)),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - began


def shown(found: dict[str, Times], packs: Path) -> Table:
    facts = (packs.parent / "made").read_text()
    table = Table(title=f"A file of {LIMIT_BYTES // 1024} KB on a synthetic genome of {facts}; seconds")
    columns = ("file of", "records", "first run", "later, best", "median", "command line", "all genes")
    for column in (*columns, "same result"):
        table.add_column(column, justify="left" if column == "file of" else "right")
    for what, one in found.items():
        table.add_row(
            what,
            f"{one.records:,}",
            f"{one.first:.2f}",
            f"{one.best:.2f}",
            f"{one.library:.2f}",
            f"{one.command:.2f}",
            f"{one.whole:.2f}",
            "yes" if one.same else "NO",
        )
    return table


if __name__ == "__main__":
    main()
