"""What a page of the explorer costs as a result grows, next to SQLite and `bcftools view -i` on the same variants.

`python -m bench.explorer [10000 100000 1000000]` makes a result of each size: a trio, genes, frequencies and clinical
significance, sorted. The result's VCF is the source of all three; its table is made as the service makes it. Each
engine gets the same questions: the first page of a filter, sorted by quality, and the count; and from DuckDB and
SQLite the facets of the explorer. Times are medians in milliseconds of one process on a warm file.
"""

import argparse
import random
import resource
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.http import QueryDict

from annotator.effects import csq_field, info_tags
from annotator.effects.terms import IMPACT
from annotator.formats.bgzf import END, BgzfWriter
from annotator.tables import write
from gas.explorer import native, query
from gas.explorer.database import Database
from gas.explorer.files import LocalFile
from gas.explorer.filters import form_for
from gas.explorer.selection import kept

SAMPLES = ("kid", "mum", "dad")
CONTIGS = tuple((f"chr{name}", 200_000_000 - 6_000_000 * place) for place, name in enumerate([*range(1, 23), "X"]))
GENE_BASES = 120_000
TERMS = (
    "intron_variant",
    "missense_variant",
    "synonymous_variant",
    "stop_gained",
    "5_prime_UTR_variant",
    "splice_donor_variant",
)
PROTEIN_CHANGING = " | ".join(f"GAS_CSQ='{term}'" for term in (TERMS[1], TERMS[3], TERMS[5]))
WEIGHTS = (70, 10, 10, 0.5, 9, 0.5)
ROUNDS = 7
#: Name, the explorer's filter, the same as SQL, and for bcftools.
QUESTIONS = (
    ("all", "", "1", "POS>0"),
    (
        "rare, protein-changing",
        "impact=HIGH&impact=MODERATE&source-gnomAD_AF-max=0.01&source-gnomAD_AF-missing=keep",
        "impact IN ('HIGH', 'MODERATE') AND (gnomAD_AF <= 0.01 OR gnomAD_AF IS NULL)",
        f"({PROTEIN_CHANGING}) & (gnomAD_AF<=0.01 | gnomAD_AF='.')",
    ),
    ("one gene", "gene=G3_40", "gene = 'G3_40'", 'GAS_GENE="G3_40"'),
    (
        "de novo",
        "family-rule=de-novo&family-proband=1&family-mother=2&family-father=3",
        "kid IN ('het', 'hom') AND mum = 'absent' AND dad = 'absent'",
        'GT[0]="alt" && GT[1]="ref" && GT[2]="ref"',
    ),
)


def lines(alleles: int, seed: int = 1) -> Iterator[str]:
    """Yield the records of a result."""
    dice = random.Random(seed)  # noqa: S311
    each = alleles // len(CONTIGS) + 1
    entry = dict.fromkeys(csq_field.FIELDS, "")
    left = alleles
    for number, (contig, length) in enumerate(CONTIGS):
        step = length // each
        for place in range(min(each, left)):
            pos = 1 + place * step + dice.randrange(step)
            gene, term = f"G{number}_{pos // GENE_BASES}", dice.choices(TERMS, WEIGHTS)[0]
            entry |= {"Allele": "A", "Consequence": term, "IMPACT": str(IMPACT[term]), "SYMBOL": gene, "Gene": gene}
            entry |= {
                "Feature_type": "Transcript",
                "Feature": f"T{gene}",
                "STRAND": "1",
                "PICK": "1",
                "ALLELE_NUM": "1",
            }
            info = f"CSQ={'|'.join(entry.values())};GAS_GENE={gene};GAS_CSQ={term};GAS_HGVSG=g.{pos}G>A"
            if dice.random() < 0.7:
                info += f";gnomAD_AF={dice.betavariate(0.2, 3):.6g}"
            if dice.random() < 0.05:
                info += f";CLNSIG={dice.choice(('Benign', 'Pathogenic', 'Uncertain_significance'))}"
            cells = (
                f"{dice.choice(('0/0', '0/1', '0/0', '1/1', '0/1'))}:{dice.randint(5, 60)}:{dice.randint(0, 99)}"
                for _ in SAMPLES
            )
            yield (
                f"{contig}\t{pos}\t.\tG\tA\t{dice.uniform(10, 999):.1f}\tPASS\t{info}\tGT:DP:GQ\t"
                + "\t".join(cells)
                + "\n"
            )
        left -= min(each, left)


def make(folder: Path, alleles: int) -> Path:
    """Write the result's VCF, with its index."""
    path = folder / "annot.vcf.gz"
    source = ',Source="gnomad",Version="4.1">'
    header = ["##fileformat=VCFv4.2", '##FILTER=<ID=PASS,Description="All filters passed">']
    header += [f"##contig=<ID={name},length={length}>" for name, length in CONTIGS]
    header += [
        f'##FORMAT=<ID={tag},Number=1,Type={kind},Description="{tag}">'
        for tag, kind in (("GT", "String"), ("DP", "Integer"), ("GQ", "Integer"))
    ]
    header += info_tags.definitions()
    header += [
        f'##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="AF"{source}',
        f'##INFO=<ID=CLNSIG,Number=A,Type=String,Description="S"{source}',
    ]
    header.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *SAMPLES]))
    with path.open("wb") as file:
        writer = BgzfWriter(file, 1)
        writer.write("\n".join([*header, ""]).encode())
        for line in lines(alleles):
            writer.write(line.encode())
        writer.finish()
        file.write(END)
    subprocess.run(["bcftools", "index", "-t", str(path)], check=True)
    return path


def sqlite(folder: Path, database: Database) -> sqlite3.Connection:
    """Put the same columns into SQLite, with the indexes that a careful author would make."""
    connection = sqlite3.connect(folder / "variants.sqlite")
    names = [
        "row_number",
        "contig",
        "pos",
        "gene",
        "consequence",
        "impact",
        "type",
        "significance",
        "gnomAD_AF",
        "qual",
    ]
    people = [f"s{number}_zygosity AS {name}" for number, name in enumerate(SAMPLES, 1)]
    connection.execute(f"CREATE TABLE variants (row_number INTEGER PRIMARY KEY, {', '.join([*names[1:], *SAMPLES])})")
    marks = ", ".join("?" * (len(names) + len(SAMPLES)))
    for rows in database.stream(f"SELECT {', '.join([*names, *people])} FROM variants", seconds=600, at_once=20_000):  # noqa: S608
        connection.executemany(f"INSERT INTO variants VALUES ({marks})", rows)  # noqa: S608
    for name in ("gene", "impact", "gnomAD_AF", "qual", "contig, pos"):
        connection.execute(f"CREATE INDEX {name.replace(', ', '_')}_index ON variants ({name})")
    connection.execute("ANALYZE")
    connection.commit()
    return connection


def median_ms(question: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Return the median time of a question, asked once before."""
    question()
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        question()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def measure(alleles: int) -> None:
    """Print a line for each question."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vcf = make(folder, alleles)
        start = time.perf_counter()
        parquet = write(vcf, folder).parquet
        built = time.perf_counter() - start
        (folder / "annot.tsv.gz").unlink()
        rows = parquet.with_suffix(native.ENDING)
        native.make(parquet, rows, memory_bytes=settings.EXPLORER_MEMORY_BYTES, temporary=folder)
        database = Database(LocalFile(parquet, parquet.open("rb")), LocalFile(rows, rows.open("rb")))
        connection = sqlite(folder, database)
        sizes = [path.stat().st_size / 1e6 for path in (parquet, folder / "variants.sqlite", vcf)]
        print(f"\n{alleles:,} alleles; tables in {built:.1f} s; Parquet {sizes[0]:.1f} MB, ", end="")
        print(f"SQLite {sizes[1]:.1f} MB, VCF {sizes[2]:.1f} MB")
        print("| question | matches | page and facets | facets known | SQLite | bcftools |\n|---|---|---|---|---|---|")
        order = query.Order.parse("-qual", database.columns)
        for label, parameters, sql, expression in QUESTIONS:
            form = form_for(database.columns, QueryDict(parameters))
            assert form.is_valid(), form.errors
            state, columns = form.state(), database.columns.default

            def page(state: Any = state, columns: Any = columns) -> None:
                query.page(database, state, columns, order=order)

            def all_of_it(page: Callable[[], None] = page, state: Any = state) -> None:
                page()
                kept.clear()
                query.facets(database, state)

            def in_sqlite(sql: str = sql) -> None:
                connection.execute(
                    f"SELECT * FROM variants WHERE {sql} ORDER BY qual DESC, row_number LIMIT 51"  # noqa: S608
                ).fetchall()
                for column in ("consequence", "impact", "type", "significance", "contig", "gene"):
                    connection.execute(
                        f"SELECT {column}, count(*) AS n FROM variants "  # noqa: S608
                        f"WHERE {sql} GROUP BY 1 ORDER BY n DESC LIMIT 25"
                    ).fetchall()

            def in_bcftools(expression: str = expression) -> bytes:
                return subprocess.run(
                    ["bcftools", "view", "-H", "-i", expression, str(vcf)], check=True, capture_output=True
                ).stdout

            total = query.facets(database, state).total
            assert connection.execute(f"SELECT count(*) FROM variants WHERE {sql}").fetchone() == (total,)  # noqa: S608
            assert in_bcftools().count(b"\n") == total
            slow = 1 if alleles > 200_000 else 3
            times = [median_ms(all_of_it), median_ms(page), median_ms(in_sqlite, slow), median_ms(in_bcftools, slow)]
            print(f"| {label} | {total:,} | " + " | ".join(f"{one:,.0f} ms" for one in times) + " |")
        database.close()
    print(f"Largest memory of the process so far: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def main() -> None:
    """Measure each size."""
    settings.configure(
        EXPLORER_MEMORY_BYTES=256 * 1024**2,
        EXPLORER_TEMPORARY_BYTES=1024**3,
        EXPLORER_THREADS=2,
        EXPLORER_QUERY_SECONDS=60.0,
        USE_I18N=False,
    )
    django.setup()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("alleles", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    for alleles in parser.parse_args().alleles:
        measure(alleles)


if __name__ == "__main__":
    main()
