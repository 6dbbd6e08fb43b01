"""Install a reference pack from a person's own genome: a FASTA and a GFF3 or GTF file, without a network."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annotator.install import contig_codes as codes
from annotator.install import names
from annotator.install.build import Recipe, build_pack
from annotator.install.checksums import of_file
from annotator.install.download import Fetched
from annotator.install.errors import InstallError, of_disk
from annotator.install.gene_models.check import Counts
from annotator.install.gene_models.convert import convert, read_mane
from annotator.install.genome import whole_lines
from annotator.install.install import Progress, check_id, check_room
from annotator.install.place import exclusive, manifest_of, staged


@dataclass(frozen=True)
class OwnGenome:
    """What to install.

    name: the pack's id.
    fasta: the genome, plain or gzip.
    genes: its gene models as GFF3 or GTF in the style of Ensembl, GENCODE or NCBI RefSeq, plain or gzip.
    codes: NCBI's genetic codes by contig, for contigs that do not use the default.
    mane: NCBI's MANE summary; None for none.
    report: NCBI's assembly report, which has more names of the contigs; None for none.
    organism: such as Homo sapiens; "" if not given.
    """

    name: str
    fasta: Path
    genes: Path
    codes: Mapping[str, int] = field(default_factory=dict)
    mane: Path | None = None
    report: Path | None = None
    organism: str = ""


@dataclass(frozen=True)
class Done:
    """The result of an installation.

    folder: the pack's folder.
    genes: number of genes in the pack.
    counts: numbers of the file's transcripts.
    other_contigs: number of rows left out on each contig that the genome does not have.
    """

    folder: Path
    genes: int
    counts: Counts
    other_contigs: Mapping[str, int]

    def lines(self) -> list[str]:
        """Return sentences about the pack's content, and about what was left out or repaired."""
        told = [f"Installed {self.folder.name}: {self.genes:,} genes."]
        total = self.counts.transcripts
        for reason, count in self.counts.left_out.most_common():
            told.append(f"{count:,} of {total:,} transcripts left out: {reason}.")
        for what, count in self.counts.repaired.most_common():
            told.append(f"{count:,} of {total:,} transcripts repaired: {what}.")
        if self.counts.slipping:
            which = f"{self.counts.slipping:,} of {total:,} transcripts, whose coding parts overlap or leave bases out"
            told.append(f"No HGVS for {which} (ribosomal slippage): their changes get terms alone.")
        if self.other_contigs:
            first = ", ".join(list(self.other_contigs)[:5])
            more = f" and {len(self.other_contigs) - 5:,} more" if len(self.other_contigs) > 5 else ""
            rows = sum(self.other_contigs.values())
            told.append(f"{rows:,} rows left out: the FASTA file has no sequence {first}{more}.")
        return told


def install_own(wanted: OwnGenome, folder: Path, *, progress: Progress | None = None) -> Done:
    """Install a pack of a person's own genome into a folder of packs.

    Args:
        wanted: The files and names of the pack.
        folder: The folder of packs; created if it is missing.
        progress: Called with the current step, bytes done and total bytes.

    Raises:
        InstallError: A file cannot be used, or a pack of this name exists. Then no part of the new pack is in use.
    """
    check_id(wanted.name)
    codes.check_known(wanted.codes)
    for path in (wanted.fasta, wanted.genes, wanted.mane, wanted.report):
        if path is not None and not path.is_file():
            raise InstallError("not-found", f"{path} is not a file.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder, wanted.name):
            if manifest_of(folder / wanted.name) is not None:
                text = f"There is a pack {wanted.name} already, and results refer to it: choose another name."
                raise InstallError("exists", text)
            check_room(folder, wanted.fasta, wanted.genes)
            with tempfile.TemporaryDirectory(prefix=".genes-", dir=folder) as work:
                return _install(wanted, folder, Path(work), progress)
    except OSError as error:
        raise of_disk(error, folder) from error


def _install(wanted: OwnGenome, folder: Path, work: Path, progress: Progress | None) -> Done:
    def told(what: str, total: int) -> Callable[[int], None] | None:
        return (lambda done: progress(what, done, total)) if progress else None

    report = names.parse_report(wanted.report.read_text(encoding="utf-8", errors="replace")) if wanted.report else []
    genes = work / "genes.gff3.gz"
    lengths = _sequences(wanted.fasta)
    contig_of = _contig_names(list(lengths), report)
    chosen = _chosen_codes(wanted.codes, contig_of, list(lengths))
    done = convert(
        wanted.genes,
        genes,
        lengths=lengths,
        contig_of=contig_of,
        mane=read_mane(wanted.mane) if wanted.mane else {},
        progress=told("models", wanted.genes.stat().st_size),
    )
    recipe = Recipe(
        id=wanted.name,
        species=wanted.organism.replace(" ", "_").lower(),
        organism=wanted.organism,
        assembly=wanted.name,
        release="",
        genome=_file(wanted.fasta),
        genes=_file(wanted.genes, genes),
        codes=done.codes | chosen,
        report=report,
        provider="",
    )
    with staged(folder, wanted.name) as inner:
        build_pack(inner, recipe, progress)
    return Done(folder / wanted.name, done.genes, done.counts, done.other_contigs)


def _chosen_codes(
    codes_by_name: Mapping[str, int], contig_of: Callable[[str], str | None], own: Sequence[str]
) -> dict[str, int]:
    """Return genetic codes by the genome's names of contigs. Raises InstallError for an unknown contig."""
    found = {}
    for name, code in codes_by_name.items():
        contig = contig_of(name)
        if contig is None:
            there = ", ".join(own[:5])
            raise InstallError(
                "unknown-contig", f"The FASTA file has no sequence {name} (--genetic-code); it has {there}."
            )
        found[contig] = code
    return found


def _file(path: Path, content: Path | None = None) -> Fetched:
    """Return a file as a source of the pack: its name and checksum, and the path to read it from."""
    read = content or path
    return Fetched(path.name, read, read.stat().st_size, of_file(path, "sha256").value, "")


def _sequences(fasta: Path) -> dict[str, int]:
    """Return the length of each sequence of a FASTA file."""
    found: dict[str, int] = {}
    name = ""
    with fasta.open("rb") as file:
        for text in whole_lines(file, fasta.name, None):
            for line in text.split(b"\n"):
                if line.startswith(b">"):
                    name = line[1:].split(None, 1)[0].decode("utf-8", "replace") if line[1:].strip() else ""
                    found[name] = 0
                elif name:
                    found[name] += len(line.strip())
    return found


def _contig_names(own: Sequence[str], report: Sequence[Sequence[str]]) -> Callable[[str], str | None]:
    """Return a function that maps any name of a contig to the genome's name."""
    others = names.aliases(own, names.from_report(report, own))
    known = {alias: name for name, aliases in others.items() for alias in aliases} | {name: name for name in own}
    return known.get
