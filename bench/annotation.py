"""How fast the annotator is beside what it is made of, and beside SnpEff, on a synthetic chromosome, in one run.

`python -m bench.annotation [--variants 1000000] [--folder DIR]` makes the chromosome (see bench.chromosome), and prints
wall and processor time, throughput, the highest memory of the process tree, and each time's ratio to the raw pipe's:

- the floor: `bcftools view`, VCF to bgzip
- the raw pipe: `norm | csq | annotate` to bgzip, with one source of known variants in its streamable form
- `python -m annotator`, with all that it checks, repairs and writes, and the same source; and the library without the
  start of an interpreter, in a process that has annotated before, as a worker's is
- SnpEff, where it is installed (Debian: apt-get install snpeff snpsift), with a database built from the same genes;
  alone, which leaves the source out, and with SnpSift behind it, which adds what the source says

and how often SnpEff's most severe term for an allele agrees with ours (see docs/agreement.md).
"""

import argparse
import gzip
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
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pysam
from rich.console import Console
from rich.table import Table

from annotator.bcftools import LAUNCHER
from annotator.consequence import rank
from annotator.references import load_reference
from annotator.sources.fields import Wanted
from annotator.sources.install import install
from annotator.sources.origin import Request
from bench import chromosome
from bench.service import family, resident

PACK = "bench"
MEMORY = 4 * 1024**3
#: SnpEff's own words, and the terms of the Sequence Ontology that VEP has for the same.
FINER = {
    "intergenic_region": "intergenic_variant",
    "conservative_inframe_insertion": "inframe_insertion",
    "disruptive_inframe_insertion": "inframe_insertion",
    "conservative_inframe_deletion": "inframe_deletion",
    "disruptive_inframe_deletion": "inframe_deletion",
    "5_prime_UTR_premature_start_codon_gain_variant": "5_prime_UTR_variant",
    "initiator_codon_variant": "start_retained_variant",
}
SNPEFF_JAR, SNPSIFT_JAR = Path("/usr/share/java/snpeff.jar"), Path("/usr/share/java/snpsift.jar")


@dataclass(frozen=True)
class Cost:
    """seconds: wall time; cpu: processor seconds of all processes; memory: the tree's highest resident bytes."""

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
    Console().print(shown(found, options.variants))
    if "SnpEff" in found:
        Console().print(agreement(folder / "ours.vcf.gz", folder / "snpeff.vcf"))


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
        "norm | csq | annotate": cost(
            [
                bcftools("norm", "-f", fasta, "-Ou", person),
                bcftools("csq", "--local-csq", "-f", fasta, "-g", genes, "-Ou", "-"),
                bcftools(
                    *("annotate", "-a", str(folder / "source.tsv.gz"), "-h", str(folder / "source.hdr")),
                    *("-c", "CHROM,POS,REF,ALT,CLNSIG,CLNDN", "-Oz", "-o", str(folder / "raw.vcf.gz"), "-"),
                ),
            ]
        ),
        "python -m annotator": cost(
            [
                [
                    *(sys.executable, "-m", "annotator", person, str(folder / "ours.vcf.gz")),
                    *("--reference", PACK, "--references-dir", str(folder / "packs")),
                ]
            ]
        ),
    }
    found["the library, in a worker"] = library(person, folder / "packs")
    if with_snpeff and SNPEFF_JAR.exists() and shutil.which("java"):
        config = snpeff_database(folder)
        annotate = snpeff("ann", "-noLog", "-noStats", "-noDownload", "-config", str(config), PACK, person)
        with (folder / "snpeff.vcf").open("wb") as out:
            found["SnpEff"] = cost([annotate], out.fileno())
        if SNPSIFT_JAR.exists():
            known = snpsift("annotate", "-noLog", "-noDownload", str(folder / "source.vcf"))
            with (folder / "snpsift.vcf").open("wb") as out:
                found["SnpEff | SnpSift"] = cost([annotate, known], out.fileno())
    return found


def library(person: str, packs: Path) -> Cost:
    """Without what the process does before."""
    with tempfile.TemporaryFile() as out:
        whole = cost([[sys.executable, "-m", "bench.library_once", person, str(packs)]], out.fileno())
        out.seek(0)
        seconds, cpu = map(float, out.read().split())
    return Cost(seconds, cpu, whole.memory)


def bcftools(*arguments: str) -> list[str]:
    """The bcftools that comes with pysam, run as the annotator runs it."""
    return [sys.executable, "-I", "-B", str(LAUNCHER), str(MEMORY), "100000", *arguments]


def snpeff(*arguments: str) -> list[str]:
    return ["java", "-Xmx4g", "-jar", str(SNPEFF_JAR), *arguments]


def snpsift(*arguments: str) -> list[str]:
    return ["java", "-Xmx4g", "-jar", str(SNPSIFT_JAR), *arguments]


def snpeff_database(folder: Path) -> Path:
    """SnpEff's own form of the same genes, made once. Returns its configuration."""
    home = folder / "snpeff"
    data = home / PACK
    config = home / "snpEff.config"
    if not (data / "snpEffectPredictor.bin").exists():
        data.mkdir(parents=True, exist_ok=True)
        config.write_text(f"data.dir = {home.absolute()}\n{PACK}.genome : {PACK}\n" + _codons())
        pack = folder / "packs" / PACK
        shutil.copy(pack / "genome.fa", data / "sequences.fa")
        text = (pack / "genes.gff3").read_text().replace("ID=gene:", "ID=").replace("Parent=gene:", "Parent=")
        (data / "genes.gff").write_text(text.replace("transcript:", ""))
        subprocess.run(
            snpeff("build", "-gff3", "-noCheckCds", "-noCheckProtein", "-config", str(config), PACK),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return config


def _codons() -> str:
    lines = Path("/etc/snpeff/snpEff.config").read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith("codon.Standard")) + "\n"


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
            try:
                total += sum(resident(member) for member in family(pid))
            except OSError:  # it has ended
                continue
        highest[0] = max(highest[0], total)


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def shown(found: dict[str, Cost], variants: int) -> Table:
    table = Table(title=f"{variants:,} variants of a synthetic chromosome, {os.cpu_count()} cores")
    for column in ("what", "wall, s", "cpu, s", "records/s", "memory, MB", "wall / raw pipe"):
        table.add_column(column, justify="left" if column == "what" else "right")
    raw = found["norm | csq | annotate"].seconds
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


def agreement(ours: Path, theirs: Path) -> Table:
    """How often the most severe term of an allele is the same, and the commonest pairs where it is not."""
    other = severest(theirs, "ANN")
    pairs: Counter[tuple[str, str]] = Counter()
    for allele, term in severest(ours, "GAS_CSQ").items():
        pairs[term, other.get(allele, "(none)")] += 1
    same = sum(count for (one, two), count in pairs.items() if one == two)
    total = sum(pairs.values())
    table = Table(title=f"Most severe terms of {total:,} alleles: {same / total:.2%} as SnpEff's")
    for column in ("ours", "SnpEff's", "alleles"):
        table.add_column(column)
    for (one, two), count in pairs.most_common():
        if one != two:
            table.add_row(one, two, f"{count:,}")
    return table


def severest(path: Path, tag: str) -> dict[tuple[str, str, str], str]:
    """{(position, REF, ALT): the most severe term that the tag has for the allele, in VEP's words}"""
    found: dict[tuple[str, str, str], str] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            _, pos, _, ref, alts, _, _, info = line.rstrip("\n").split("\t")[:8]
            value = dict(part.partition("=")[::2] for part in info.split(";")).get(tag, "")
            for number, alt in enumerate(alts.split(",")):
                terms = snpeffs(value, alt) if tag == "ANN" else [value.split(",")[number]]
                found[pos, ref, alt] = min(terms, key=rank, default="")
    return found


def snpeffs(value: str, alt: str) -> list[str]:
    """What SnpEff says of an allele, in VEP's words where its own are finer."""
    entries = (entry.split("|") for entry in value.split(","))
    return [FINER.get(term, term) for entry in entries if entry[0] == alt for term in entry[1].split("&")]


if __name__ == "__main__":
    main()
