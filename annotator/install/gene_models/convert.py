"""Convert a person's file of gene models to Ensembl's GFF3, contig by contig."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from annotator.install.errors import InstallError
from annotator.install.gene_models import ensembl_gff3, styles
from annotator.install.gene_models.build import genes_of
from annotator.install.gene_models.check import Counts, checked
from annotator.install.gene_models.rows import Row, read_row
from annotator.install.genome import whole_lines
from annotator.reference.gff3 import REGION_TYPES

LEVEL = 1  # gzip level; the file is read only once, and then deleted


@dataclass
class Converted:
    """The result of a conversion.

    counts: numbers of transcripts.
    genes: number of genes written.
    other_contigs: number of rows on each contig that the genome does not have.
    codes: the genetic code of each contig whose coding segments state it (transl_table).
    facts: the `#!` lines, such as `#!genome-build GRCh38.p14`.
    """

    counts: Counts = field(default_factory=Counts)
    genes: int = 0
    other_contigs: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)


def convert(
    source: Path,
    target: Path,
    *,
    lengths: Mapping[str, int],
    contig_of: Callable[[str], str | None],
    mane: Mapping[str, str],
    progress: Callable[[int], None] | None = None,
) -> Converted:
    """Write the gene models of a GFF3 or GTF file as Ensembl's GFF3.

    Args:
        source: Plain or gzip, with its rows grouped by contig.
        target: Receives the GFF3, compressed with gzip.
        lengths: Lengths of the genome's contigs.
        contig_of: Returns the genome's name of a contig; None if the genome does not have it.
        mane: {transcript without version: MANE_Select or MANE_Plus_Clinical}.
        progress: Called with the number of bytes read from source.

    Raises:
        InstallError: A line is not GFF3 or GTF, a contig's rows are not together, or no gene can be used.
    """
    done = Converted()
    with gzip.open(target, "wt", LEVEL, encoding="utf-8", newline="\n") as out:
        out.write("##gff-version 3\n")
        for contig, rows in _contigs(source, contig_of, done, progress):
            out.write(_contig_line(contig, rows, lengths[contig], source.name) + "\n")
            out.writelines(f"{line}\n" for line in _region_lines(contig, rows, lengths[contig]))
            if code := _genetic_code(rows):
                done.codes[contig] = code
            for found in genes_of(row for row in rows if row.kind not in styles.CONTIGS):
                gene = checked(found, lengths[contig], done.counts)
                if gene is None:
                    continue
                done.genes += 1
                for one in gene.transcripts:
                    if one.name in mane and mane[one.name] not in one.tags:
                        one.tags = (*one.tags, mane[one.name])
                out.writelines(f"{line}\n" for line in ensembl_gff3.lines(contig, gene))
            out.write("###\n")
        out.writelines(f"{line}\n" for line in done.facts)
    if not done.genes:
        raise InstallError("no-genes", _no_genes(source, done))
    return done


def _contig_line(contig: str, rows: list[Row], length: int, source: str) -> str:
    """Return the row of the contig itself, with the file's facts about it."""
    own = _own_rows(rows)
    for row in own:
        if row.kind != "region" and row.end != length:
            raise InstallError(
                "other-build",
                f"{source}: {contig} has {row.end:,} bases there and {length:,} in the FASTA file, so both are of two "
                "builds. Give the gene models of this genome.",
            )
    aliases = dict.fromkeys(alias for row in own for alias in row.tags.get("Alias", ()))
    circular = _is_circular(own)
    mitochondrial = any(row.first("genome") == "mitochondrion" for row in own)
    return ensembl_gff3.contig_line(contig, length, aliases, circular=circular, mitochondrial=mitochondrial)


def _own_rows(rows: list[Row]) -> list[Row]:
    """Return the rows about the contig itself."""
    return [row for row in rows if row.kind in styles.CONTIGS and row.start == 1 and not row.first("Parent")]


def _is_circular(own: list[Row]) -> bool:
    return any(row.first("Is_circular") == "true" for row in own)


def _region_lines(contig: str, rows: list[Row], length: int) -> Iterator[str]:
    """Yield the rows of D-loops and replication origins; one across the origin of a circular contig gets two rows."""
    for row in rows:
        if row.kind not in REGION_TYPES:
            continue
        name = styles.region_name(row)
        if row.start <= length:
            yield ensembl_gff3.region_line(contig, row, name, row.start, min(row.end, length))
        if row.end > length and _is_circular(_own_rows(rows)):
            start = max(row.start - length, 1)
            yield ensembl_gff3.region_line(contig, row, name, start, min(row.end - length, length))


def _genetic_code(rows: list[Row]) -> int | None:
    """Return the genetic code that RefSeq's coding segments state; None if it is the standard one or not stated."""
    told = {row.first("transl_table") for row in rows if row.kind == styles.CODING} - {"", "1"}
    code = min(told, default="")
    return int(code) if code.isdecimal() and len(code) < 3 else None


def _no_genes(source: Path, done: Converted) -> str:
    if done.other_contigs:
        names = ", ".join(list(done.other_contigs)[:3])
        return (
            f"No gene of {source.name} lies on a sequence of the FASTA file; its contigs are called {names}. If these "
            "are other names of the same sequences, give NCBI's assembly report (--assembly-report)."
        )
    return f"{source.name} has no genes with exons: give the gene models of the genome as GFF3 or GTF."


def _contigs(
    source: Path,
    contig_of: Callable[[str], str | None],
    done: Converted,
    progress: Callable[[int], None] | None,
) -> Iterator[tuple[str, list[Row]]]:
    """Yield (contig, rows) for each contig that the genome has."""
    called, name = "", None
    rows: list[Row] = []
    seen: set[str] = set()
    for number, line in enumerate(_lines(source, progress), 1):
        if line.startswith("##FASTA"):
            break
        done.facts += [line] if line.startswith("#!") else []
        row = read_row(line, number, source.name)
        if row is None:
            continue
        if row.contig != called:
            if name and rows:
                yield name, rows
            called, name, rows = row.contig, contig_of(row.contig), []
            if name in seen:
                raise InstallError(
                    "bad-genes",
                    f"{source.name}, line {number:,}: contig {called} comes again after others. Sort the file by "
                    "contig first, for example with sort -k1,1 -s.",
                )
            if name:
                seen.add(name)
        if name is None:
            done.other_contigs[row.contig] = done.other_contigs.get(row.contig, 0) + 1
        else:
            rows.append(row)
    if name and rows:
        yield name, rows


def _lines(source: Path, progress: Callable[[int], None] | None) -> Iterator[str]:
    with source.open("rb") as file:
        for text in whole_lines(file, source.name, progress):
            for line in text.splitlines():
                yield line.decode("utf-8", "replace")


def read_mane(path: Path) -> dict[str, str]:
    """Read NCBI's MANE summary.

    Args:
        path: `MANE.GRCh38.vX.summary.txt`, plain or gzip, with the columns RefSeq_nuc, Ensembl_nuc and MANE_status.

    Returns:
        {transcript without version: MANE_Select or MANE_Plus_Clinical}, for both RefSeq and Ensembl.

    Raises:
        InstallError: These columns are missing.
    """
    head: list[str] = []
    found = {}
    for line in _lines(path, None):
        cells = line.rstrip("\r").lstrip("#").split("\t")
        if not head:
            head = cells
            missing = {"RefSeq_nuc", "Ensembl_nuc", "MANE_status"} - set(head)
            if missing:
                raise InstallError("bad-mane", f"{path.name} has no column {', '.join(sorted(missing))}.")
            continue
        row = dict(zip(head, cells, strict=False))
        for key in ("RefSeq_nuc", "Ensembl_nuc"):
            if name := row.get(key, ""):
                found[name.rpartition(".")[0] or name] = row.get("MANE_status", "").replace(" ", "_")
    return found
