"""Compare the speed of the annotator with that of its parts and of SnpEff, on a synthetic chromosome, in one run.

`python -m bench.annotation [--variants 1000000] [--folder DIR]` makes the chromosome (see bench.chromosome), and prints
wall and processor time, throughput, the highest memory of the process tree (proportional set size), and each time's
ratio to the raw pipe's:

- the floor: `bcftools view`, VCF to bgzip
- the raw pipe: `norm | csq | annotate` to bgzip, with one source of known variants in its streamable form
- `python -m annotator`, with all that it checks, repairs and writes, and the same source, for all transcripts; and the
  library without the start of an interpreter, in a process that has annotated before, as a worker's is, for all
  transcripts and for those that code, which is what csq writes
- SnpEff, where it is installed (Debian: apt-get install snpeff snpsift), with a database built from the same genes;
  alone, which leaves the source out, and with SnpSift behind it, which adds what the source says

Then it compares the consequences with SnpEff's and csq's (see bench.agreement), and says which bars do not hold.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pysam
from rich.console import Console
from rich.table import Table

from annotator.formats.bcftools import LAUNCHER
from annotator.reference.pack import load_reference
from annotator.sources.fields import Wanted
from annotator.sources.install import install
from annotator.sources.origin import Request
from bench import agreement, chromosome
from bench.service import family, memory_of
from bench.snpeff import SNPEFF_JAR, SNPSIFT_JAR, snpeff, snpeff_database, snpsift

PACK = "bench"
MEMORY = 4 * 1024**3
RAW, COMMAND, SNPEFF, BOTH = "norm | csq | annotate", "python -m annotator", "SnpEff", "SnpEff | SnpSift"
LIBRARY, CODING = "the library, all transcripts", "the library, coding transcripts"
SNPEFF_SHARE = 0.999


@dataclass(frozen=True)
class Cost:
    """seconds: wall time; cpu: processor seconds of all processes; memory: the tree's highest memory, in bytes."""

    seconds: float
    cpu: float
    memory: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.annotation", description=__doc__)
    parser.add_argument("--variants", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="kept, so that the next run finds it")
    parser.add_argument("--runs", type=int, default=3, help="of each tool in turn; the quickest counts")
    parser.add_argument("--without-snpeff", action="store_true")
    options = parser.parse_args()
    folder = prepare(options.folder / str(options.variants), options.variants)
    runs = [measure(folder, with_snpeff=not options.without_snpeff) for _ in range(options.runs)]
    found = {what: min((one[what] for one in runs), key=lambda cost: cost.seconds) for what in runs[0]}
    console = Console()
    console.print(shown(found, options.variants))
    bars = speed(found)
    if SNPEFF in found:
        table, share = agreement.with_snpeff(folder / "ours.vcf.gz", folder / "snpeff.vcf")
        console.print(table)
        bars.append(
            Bar(f"most severe terms that are SnpEff's, at least {SNPEFF_SHARE:.1%}", share, share >= SNPEFF_SHARE)
        )
    table, unexplained = agreement.with_csq(folder / "ours.vcf.gz", folder / "packs" / PACK)
    console.print(table)
    bars.append(Bar("differences from csq that belong to no class, none", unexplained, unexplained == 0))
    failed = [bar for bar in bars if not bar.holds]
    for bar in failed:
        console.print(f"Does not hold: {bar.what}; measured {bar.measured:.4g}")
    console.print(f"{len(bars) - len(failed)} of {len(bars)} bars hold")
    sys.exit(1 if failed else 0)


@dataclass(frozen=True)
class Bar:
    """What must hold, and the number that was measured."""

    what: str
    measured: float
    holds: bool


def speed(found: dict[str, Cost]) -> list[Bar]:
    """Compare times and memory with what they must be."""
    raw, whole = found[RAW].seconds, found[LIBRARY].seconds

    def at_most(what: str, measured: float, limit: float) -> Bar:
        return Bar(f"{what}, at most {limit:g}", measured, measured <= limit)

    bars = [
        at_most("the library with coding transcripts / the raw pipe", found[CODING].seconds / raw, 0.9),
        at_most("the library with all transcripts / the raw pipe", whole / raw, 1.15),
        at_most(
            "what the command takes longer than the library / the raw pipe",
            (found[COMMAND].seconds - whole) / raw,
            0.35,
        ),
        at_most(
            "memory of the process tree, MB", max(found[one].memory for one in (LIBRARY, CODING, COMMAND)) / 1e6, 350
        ),
    ]
    for what, times in ((SNPEFF, 4), (BOTH, 6)):
        if what in found:
            measured = found[what].seconds / whole
            bars.append(
                Bar(f"the library's throughput / that of {what}, at least {times}", measured, measured >= times)
            )
    return bars


def prepare(folder: Path, variants: int) -> Path:
    """The chromosome as a reference pack, a person's bgzip VCF, and the source as the tabix table that streams."""
    done = folder / "done"
    if done.exists():
        return folder
    pack = folder / "packs" / PACK
    pack.mkdir(parents=True, exist_ok=True)
    chromosome.write(folder, variants)
    for name in ("genome.fa", "genes.gff3"):
        (folder / name).replace(pack / name)
    pysam.faidx(str(pack / "genome.fa"))
    (pack / "manifest.json").write_text(json.dumps(manifest(pack), indent=1))
    pysam.tabix_compress(str(folder / "person.vcf"), str(folder / "person.vcf.gz"), force=True)
    table = folder / "source.tsv"
    with (folder / "source.vcf").open() as lines, table.open("w") as rows:
        for line in lines:
            if not line.startswith("#"):
                contig, pos, _, ref, alt, _, _, info = line.rstrip("\n").split("\t")
                values = dict(part.split("=", 1) for part in info.split(";"))
                rows.write("\t".join([contig, pos, ref, alt, values["CLNSIG"], values["CLNDN"]]) + "\n")
    pysam.tabix_index(str(table), seq_col=0, start_col=1, end_col=1, force=True)
    (folder / "source.hdr").write_text(
        "".join(
            f'##INFO=<ID={name},Number=.,Type=String,Description="of the synthetic source">\n'
            for name in ("CLNSIG", "CLNDN")
        )
    )
    request = Request(
        name="known",
        title="A synthetic source",
        files=((folder / "source.vcf").absolute().as_uri(),),
        fields=(Wanted("CLNSIG", "CLNSIG"), Wanted("CLNDN", "CLNDN")),
    )
    install(request, load_reference(PACK, folder / "packs"), folder / "packs")
    done.touch()
    return folder


def manifest(pack: Path) -> dict[str, object]:
    size = int((pack / "genome.fa.fai").read_text().split("\t")[1])
    with pysam.FastaFile(str(pack / "genome.fa")) as fasta:
        digest = hashlib.md5(fasta.fetch(chromosome.NAME).encode(), usedforsecurity=False).hexdigest()
    names = {"fasta": "genome.fa", "fasta_index": "genome.fa.fai", "gff": "genes.gff3"}
    return {
        "id": PACK,
        "title": "A synthetic chromosome",
        "organism": "none",
        "version": "1",
        "description": "Made by bench.chromosome.",
        "genetic_code": 1,
        "contigs": [{"name": chromosome.NAME, "length": size, "md5": digest, "accession": ""}],
        "files": {
            kind: {"name": name, "sha256": hashlib.sha256((pack / name).read_bytes()).hexdigest()}
            for kind, name in names.items()
        },
    }


def measure(folder: Path, *, with_snpeff: bool = True) -> dict[str, Cost]:
    """Run each tool once, one after the other."""
    fasta, genes = (str(folder / "packs" / PACK / name) for name in ("genome.fa", "genes.gff3"))
    person = str(folder / "person.vcf.gz")
    found = {
        "bcftools view": cost([bcftools("view", "-Oz", "-o", str(folder / "view.vcf.gz"), person)]),
        RAW: cost(
            [
                bcftools("norm", "-f", fasta, "-Ou", person),
                bcftools("csq", "--local-csq", "-f", fasta, "-g", genes, "-Ou", "-"),
                bcftools(
                    *("annotate", "-a", str(folder / "source.tsv.gz"), "-h", str(folder / "source.hdr")),
                    *("-c", "CHROM,POS,REF,ALT,CLNSIG,CLNDN", "-Oz", "-o", str(folder / "raw.vcf.gz"), "-"),
                ),
            ]
        ),
        COMMAND: cost(
            [
                [
                    *(sys.executable, "-m", "annotator", person, str(folder / "ours.vcf.gz")),
                    *("--reference", PACK, "--references-dir", str(folder / "packs")),
                ]
            ]
        ),
    }
    found[LIBRARY] = library(person, folder / "packs", "all")
    found[CODING] = library(person, folder / "packs", "coding")
    if with_snpeff and SNPEFF_JAR.exists() and shutil.which("java"):
        config = snpeff_database(folder, PACK)
        annotate = snpeff("ann", "-noLog", "-noStats", "-noDownload", "-config", str(config), PACK, person)
        with (folder / "snpeff.vcf").open("wb") as out:
            found[SNPEFF] = cost([annotate], out.fileno())
        if SNPSIFT_JAR.exists():
            known = snpsift("annotate", "-noLog", "-noDownload", str(folder / "source.vcf"))
            with (folder / "snpsift.vcf").open("wb") as out:
                found[BOTH] = cost([annotate, known], out.fileno())
    return found


def library(person: str, packs: Path, transcripts: str) -> Cost:
    """Without what the process does before. transcripts: those that get an entry."""
    with tempfile.TemporaryFile() as out:
        whole = cost([[sys.executable, "-m", "bench.library_once", person, str(packs), transcripts]], out.fileno())
        out.seek(0)
        seconds, cpu = map(float, out.read().split())
    return Cost(seconds, cpu, whole.memory)


def bcftools(*arguments: str) -> list[str]:
    """Return the bcftools that comes with pysam, run as the annotator runs it."""
    return [sys.executable, "-I", "-B", str(LAUNCHER), str(MEMORY), "100000", *arguments]


def cost(commands: Sequence[Sequence[str]], stdout: int = subprocess.DEVNULL) -> Cost:
    """Run the commands as one pipe.

    Raises:
        subprocess.CalledProcessError: one of them failed.
    """
    before, began = cpu_seconds(), time.monotonic()
    processes: list[subprocess.Popen[bytes]] = []
    for number, command in enumerate(commands):
        last = number == len(commands) - 1
        processes.append(
            subprocess.Popen(
                command,
                stdin=processes[-1].stdout if processes else subprocess.DEVNULL,
                stdout=stdout if last else subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
        if number:
            previous = processes[number - 1].stdout
            assert previous is not None
            previous.close()
    highest, over = [0], threading.Event()
    watcher = threading.Thread(target=_watch, args=([p.pid for p in processes], highest, over))
    watcher.start()
    codes = [process.wait() for process in processes]
    seconds = time.monotonic() - began
    over.set()
    watcher.join()
    for command, code in zip(commands, codes, strict=True):
        if code:
            raise subprocess.CalledProcessError(code, list(command))
    return Cost(seconds, cpu_seconds() - before, highest[0])


def _watch(pids: list[int], highest: list[int], over: threading.Event) -> None:
    while not over.wait(0.2):  # to look takes time from what is measured
        total = 0
        for pid in pids:
            total += sum(map(memory_of, family(pid)))
        highest[0] = max(highest[0], total)


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def shown(found: dict[str, Cost], variants: int) -> Table:
    table = Table(title=f"{variants:,} variants of a synthetic chromosome, {os.cpu_count()} cores")
    for column in ("what", "wall, s", "cpu, s", "records/s", "memory, MB", "wall / raw pipe"):
        table.add_column(column, justify="left" if column == "what" else "right")
    raw = found[RAW].seconds
    for what, one in found.items():
        table.add_row(
            what,
            f"{one.seconds:.1f}",
            f"{one.cpu:.1f}",
            f"{variants / one.seconds:,.0f}",
            f"{one.memory / 1e6:.0f}",
            f"{one.seconds / raw:.2f}",
        )
    return table


if __name__ == "__main__":
    main()
